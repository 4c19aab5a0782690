import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { act, choice } from '../../../tests/support/crash-scenarios.ts';
import { EngineRig } from '../../../tests/support/engine-rig.ts';

const ME = { kind: 'person', id: 'me' } as const;
const wait = (id: string, more: object) => ({ id, type: 'wait', ...more });

let rig: EngineRig;
beforeEach(async () => {
  rig = new EngineRig();
  await rig.open();
});
afterEach(() => rig.close());

const runs = () => rig.engine.runs;
const done = () => rig.effects.map(({ path }) => path);
const code = (work: Promise<unknown> | (() => Promise<unknown>)): Promise<string> =>
  (async () => (typeof work === 'function' ? work() : work))().then(
    () => 'none',
    (error: { code?: string }) => error.code ?? String(error),
  );
async function restart(): Promise<void> {
  await rig.settle();
  rig.store.close();
  await rig.crash();
}

describe('fork', () => {
  const steps = [act('a', { value: '{{ input.n }}' }), act('b'), act('c', { value: '{{ steps.a.output }}' })];

  test('before a step: what came before is not done again', async () => {
    await rig.save({ name: 'w', steps, output: '{{ [steps.a.output, steps.c.output] }}' });
    const id = await rig.start('w', { n: 1 });
    await rig.end(id);
    const fork = await runs().fork(id, { step: 'b', input: { n: 2 } }, ME);
    expect(fork).toMatchObject({ status: 'running', forkedFrom: id, actor: 'person:me' });
    const end = await rig.end(fork.id);
    expect(end).toMatchObject({ status: 'completed', output: [1, 1], input: { n: 2 }, forkedFrom: id });
    expect(done()).toEqual(['a', 'b', 'c', 'b', 'c']);
    expect(end.steps.map(({ path }) => path)).toEqual(['a', 'b', 'c']);
    expect(rig.typesOf(fork.id).slice(0, 2)).toEqual(['workflow.forked', 'workflow.started']);
    expect(runs().get(id).status).toBe('completed');
  });

  test('from the beginning, with another input', async () => {
    await rig.save({ name: 'w', steps, output: '{{ steps.c.output }}' });
    const id = await rig.start('w', { n: 1 });
    await rig.end(id);
    const fork = await runs().fork(id, { input: { n: 5 } }, ME);
    expect((await rig.end(fork.id)).output).toBe(5);
    expect(done()).toEqual(['a', 'b', 'c', 'a', 'b', 'c']);
  });

  test('of a failed run with a mended version', async () => {
    await rig.save({ name: 'w', steps: [act('a'), act('b', { fail: true })] });
    const id = await rig.start('w');
    await rig.end(id);
    await rig.save({ name: 'w', steps: [act('a'), act('b'), act('c')] });
    const fork = await runs().fork(id, { step: 'b', version: 2 }, ME);
    expect(await rig.end(fork.id)).toMatchObject({ status: 'completed', version: 2 });
    expect(done()).toEqual(['a', 'b', 'b', 'c']);
    await rig.save({ name: 'w', steps: [act('x'), act('b')] });
    expect(await code(() => runs().fork(id, { step: 'b', version: 3 }, ME))).toBe('run.version_mismatch');
    await rig.save({ name: 'w', steps: [act('a', { value: 9 }), act('b')] });
    expect(await code(() => runs().fork(id, { step: 'b', version: 4 }, ME))).toBe('run.version_mismatch');
  });

  test('inside a loop and a condition: what they decided stays, earlier rounds too', async () => {
    await rig.save({
      name: 'w',
      steps: [
        {
          ...{ id: 'each', type: 'loop', for_each: '{{ input.items }}' },
          steps: [act('x', { value: '{{ loop.item }}' }), choice('c', true, [act('y'), act('z')], [])],
        },
        act('last'),
      ],
    });
    const id = await rig.start('w', { items: [1, 2] });
    await rig.end(id);
    rig.effects.length = 0;
    const fork = await runs().fork(id, { step: 'each/1/c/then/z', input: { items: [7, 8, 9] } }, ME);
    const end = await rig.end(fork.id);
    expect(end.status).toBe('completed');
    expect(done()).toEqual(['each/1/c/then/z', 'last']);
    expect(end.steps.find(({ path }) => path === 'each')?.output).toMatchObject({ count: 2 });
  });

  test('refused: unknown steps, inside branches, handlers, queued runs', async () => {
    await rig.save({
      name: 'w',
      steps: [
        { id: 'p', type: 'parallel', branches: { l: [act('a')], r: [act('b', { fail: true })] } },
        act('c'),
      ],
      on_error: [act('h')],
    });
    const id = await rig.start('w');
    await rig.end(id);
    expect(await code(() => runs().fork(id, { step: 'c' }, ME))).toBe('run.fork_step_unknown');
    expect(await code(() => runs().fork(id, { step: 'p/l/a' }, ME))).toBe('run.fork_step_inside');
    expect(await code(() => runs().fork(id, { step: 'on_error/h' }, ME))).toBe('run.fork_step_inside');
    const fork = await runs().fork(id, { step: 'p' }, ME);
    expect((await rig.end(fork.id)).status).toBe('failed');
  });

  test('one that must queue begins with its journal, also after a crash', async () => {
    await rig.save({ name: 'w', concurrency: 1, steps: [act('a'), wait('h', { for: '10s' }), act('b')] });
    const id = await rig.start('w');
    await rig.end(id);
    const other = await rig.start('w');
    await rig.settle();
    const fork = await runs().fork(id, { step: 'b' }, ME);
    expect(fork.status).toBe('queued');
    await restart();
    rig.effects.length = 0;
    expect((await rig.end(fork.id)).status).toBe('completed');
    expect((await rig.end(other)).status).toBe('completed');
    expect(done()).toEqual(['b', 'b']);
  });
});

