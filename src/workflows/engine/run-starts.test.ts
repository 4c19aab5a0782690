import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { RetryableError, TerminalError } from '#core/errors.ts';
import { act } from '../../../tests/support/crash-scenarios.ts';
import { EngineRig } from '../../../tests/support/engine-rig.ts';

const ME = { kind: 'person', id: 'me' } as const;
const wait = (id: string, more: object) => ({ id, type: 'wait', ...more });

let rig: EngineRig;

async function begin(limits = {}): Promise<void> {
  rig = new EngineRig(limits);
  await rig.open();
}
const runs = () => rig.engine.runs;
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

describe('starting', () => {
  test('the same key is the same run; another request with it is refused', async () => {
    await rig.save({ name: 'w', steps: [act('a')] });
    const start = { workflow: 'w', input: { n: 1 }, actor: ME, idempotencyKey: 'k' };
    const first = runs().start(start);
    expect(await code(runs().start(start))).toBe('idempotency.in_progress');
    const { id } = await first;
    expect(await runs().start(start)).toMatchObject({ id, replayed: true });
    expect(await code(runs().start({ ...start, input: { n: 2 } }))).toBe('idempotency.mismatch');
  });

  test('no more than are allowed, queued ones apart', async () => {
    await rig.close();
    await begin({ maxLive: 2, maxQueued: 1 });
    await rig.save(
      { name: 'w', steps: [wait('h', { for: '60s' })] },
      { name: 'q', concurrency: 1, steps: [wait('h', { for: '60s' })] },
    );
    await rig.start('q');
    expect((await runs().start({ workflow: 'q', actor: ME })).status).toBe('queued');
    expect(await code(runs().start({ workflow: 'q', actor: ME }))).toBe('run.queue_full');
    await rig.start('w');
    expect(await code(runs().start({ workflow: 'w', actor: ME }))).toBe('engine.busy');
    expect(rig.engine.health().score).toBeLessThan(1);
  });

  test('refused input, unknown workflow and version', async () => {
    await rig.save({
      name: 'w',
      input: { type: 'object', required: ['n'], properties: { n: { type: 'number' } } },
      steps: [act('a')],
    });
    expect(await code(runs().start({ workflow: 'w', actor: ME }))).toBe('run.input_invalid');
    expect(await code(runs().start({ workflow: 'v', actor: ME }))).toBe('workflow.not_found');
    expect(await code(runs().start({ workflow: 'w', version: 7, actor: ME }))).toBe('workflow.not_found');
  });

  test('vars that cannot be evaluated: a failed run, not a refused start', async () => {
    await rig.save({ name: 'w', vars: { x: '{{ input.n / 0 }}' }, steps: [act('a')] });
    const id = await rig.start('w', { n: 1 });
    expect(await rig.end(id)).toMatchObject({ status: 'failed', steps: [] });
  });

  test('lists, newest first, in pages', async () => {
    await rig.save({ name: 'w', steps: [act('a')] }, { name: 'v', steps: [act('a')] });
    const ids: string[] = [];
    for (const name of ['w', 'v', 'w', 'w']) ids.unshift(await rig.start(name));
    await rig.settle();
    const first = runs().list({ limit: 3 });
    const second = runs().list({ limit: 3, cursor: first.next ?? '' });
    expect([...first.runs, ...second.runs].map((run) => run.id)).toEqual(ids);
    expect(second.next).toBeNull();
    expect(runs().list({ limit: 9, workflow: 'v', status: ['completed'] }).runs.length).toBe(1);
    expect(runs().list({ limit: 9, status: ['failed'] }).runs).toEqual([]);
    expect(() => runs().list({ limit: 3, cursor: '!' })).toThrow(
      expect.objectContaining({ code: 'cursor.invalid' }),
    );
    expect(() => runs().get('0')).toThrow(expect.objectContaining({ code: 'run.not_found' }));
    expect(runs().workflowOf(ids[0] ?? '')).toBe('w');
    expect(runs().workflowOf('nobody')).toBeUndefined();
  });
});

