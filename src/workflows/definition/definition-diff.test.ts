import { expect, test } from 'vitest';
import type { StepDefinition, WorkflowDefinition } from '../definition-port.ts';
import { definitionDiff } from './definition-diff.ts';

const step = (id: string, more: object = {}): StepDefinition => ({ id, type: 'log', ...more });
const workflow = (steps: readonly StepDefinition[], more: object = {}): WorkflowDefinition => ({
  ...{ name: 'w', mode: 'sequential', triggers: [], steps },
  ...more,
});
const shown = (before: WorkflowDefinition, after: WorkflowDefinition) =>
  definitionDiff(before, after).map(({ kind, step: id, at, fields }) =>
    [kind, id ?? '', at, ...fields.map(({ field }) => field)].join(' '),
  );

test('the same is no change', () => {
  expect(definitionDiff(workflow([step('a')]), workflow([step('a')]))).toEqual([]);
});

test('fields of the workflow, and steps that are new, gone and changed', () => {
  const before = workflow([step('a', { text: 'x' }), step('b')], { timeout: '5m' });
  const after = workflow([step('a', { text: 'y' }), step('c')], { description: 'd' });
  expect(shown(before, after)).toEqual([
    'changed  timeout timeout',
    'changed  description description',
    'removed b steps type',
    'changed a steps text',
    'added c steps type',
  ]);
});

test('what stands elsewhere: only what must be called moved', () => {
  const inner = (...ids: string[]) => step('l', { type: 'loop', times: 2, steps: ids.map((id) => step(id)) });
  expect(
    shown(workflow([step('a'), step('b'), step('c')]), workflow([step('c'), step('a'), step('b')])),
  ).toEqual(['moved c steps']);
  expect(shown(workflow([step('a'), inner('x')]), workflow([inner('x', 'a')]))).toEqual([
    'moved a l/steps at',
  ]);
});
