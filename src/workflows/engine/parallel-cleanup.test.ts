import { test } from 'vitest';
import { play, prepared, type Scenario } from '../../../tests/support/crash-check.ts';

const act = (id: string, more: object = {}) => ({ id, type: 'act', ...more });

// Found by crash-property.test.ts (seed 20261120): the run rests in the `finally` of one branch, and the end of
// the other branch's child run must be on disk by then.
test('a branch that is given up leaves nothing open while its sibling cleans up', async () => {
  const cleaning = {
    id: 't',
    type: 'try',
    steps: [act('b')],
    finally: [{ id: 'f', type: 'wait', for: '2s' }],
  };
  const started = [{ id: 's', type: 'run_workflow', workflow: 'child' }, act('a')];
  const steps = [
    { id: 'p', type: 'parallel', branches: { a: started, b: [cleaning] } },
    act('x', { fail: true }),
  ];
  const child = { name: 'child', steps: [act('c'), { id: 'd', type: 'wait', for: '1s' }] };
  const scenario: Scenario = { workflows: [{ name: 'w', mode: 'parallel', steps }, child], loose: true };
  const home = await prepared(scenario);
  try {
    await play(home.path, scenario, []);
    await play(home.path, scenario, [{ after: 3, deaf: true }]);
  } finally {
    home.drop();
  }
});
