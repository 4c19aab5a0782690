import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { catalogue } from '#bus/catalogue.ts';
import { checkDefinition } from '#workflows/check/check-definition.ts';
import { staticStepTypes } from '../src/static-check.ts';

// What people get told for the mistakes they make: read messages.txt as one of them, at night.
const FOLDER = join(import.meta.dirname, 'broken-definitions');
const files = readdirSync(FOLDER).filter((file) => /\.(yaml|json)$/.test(file));
const around = {
  stepTypes: staticStepTypes(),
  events: Object.keys(catalogue),
  devices: [
    { id: 'greenhouse_temp', writable: false },
    { id: 'greenhouse_door', writable: false },
    { id: 'greenhouse_fan', writable: true },
  ],
  workflows: ['greenhouse-cooling'],
};

const checked = files.map((file) => {
  const source = readFileSync(join(FOLDER, file), 'utf8');
  return { file, ...checkDefinition(source, file.endsWith('.json') ? 'json' : 'yaml', around) };
});

describe('broken definitions', () => {
  it('there are at least sixty', () => expect(files.length).toBeGreaterThanOrEqual(60));

  it.each(checked)('$file is answered with a place and a message', ({ problems }) => {
    expect(problems.length).toBeGreaterThan(0);
    for (const { line, column, message } of problems) {
      expect(line).toBeGreaterThan(0);
      expect(column).toBeGreaterThan(0);
      expect(message).not.toMatch(/undefined|\[object|Invalid input|expected .* received/i);
    }
  });

  it('the messages', async () => {
    const lines = checked.flatMap(({ file, problems }) =>
      problems.map(({ severity, path, line, column, message, hint }) => {
        const place = `${file}:${line}:${column} ${severity}${path === '' ? '' : ` ${path}`}: ${message}`;
        return hint === undefined ? place : `${place}\n    ${hint}`;
      }),
    );
    await expect(`${lines.join('\n')}\n`).toMatchFileSnapshot(join(FOLDER, 'messages.txt'));
  });
});
