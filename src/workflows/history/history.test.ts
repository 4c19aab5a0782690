import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { act } from '../../../tests/support/crash-scenarios.ts';
import { EngineRig } from '../../../tests/support/engine-rig.ts';
import { MOST_LINES } from '../engine/step-lines.ts';
import type { StepType } from '../port.ts';
import { History } from './history.ts';

/** Says what its fields tell it to. */
const talk: StepType = {
  type: 'talk',
  check: () => [],
  onInterrupt: () => 'retry',
  async run({ lines = 1, size = 0 }, context) {
    const { log, attempt } = context;
    context.conceal('key', ['open-sesame']);
    const own = log.child({ valve: 3 });
    for (let line = 0; line < Number(lines); line++)
      own.info({ line, token: 't0ps3cret' }, `said ${'x'.repeat(Number(size))}`);
    log.debug({}, 'nobody keeps this');
    log.warn({ attempt }, 'the word is open-sesame');
    return null;
  },
};

let rig: EngineRig;
let history: History;
beforeEach(async () => {
  rig = new EngineRig();
  rig.types = [talk];
  await rig.open();
  history = new History(rig.store.reader, rig.outputs, rig.catalog);
});
afterEach(() => rig.close());

async function ended(steps: object[], more: object = {}): Promise<string> {
  await rig.save({ name: 'w', steps, ...more });
  const id = await rig.start('w');
  await rig.end(id);
  return id;
}

describe('what steps logged', () => {
  test('is in the trace from info on, without secrets; a silent step costs no row', async () => {
    const id = await ended([{ id: 'says', type: 'talk' }, act('silent')]);
    const lines = history.logs(id);
    expect([...lines.keys()]).toEqual(['says']);
    expect(lines.get('says')).toEqual(
      [
        {
          at: expect.any(Number),
          level: 'info',
          message: 'said',
          fields: { valve: '3', line: '0', token: '[redacted]' },
        },
        {
          at: expect.any(Number),
          level: 'warn',
          message: 'the word is [secret key]',
          fields: { attempt: '1' },
        },
      ].map((line) => (line.message === 'said' ? { ...line, message: 'said ' } : line)),
    );
    expect(() => history.logs('nobody')).toThrow(expect.objectContaining({ code: 'run.not_found' }));
  });

  test('is bounded in lines and bytes: the newest stay', async () => {
    const id = await ended([
      { id: 'many', type: 'talk', lines: 200 },
      { id: 'long', type: 'talk', lines: 60, size: 3000 },
    ]);
    const lines = history.logs(id);
    expect(lines.get('many')).toHaveLength(MOST_LINES);
    expect(lines.get('many')?.[0]?.message).toMatch(/^\d+ lines before these$/);
    expect(lines.get('many')?.at(-1)?.level).toBe('warn');
    const rows = rig.store.rows<{ size: number }>('SELECT length(lines) AS size FROM step_logs');
    for (const { size } of rows) expect(size).toBeLessThanOrEqual(8192);
  });
});

describe('graphs', () => {
  const steps = [
    {
      id: 'check',
      type: 'condition',
      if: 'true',
      // biome-ignore lint/suspicious/noThenProperty: the definition's own word
      then: [act('yes')],
    },
    {
      id: 'pick',
      type: 'switch',
      value: '{{ 1 }}',
      cases: [{ when: 1, steps: [act('one')] }],
      default: [act('none')],
    },
    { id: 'each', type: 'loop', times: 3, steps: [act('round')] },
    { id: 'both', type: 'parallel', branches: { left: [act('l')], right: [act('r')] } },
    {
      id: 'safe',
      type: 'try',
      steps: [act('risky', { undo: [act('back')] })],
      catch: [act('caught')],
      finally: [act('clean')],
    },
    act('last', { on_error: [act('mend')] }),
  ];

  test('have every step, and the ways between them', async () => {
    await rig.save({ name: 'w', steps, on_error: [act('tell')] });
    const { nodes, edges } = history.graph('w');
    expect(nodes.map(({ id }) => id)).toEqual([
      ...[
        '(start)',
        'check',
        'yes',
        'pick',
        'one',
        'none',
        'each',
        'round',
        'both',
        'l',
        'r',
        'safe',
        'risky',
      ],
      ...['back', 'caught', 'clean', 'last', 'mend', 'tell', '(end)'],
    ]);
    const ways = edges.map(
      ({ from, to, label, kind }) =>
        `${from} ${kind === 'next' ? '>' : kind} ${to}${label ? ` (${label})` : ''}`,
    );
    expect(ways).toEqual([
      '(start) > check',
      'check > yes (then)',
      'yes > pick',
      'check > pick (else)',
      'pick > one (1)',
      'pick > none (default)',
      'one > each',
      'none > each',
      'each > round (3 times)',
      'round back each',
      'each > both (done)',
      'both > l (left)',
      'both > r (right)',
      'l > safe',
      'r > safe',
      'safe > risky',
      'risky undo back (undo)',
      'safe error caught (catch)',
      'risky > clean',
      'caught > clean',
      'clean > last',
      'last error mend (on error)',
      '(start) error tell (the run fails)',
      'last > (end)',
      'mend > (end)',
      'tell > (end)',
    ]);
    expect(nodes.find(({ id }) => id === 'r')).toEqual({
      id: 'r',
      type: 'act',
      parent: 'both',
      part: 'right',
    });
    expect(() => history.graph('nobody')).toThrow(expect.objectContaining({ code: 'workflow.not_found' }));
  });

  test('of a run show what has become of each step, after the workflow is gone too', async () => {
    const id = await ended([...steps, { id: 'hold', type: 'wait', for: '100d' }, act('never')]);
    await rig.catalog.remove('w', { kind: 'person', id: 'me' });
    const { nodes, run } = history.runGraph(id);
    const state = (step: string) => nodes.find((node) => node.id === step)?.state;
    expect(run).toEqual({ id, status: 'waiting' });
    expect(state('round')).toEqual({ status: 'completed', counts: { completed: 3 }, attempts: 1 });
    expect(state('hold')?.status).toBe('waiting');
    expect([state('never'), state('none'), state('back')]).toEqual([undefined, undefined, undefined]);
  });

  test('of the other modes begin everywhere at once, or at the first that applies', async () => {
    await rig.save({ name: 'p', mode: 'parallel', steps: [act('a'), act('b')] });
    await rig.save({ name: 'c', mode: 'conditional', steps: [act('a', { when: 'input.x > 1' }), act('b')] });
    const from = (name: string) => history.graph(name).edges.filter((edge) => edge.from === '(start)');
    expect(from('p').map(({ to }) => to)).toEqual(['a', 'b']);
    expect(from('c').map(({ label }) => label)).toEqual(['input.x > 1', 'else']);
  });
});