describe('migrate', () => {
  const first = { name: 'w', steps: [act('a'), wait('h', { signal: 'go' }), act('b')] };
  const second = { name: 'w', steps: [act('a'), wait('h', { signal: 'go' }), act('b'), act('c')] };

  test.each([
    { how: 'in memory', seconds: 0 },
    { how: 'at rest', seconds: 5 },
  ])('a run that waits, $how', async ({ seconds }) => {
    await rig.save(first);
    const id = await rig.start('w');
    await rig.pass(seconds);
    await rig.settle();
    await rig.save(second);
    const moved = await runs().migrate(id, undefined, ME);
    expect(moved).toMatchObject({ version: 2, status: 'waiting' });
    expect(rig.log().find(({ type }) => type === 'chainbot.workflow.migrated')?.data).toMatchObject({
      ...{ run: id, version: 2, from: 1 },
    });
    await runs().signal(id, 'go', null, ME);
    expect(await rig.end(id)).toMatchObject({ status: 'completed', version: 2 });
    expect(done()).toEqual(['a', 'b', 'c']);
  });

  test('refused where what has run is different; the run goes on as it was', async () => {
    await rig.save(first);
    const id = await rig.start('w');
    await rig.settle();
    for (const steps of [
      [act('x'), wait('h', { signal: 'go' }), act('b')],
      [act('a', { value: 3 }), wait('h', { signal: 'go' })],
      [act('a'), wait('h', { signal: 'other' })],
      [act('a')],
    ]) {
      await rig.save({ name: 'w', steps });
      expect(await code(() => runs().migrate(id, undefined, ME))).toBe('run.version_mismatch');
    }
    expect(await code(() => runs().migrate(id, 99, ME))).toBe('workflow.not_found');
    await runs().signal(id, 'go', null, ME);
    expect(await rig.end(id)).toMatchObject({ status: 'completed', version: 1 });
  });

  test('a paused one, a queued one, and none with a step under way', async () => {
    const slow = (more: object[]) => ({
      name: 'w',
      concurrency: 1,
      steps: [act('a', { ms: 3000 }), act('b'), ...more],
    });
    await rig.save(slow([]));
    const id = await rig.start('w');
    const next = await rig.start('w');
    await rig.settle();
    await rig.save(slow([act('c')]));
    expect(await code(() => runs().migrate(id, undefined, ME))).toBe('run.illegal');
    await runs().pause(id, ME);
    expect(await code(() => runs().migrate(id, undefined, ME))).toBe('run.acting');
    await rig.pass(4);
    expect(await runs().migrate(id, undefined, ME)).toMatchObject({ status: 'paused', version: 2 });
    expect(await runs().migrate(next, undefined, ME)).toMatchObject({ status: 'queued', version: 2 });
    await restart();
    await runs().resume(id, ME);
    expect((await rig.end(id)).steps.map(({ path }) => path)).toEqual(['a', 'b', 'c']);
    expect(await rig.end(next)).toMatchObject({ status: 'completed', version: 2 });
    expect(await code(() => runs().migrate(id, undefined, ME))).toBe('run.illegal');
  });

  test('a step that waits for its next attempt may be mended', async () => {
    const retry = { delay: '1h', jitter: false };
    await rig.save({ name: 'w', steps: [act('a', { fails: 9, retry })] });
    const id = await rig.start('w');
    await rig.pass(3);
    await rig.save({ name: 'w', steps: [act('a', { value: 'mended', retry })] });
    expect(await runs().migrate(id, undefined, ME)).toMatchObject({ version: 2, status: 'waiting' });
    await rig.clock.advance(3_600_000);
    expect(await rig.end(id)).toMatchObject({ status: 'completed', output: 'mended' });
  });

  test('in an open container: behind what has begun all may be new', async () => {
    const looped = (more: object[]) => ({
      name: 'w',
      steps: [
        { id: 'l', type: 'loop', times: 2, steps: [act('x'), wait('h', { signal: 'go' }), ...more] },
        act('z'),
      ],
    });
    await rig.save(looped([]));
    const id = await rig.start('w');
    await rig.settle();
    await rig.save(looped([act('y')]));
    await runs().migrate(id, undefined, ME);
    for (let round = 0; round < 2; round++) {
      await runs().signal(id, 'go', null, ME);
      await rig.settle();
    }
    expect((await rig.end(id)).status).toBe('completed');
    expect(done()).toEqual(['l/0/x', 'l/0/y', 'l/1/x', 'l/1/y', 'z']);
  });
});

