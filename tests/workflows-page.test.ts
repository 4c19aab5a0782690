import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { concurrencyShape } from '#workflows/definition/concurrency.ts';
import { CONTROL_TYPES } from '#workflows/definition/control-shape.ts';
import { COMMON_FIELDS, definitionShape } from '#workflows/definition/shape.ts';
import { TRIGGER_TYPES } from '#workflows/definition/trigger-shape.ts';
import { checkStatically, staticStepTypes } from '../src/static-check.ts';
import { ROOT } from './rigs/site.ts';

/** docs/workflows.md says what the code says: each key, each step, each trigger, and an example that holds. */
const page = (name: string): string => readFileSync(join(ROOT, 'docs', name), 'utf8');
const PAGE = page('workflows.md');

/** First cells of the table that has this header. */
function keysOf(text: string, header: string): string[] {
  const table = text.split(`${header}\n`)[1]?.split('\n\n')[0] ?? '';
  return [...table.matchAll(/^\| `([a-z_]+)` \|/gm)].map(([, key]) => key as string);
}

test('the keys of a definition, with their defaults', () => {
  expect(keysOf(PAGE, '| key | meaning | default |')).toEqual(Object.keys(definitionShape.shape));
  const [, written = ''] = /In full: `concurrency: \{(.+?)\}`/.exec(PAGE) ?? [];
  const map = concurrencyShape.options.find((option) => 'shape' in option);
  expect(written.split(', ')).toEqual(Object.keys(map?.shape ?? {}));
});

test('the fields that every step may have', () => {
  const common = keysOf(page('steps.md'), '| field | meaning | default |');
  expect([...common, 'id', 'type'].sort()).toEqual([...COMMON_FIELDS].sort());
});

test('every step and every trigger has a link here and a heading there', () => {
  const linked = (file: string): string[] =>
    [...PAGE.matchAll(new RegExp(`\\[([a-z_]+)\\]\\(${file}#\\1\\)`, 'g'))].map(([, name]) => name as string);
  const steps = [...CONTROL_TYPES, ...staticStepTypes().types(), 'undo'];
  expect([...new Set(linked('steps.md'))].sort()).toEqual([...steps].sort());
  expect([...new Set(linked('triggers.md'))].sort()).toEqual([...TRIGGER_TYPES].sort());
  for (const step of steps) expect(page('steps.md')).toContain(`\n## ${step}\n`);
  for (const trigger of TRIGGER_TYPES) expect(page('triggers.md')).toContain(`\n## ${trigger}\n`);
});

test('the example uses every key and has no fault', () => {
  const [, example = ''] = /```yaml\n([\s\S]*?)```/.exec(PAGE) ?? [];
  for (const key of Object.keys(definitionShape.shape))
    expect(example).toContain(`\n${key}:`.slice(key === 'name' ? 1 : 0));
  expect(checkStatically(example, 'yaml')).toMatchObject({ ok: true, problems: [] });
});
