import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { act, choice } from '../../../tests/support/crash-scenarios.ts';
import { EngineRig } from '../../../tests/support/engine-rig.ts';
import type { RunDetail } from '../runs-port.ts';

const ME = { kind: 'person', id: 'me' } as const;
const wait = (id: string, more: object) => ({ id, type: 'wait', ...more });

let rig: EngineRig;

async function begin(): Promise<void> {
  rig = new EngineRig();
  await rig.open();
}
const runs = () => rig.engine.runs;
const steps = (run: RunDetail) => Object.fromEntries(run.steps.map((step) => [step.path, step.status]));
async function started(definition: object, input = {}): Promise<string> {
  await rig.save({ name: 'w', ...definition });
  const id = await rig.start('w', input);
  await rig.settle();
  return id;
}
const code = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'none',
    (error: { code?: string }) => error.code ?? String(error),
  );

beforeEach(() => begin());
afterEach(() => rig.close());

describe('status', () => {
  test('a run waits when all its branches wait, and only then', async () => {
    const id = await started({
      steps: [
        {
          ...{ id: 'p', type: 'parallel' },
          branches: {
            a: [wait('a1', { for: '2s' }), act('a2', { ms: 3000 })],
            b: [wait('b1', { for: '4s' })],
            c: [act('c1', { ms: 1000 })],
          },
        },
      ],
    });
    const seen: (string | undefined)[] = [rig.statusInDatabase(id)];
    for (let second = 0; second < 6; second++) {
      await rig.clock.advance(1000);
      await rig.settle();
      seen.push(rig.statusInDatabase(id));
    }
    // 0 s: c acts; 1 s: a and b wait; 2 s: a acts; 4 s: a acts still, b ended; 5 s: the end.
    expect(seen).toEqual(['running', 'waiting', 'running', 'running', 'running', 'completed', 'completed']);
  });

  test('a branch that ends leaves the others waiting', async () => {
    const id = await started({
      steps: [
        {
          id: 'p',
          type: 'parallel',
          branches: { a: [wait('a1', { signal: 'x' })], b: [act('b1', { ms: 1000 })] },
        },
      ],
    });
    expect(rig.statusInDatabase(id)).toBe('running');
    await rig.pass(2);
    expect(rig.statusInDatabase(id)).toBe('waiting');
    await runs().signal(id, 'x', null, ME);
    expect((await rig.end(id)).status).toBe('completed');
  });

  test('waiting for a retry, and for a run', async () => {
    await rig.save({ name: 'child', steps: [act('c', { fails: 1, retry: { delay: '3s', jitter: false } })] });
    const id = await started({ steps: [{ id: 's', type: 'run_workflow', workflow: 'child' }] });
    const child = runs().list({ limit: 5, workflow: 'child' }).runs[0]?.id ?? '';
    expect([rig.statusInDatabase(id), rig.statusInDatabase(child)]).toEqual(['waiting', 'waiting']);
    const [step] = runs().get(child).steps;
    expect(step).toMatchObject({
      status: 'waiting',
      error: { code: 'act.again' },
      history: [{ attempt: 1 }],
    });
    const run = await rig.end(id);
    expect(run).toMatchObject({ status: 'completed', output: { status: 'completed', output: 'c' } });
    expect(runs().get(child).steps[0]).toMatchObject({ attempts: 2, error: null, status: 'completed' });
  });

  test('paused and resumed while it waits: waiting again', async () => {
    const id = await started({ steps: [wait('h', { for: '5s' }), act('z')] });
    expect((await runs().pause(id, ME)).status).toBe('paused');
    expect(runs().get(id).verbs).toEqual(['cancel', 'resume', 'signal', 'fork', 'migrate']);
    expect((await runs().resume(id, ME)).status).toBe('waiting');
    expect((await rig.end(id)).status).toBe('completed');
    expect(rig.typesOf(id)).toEqual([
      'workflow.started',
      'step.waiting',
      'workflow.paused',
      'workflow.resumed',
      'step.completed',
      'step.completed',
      'workflow.completed',
    ]);
  });
});