describe('limits of a workflow', () => {
  test('the newest replaces those before it, begun or not', async () => {
    await rig.save({
      name: 'w',
      concurrency: { max: 1, on_limit: 'replace' },
      steps: [act('a'), wait('h', { for: '5s' })],
    });
    const ids: string[] = [];
    for (let index = 0; index < 4; index++) ids.push(await rig.start('w'));
    await rig.pass(10);
    expect(ids.map((id) => rig.statusInDatabase(id))).toEqual([
      'cancelled',
      'cancelled',
      'cancelled',
      'completed',
    ]);
  });

  test('a start that the disk refuses replaces nothing', async () => {
    await rig.save({
      name: 'w',
      concurrency: { max: 1, on_limit: 'replace' },
      steps: [wait('h', { for: '2s' })],
    });
    const id = await rig.start('w');
    rig.store.refusals.push(new RetryableError('store.full', 'full'));
    expect(await code(runs().start({ workflow: 'w', actor: ME }))).toBe('store.full');
    expect((await rig.end(id)).status).toBe('completed');
    expect(rig.engine.launcher.roster.size).toBe(0);
  });

  test('skip is an error for the starter; a workflow cannot wait for itself', async () => {
    await rig.save({
      name: 'w',
      concurrency: { max: 1, on_limit: 'skip' },
      steps: [wait('h', { for: '2s' })],
    });
    await rig.start('w');
    expect(await code(runs().start({ workflow: 'w', actor: ME }))).toBe('run.limit');
    await rig.save({
      name: 'self',
      concurrency: 1,
      steps: [{ id: 's', type: 'run_workflow', workflow: 'self' }],
    });
    const id = await rig.start('self');
    expect(await rig.end(id, 5)).toMatchObject({ status: 'failed', error: { code: 'run.waits_for_itself' } });
  });

  test('runs in runs have an end', async () => {
    await rig.save({ name: 'deep', steps: [{ id: 's', type: 'run_workflow', workflow: 'deep' }] });
    const id = await rig.start('deep');
    await rig.end(id, 5);
    expect(rig.count('runs')).toBe(8);
    const codes = rig.store
      .rows<{ error: string }>('SELECT error FROM runs ORDER BY key')
      .map((row) => JSON.parse(row.error).code);
    expect(codes.at(-1)).toBe('run.too_deep');
    expect(codes[0]).toBe('run.child_failed');
  });
});

describe('a disk that refuses', () => {
  test('full: the run goes on by itself', async () => {
    const id = await started({ steps: [wait('h', { for: '1s' }), act('a')] });
    rig.store.refusals.push(
      new RetryableError('store.full', 'full'),
      new RetryableError('store.failed', 'failed'),
    );
    expect((await rig.end(id)).status).toBe('completed');
    expect(rig.effects.length).toBe(1);
  });

  test.each([
    act('a'),
    wait('h', { for: '1s' }),
    { id: 's', type: 'run_workflow', workflow: 'other' },
    { id: 'p', type: 'parallel', branches: { a: [act('a')] } },
    { id: 'l', type: 'loop', times: 2, steps: [wait('h', { for: '1s' })] },
  ])("a first unit that is refused is the starter's error, and there is no run: %o", async (step) => {
    await rig.save(
      { name: 'other', steps: [act('a')] },
      { name: 'w', steps: [step], on_error: [act('handler')] },
    );
    rig.store.refusals.push(new RetryableError('store.full', 'full'));
    expect(await code(runs().start({ workflow: 'w', actor: ME }))).toBe('store.full');
    await rig.settle();
    expect([rig.count('runs'), rig.engine.launcher.roster.size, rig.effects]).toEqual([0, 0, []]);
  });

  test('an unknown outcome of the first unit: the starter is told, the run is seen to', async () => {
    await rig.save({ name: 'w', steps: [act('a')] }, { name: 'q', concurrency: 1, steps: [act('a')] });
    rig.store.refusals.push(new RetryableError('store.unknown', 'who knows'));
    expect(await code(runs().start({ workflow: 'w', actor: ME }))).toBe('store.unknown');
    await rig.pass(3);
    expect(
      runs()
        .list({ limit: 9 })
        .runs.map((run) => run.status),
    ).toEqual(['completed']);
    await rig.save({ name: 'q', concurrency: 1, steps: [wait('h', { for: '5s' })] });
    await rig.start('q');
    rig.store.refusals.push(new RetryableError('store.unknown', 'who knows'));
    expect(await code(runs().start({ workflow: 'q', actor: ME }))).toBe('store.unknown');
    await rig.pass(15);
    expect(
      runs()
        .list({ limit: 9, workflow: 'q' })
        .runs.map((run) => run.status),
    ).toEqual(['completed', 'completed']);
  });

  test('a refused journal fails the run, and nothing else', async () => {
    const id = await started({ steps: [wait('h', { for: '1s' }), act('a')] });
    rig.store.refusals.push(new TerminalError('conflict', 'store.guard', 'no'));
    expect(await rig.end(id)).toMatchObject({ status: 'failed', error: { code: 'store.guard' } });
    const other = await started({ steps: [wait('h', { for: '1s' })] });
    for (let times = 0; times < 3; times++)
      rig.store.refusals.push(new TerminalError('conflict', 'store.guard', 'no'));
    await rig.pass(3);
    expect(rig.engine.launcher.roster.get(other)).toBeUndefined();
    expect(await code(runs().cancel(other, ME))).toBe('run.not_loaded');
  });
});
