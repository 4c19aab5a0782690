import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { eventReference } from '#bus/catalogue.ts';
import { cliReference } from '#cli/reference.ts';
import { configurationPage, defaultConfig, jsonSchema } from './generators/config-documents.ts';
import { openapiDocument } from './generators/openapi-document.ts';
import { workflowSchema } from './generators/workflow-schema.ts';

/**
 * Writes the files that are made from code, so that they cannot drift from it:
 *
 *     node scripts/generate.ts            writes those that changed
 *     node scripts/generate.ts --check    exits with 1 when one is not up to date
 */
interface Generated {
  /** Path in the checkout. */
  readonly file: string;
  make(): string | Promise<string>;
}

const GENERATED: readonly Generated[] = [
  { file: 'config/schema.json', make: jsonSchema },
  { file: 'config/default.yaml', make: defaultConfig },
  { file: 'docs/configuration.md', make: configurationPage },
  { file: 'config/workflow.schema.json', make: workflowSchema },
  { file: 'docs/cli.md', make: cliReference },
  { file: 'docs/events.md', make: eventReference },
  { file: 'docs/openapi.json', make: openapiDocument },
];

const root = path.resolve(import.meta.dirname, '..');
const check = process.argv.includes('--check');

for (const { file, make } of GENERATED) {
  const target = path.join(root, file);
  const wanted = await make();
  const there = await readFile(target, 'utf8').catch(() => undefined);
  if (there === wanted) continue;
  if (check) {
    console.error(`${file} is not up to date: run node scripts/generate.ts`);
    process.exitCode = 1;
    continue;
  }
  await mkdir(path.dirname(target), { recursive: true });
  await writeFile(target, wanted);
  console.log(`wrote ${file}`);
}