describe('pause', () => {
  test('puts no intent down: a crash while it is paused interrupts nothing', async () => {
    const id = await started({ steps: [act('a', { ms: 1000 }), act('b', { on_interrupt: 'fail' })] });
    await runs().pause(id, ME);
    await rig.pass(3);
    expect(steps(runs().get(id))).toEqual({ a: 'completed' });
    await rig.crash();
    await rig.pass(3);
    expect(steps(runs().get(id))).toEqual({ a: 'completed' });
    expect(rig.statusInDatabase(id)).toBe('paused');
    await runs().resume(id, ME);
    expect((await rig.end(id)).status).toBe('completed');
    expect(runs().get(id).steps[1]).toMatchObject({ attempts: 1 });
  });

  test('holds the next attempt and the end of a run', async () => {
    const id = await started({ steps: [act('a', { fails: 1, retry: { delay: '2s', jitter: false } })] });
    await runs().pause(id, ME);
    await rig.pass(5);
    expect(rig.effects.length).toBe(1);
    await runs().resume(id, ME);
    await rig.settle();
    expect(rig.effects.length).toBe(2);
    const other = await started({ steps: [act('a', { ms: 1000 })] });
    await runs().pause(other, ME);
    await rig.pass(3);
    expect(rig.statusInDatabase(other)).toBe('paused');
    await runs().resume(other, ME);
    expect((await rig.end(other)).status).toBe('completed');
  });

  test('a timeout of a step is kept while its run is paused', async () => {
    const id = await started({
      steps: [act('a', { ms: 1000 }), wait('h', { signal: 'x', timeout: '2s', on_error: 'continue' })],
    });
    await runs().pause(id, ME);
    await rig.pass(10);
    await runs().resume(id, ME);
    expect((await rig.end(id)).status).toBe('completed');
    expect(runs().get(id).steps[1]).toMatchObject({ status: 'failed', error: { code: 'step.timeout' } });
  });
});

describe('cancel', () => {
  test('ends what is open, and the run that it waits for', async () => {
    await rig.save({ name: 'child', steps: [wait('h', { for: '60s' })] });
    const id = await started({
      steps: [
        {
          ...{ id: 'p', type: 'parallel' },
          branches: {
            a: [{ id: 's', type: 'run_workflow', workflow: 'child' }],
            b: [{ id: 'l', type: 'loop', times: 2, steps: [wait('h', { signal: 'x' })] }],
            c: [act('c1', { ms: 60_000 })],
          },
        },
      ],
    });
    expect((await runs().cancel(id, ME)).status).toBe('cancelled');
    await rig.settle();
    expect(new Set(Object.values(steps(runs().get(id))))).toEqual(new Set(['cancelled']));
    expect(rig.store.rows<{ status: string }>('SELECT status FROM runs').map((row) => row.status)).toEqual([
      'cancelled',
      'cancelled',
    ]);
    expect([rig.count('wakes'), rig.steps().filter((step) => step.status !== 'cancelled').length]).toEqual([
      0, 0,
    ]);
    const cancelled = rig.log().filter((event) => event.type === 'chainbot.workflow.cancelled');
    expect(cancelled.map((event) => event.data.reason).sort()).toEqual([
      'cancelled',
      'the run that started it gave up',
    ]);
    expect(await code(runs().cancel(id, ME))).toBe('run.illegal');
  });

  test('a run it waits for that only queues is cancelled too', async () => {
    await rig.save({ name: 'child', concurrency: 1, steps: [wait('h', { for: '60s' })] });
    await rig.start('child');
    const id = await started({ steps: [{ id: 's', type: 'run_workflow', workflow: 'child' }] });
    await runs().cancel(id, ME);
    await rig.settle();
    expect(
      runs()
        .list({ limit: 9, workflow: 'child' })
        .runs.map((run) => run.status),
    ).toEqual(['cancelled', 'waiting']);
  });

  test('a queued run whose turn comes at that moment', async () => {
    await rig.save({ name: 'q', concurrency: 1, steps: [wait('h', { for: '1s' })] });
    const first = await rig.start('q');
    const second = await rig.start('q');
    const both = [runs().cancel(second, ME), runs().cancel(first, ME)];
    await rig.settle();
    expect((await Promise.all(both)).map((run) => run.status)).toEqual(['cancelled', 'cancelled']);
    expect(rig.typesOf(second)).toEqual(['workflow.queued', 'workflow.cancelled']);
    expect(rig.engine.launcher.roster.size).toBe(0);
  });

  test('while the intent of a step is on its way: the step does not act', async () => {
    const id = await started({ steps: [wait('h', { for: '1s' }), act('a')] });
    rig.store.frozen = true;
    await rig.clock.advance(1000);
    await rig.settle();
    // The wait is over and the next intent waits for the disk.
    const cancelled = runs().cancel(id, ME);
    await rig.settle();
    rig.store.frozen = false;
    await rig.settle();
    expect((await cancelled).status).toBe('cancelled');
    expect(rig.effects).toEqual([]);
  });
});

