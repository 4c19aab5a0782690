import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { bootAppliance } from './rigs/appliance.ts';

interface Document {
  readonly info: object;
  readonly paths: object;
}

test('docs/openapi.json is what the daemon answers', async () => {
  await using house = await bootAppliance();
  const served = (await (await house.fetch('/openapi.json')).json()) as Document;
  const page = JSON.parse(await readFile('docs/openapi.json', 'utf8')) as Document;
  expect({ ...served, info: null }).toEqual({ ...page, info: null });
});