describe('delete and bulk', () => {
  test('an ended run goes with its steps; its key may be used anew', async () => {
    await rig.save({ name: 'w', steps: [act('a')] });
    const start = { workflow: 'w', actor: ME, idempotencyKey: 'k' };
    const { id } = await runs().start(start);
    expect(await code(() => runs().delete(id, ME))).toBe('run.illegal');
    await rig.end(id);
    await runs().delete(id, ME);
    expect(await code(() => runs().delete(id, ME))).toBe('run.not_found');
    expect([rig.count('runs'), rig.steps()]).toEqual([0, []]);
    expect(rig.typesOf(id).at(-1)).toBe('workflow.deleted');
    const again = await runs().start(start);
    expect([again.replayed, again.id === id]).toEqual([false, false]);
    expect((await runs().start(start)).replayed).toBe(true);
  });

  test('not while the run that started it may ask for it', async () => {
    await rig.save(
      { name: 'child', steps: [act('c')] },
      { name: 'w', steps: [{ id: 's', type: 'run_workflow', workflow: 'child' }, wait('h', { for: '9s' })] },
    );
    const id = await rig.start('w');
    await rig.settle();
    const child = runs().list({ limit: 1, workflow: 'child' }).runs[0]?.id ?? '';
    expect(runs().get(child).status).toBe('completed');
    expect(await code(() => runs().delete(child, ME))).toBe('run.in_use');
    await rig.end(id);
    expect(await code(() => runs().delete(child, ME))).toBe('none');
  });

  test('one verb for many, each with its own answer', async () => {
    await rig.save(
      { name: 'w', steps: [wait('h', { for: '9m' })] },
      { name: 'q', concurrency: 1, steps: [wait('h', { for: '9m' })] },
    );
    for (let count = 0; count < 5; count++) await rig.start('w');
    for (let count = 0; count < 3; count++) await rig.start('q');
    await rig.settle();
    const some = await runs().bulk({ verb: 'cancel', workflow: 'w', limit: 2 }, ME);
    expect(some.results.map(({ status }) => status)).toEqual(['cancelled', 'cancelled']);
    expect(some.more).toBe(true);
    const rest = await runs().bulk({ verb: 'cancel', status: ['waiting', 'queued'], limit: 100 }, ME);
    expect(rest.results.map(({ status }) => status)).toEqual(Array(6).fill('cancelled'));
    expect(rest.more).toBe(false);
    await rig.save({ name: 'w', steps: [act('a')] });
    const moved = await runs().bulk({ verb: 'retry', workflow: 'w', limit: 100 }, ME);
    expect(moved.results).toHaveLength(5);
    await rig.settle();
    const migrated = await runs().bulk({ verb: 'migrate', workflow: 'w', limit: 100 }, ME);
    expect(migrated.results.map(({ error }) => error?.code)).toEqual(Array(5).fill('run.version_mismatch'));
    const deleted = await runs().bulk({ verb: 'delete', workflow: 'q', limit: 100 }, ME);
    expect(deleted.results.map(({ error, status }) => [error, status])).toEqual(Array(3).fill([null, null]));
    expect(rig.count('runs')).toBe(5);
    const bad = runs();
    expect(await code(() => bad.bulk({ verb: 'delete', limit: 5 }, ME))).toBe('run.bulk_invalid');
    expect(await code(() => bad.bulk({ verb: 'delete', status: ['running'], limit: 5 }, ME))).toBe(
      'run.bulk_invalid',
    );
  });

  test('the table of what is possible is the one that decides', async () => {
    expect(runs().verbs()).toMatchObject({ migrate: ['queued', 'waiting', 'paused'], resume: ['paused'] });
  });
});