describe('retry', () => {
  test('a step that started a run starts another', async () => {
    await rig.save({ name: 'child', steps: [act('c', { fail: true })] });
    const id = await started({ steps: [act('a'), { id: 's', type: 'run_workflow', workflow: 'child' }] });
    expect(runs().get(id)).toMatchObject({
      status: 'failed',
      error: { code: 'run.child_failed', step: 's' },
    });
    await rig.save({ name: 'child', steps: [act('c')] });
    await runs().retry(id, ME);
    expect((await rig.end(id)).status).toBe('completed');
    expect(rig.effects.filter((effect) => effect.path === 'a').length).toBe(1);
    expect(
      runs()
        .list({ limit: 9, workflow: 'child' })
        .runs.map((run) => run.status),
    ).toEqual(['completed', 'failed']);
    expect(await code(runs().retry(id, ME))).toBe('run.illegal');
  });

  test('what was given up inside a parallel that completed stays given up', async () => {
    const id = await started({
      steps: [
        {
          ...{ id: 'p', type: 'parallel', wait: 'any' },
          branches: {
            a: [act('a1')],
            b: [{ id: 'l', type: 'loop', times: 3, steps: [wait('h', { for: '60s' })] }],
          },
        },
        act('f', { fail: true }),
      ],
    });
    expect(steps(runs().get(id))).toMatchObject({ p: 'completed', 'p/b/l': 'cancelled', f: 'failed' });
    await runs().retry(id, ME);
    await rig.end(id);
    expect(steps(runs().get(id))).toMatchObject({
      p: 'completed',
      'p/b/l': 'cancelled',
      'p/b/l/0/h': 'cancelled',
      f: 'failed',
    });
  });

  test('a container that could not even decide, twice', async () => {
    const id = await started(
      { steps: [{ id: 'l', type: 'loop', for_each: '{{ input.list }}', steps: [act('s')] }] },
      { list: 7 },
    );
    expect(runs().get(id)).toMatchObject({ status: 'failed', error: { code: 'loop.not_a_list' } });
    await runs().retry(id, ME);
    expect(await rig.end(id)).toMatchObject({ status: 'failed', error: { code: 'loop.not_a_list' } });
    expect(rig.typesOf(id)).toEqual([
      'workflow.started',
      'step.failed',
      'workflow.failed',
      'workflow.retried',
      'step.failed',
      'workflow.failed',
    ]);
  });

  test('goes on in the middle of loops, conditions and handlers', async () => {
    const id = await started({
      steps: [
        {
          ...{ id: 'l', type: 'loop', times: 3 },
          steps: [
            act('s'),
            choice(
              'c',
              '{{ loop.index == 1 }}',
              [act('h', { fail: true, on_error: [act('g', { fail: true })] })],
              [],
            ),
          ],
        },
      ],
      on_error: [act('last')],
    });
    expect(runs().get(id)).toMatchObject({ status: 'failed', error: { code: 'act.failed' } });
    const before = rig.effects.map((effect) => effect.path);
    await runs().retry(id, ME);
    await rig.end(id);
    const again = rig.effects.slice(before.length).map((effect) => effect.path);
    expect(again).toEqual(['l/1/c/then/h/on_error/g', 'on_error/last']);
  });

  test('not beyond the limit of its workflow', async () => {
    await rig.save({ name: 'q', concurrency: 1, steps: [wait('h', { for: '60s' })] });
    const first = await rig.start('q');
    await runs().cancel(first, ME);
    await rig.start('q');
    expect(await code(runs().retry(first, ME))).toBe('run.limit');
  });
});

describe('signals', () => {
  test('two branches that wait for the same name get one each', async () => {
    const id = await started({
      steps: [
        {
          ...{ id: 'p', type: 'parallel' },
          branches: { a: [wait('a1', { signal: 'go' })], b: [wait('b1', { signal: 'go' })] },
        },
      ],
      output: '{{ sort([steps.a1.output, steps.b1.output]) }}',
    });
    await runs().signal(id, 'go', 1, ME);
    await runs().signal(id, 'go', 2, ME);
    expect(await rig.end(id)).toMatchObject({ status: 'completed', output: [1, 2] });
    expect(rig.count('signals')).toBe(0);
  });

  test('those that came before the wait are kept in their order; what nobody took goes with the run', async () => {
    const id = await started({
      steps: [act('a', { ms: 2000 }), wait('x', { signal: 'go' }), wait('y', { signal: 'go' })],
    });
    for (const payload of [1, 2, 3]) await runs().signal(id, 'go', payload, ME);
    const run = await rig.end(id);
    expect(run.steps.slice(1).map((step) => step.output)).toEqual([1, 2]);
    expect(rig.count('signals')).toBe(0);
    expect(await code(runs().signal(id, 'go', 4, ME))).toBe('run.illegal');
  });

  test('one for a run that ends at that moment is refused', async () => {
    const id = await started({ steps: [wait('x', { for: '1s' })] });
    await rig.clock.advance(1000);
    const late = code(runs().signal(id, 'go', 1, ME));
    await rig.settle();
    expect(['run.illegal', 'none']).toContain(await late);
    expect(rig.count('signals')).toBe(0);
  });

  test('too many', async () => {
    const id = await started({ steps: [wait('x', { signal: 'other' })] });
    const all = Array.from({ length: 1000 }, () => runs().signal(id, 'go', 1, ME));
    await Promise.all(all);
    expect(await code(runs().signal(id, 'go', 1, ME))).toBe('run.too_many_signals');
  });
});
