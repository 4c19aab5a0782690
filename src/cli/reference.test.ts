import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { completionSpec } from './completion/spec.ts';
import { EXIT_MEANINGS } from './exit-codes.ts';
import { buildProgram } from './program.ts';
import { cliReference } from './reference.ts';

test('names every command with its options, and every exit status', () => {
  const reference = cliReference();
  for (const { trail, commands, options } of completionSpec(buildProgram(async () => {}, ''))) {
    if (commands.length === 0) expect(reference).toContain(`## chainbot ${trail}\n`);
    if (trail === '') continue;
    for (const { names } of options) for (const name of names) expect(reference).toContain(name);
  }
  for (const { code, meaning } of EXIT_MEANINGS) expect(reference).toContain(`| ${code} | ${meaning} |`);
  expect(reference).not.toContain('chainbot complete\n');
  expect(cliReference()).toBe(reference);
});

test('docs/cli.md is up to date', async () => {
  const page = await readFile(new URL('../../docs/cli.md', import.meta.url), 'utf8');
  expect(page).toBe(cliReference());
});
