import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { act } from '../../../tests/support/crash-scenarios.ts';
import { EngineRig } from '../../../tests/support/engine-rig.ts';
import { HandClock } from '../../../tests/support/hand-clock.ts';

const ME = { kind: 'person', id: 'me' } as const;
const hold = { id: 'h', type: 'wait', for: '10s' };
const MINUTE = 60_000;

let rig: EngineRig;
beforeEach(async () => {
  rig = new EngineRig();
  await rig.open();
});
afterEach(() => rig.close());

const runs = () => rig.engine.runs;
const statuses = (ids: readonly string[]) => ids.map((id) => rig.statusInDatabase(id));
const code = (work: () => Promise<unknown>): Promise<string> =>
  work().then(
    () => 'none',
    (error: { code?: string }) => error.code ?? String(error),
  );
async function start(workflow: string, input = {}, more = {}): Promise<string> {
  const { id } = await runs().start({ workflow, input, actor: ME, ...more });
  await rig.settle();
  return id;
}
async function restart(): Promise<void> {
  await rig.settle();
  rig.store.close();
  await rig.crash();
}

describe('overlap', () => {
  test('single refuses, restart replaces, queued waits, parallel has a number', async () => {
    await rig.save(
      { name: 's', concurrency: 'single', steps: [hold] },
      { name: 'r', concurrency: { mode: 'restart' }, steps: [hold] },
      { name: 'q', concurrency: 'queued', steps: [hold] },
      { name: 'p', concurrency: { mode: 'parallel', max: 2 }, steps: [hold] },
    );
    await start('s');
    expect(await code(() => start('s'))).toBe('run.limit');
    const replaced = [await start('r'), await start('r')];
    expect(statuses(replaced)).toEqual(['cancelled', 'waiting']);
    expect(statuses([await start('q'), await start('q')])).toEqual(['waiting', 'queued']);
    expect(statuses([await start('p'), await start('p'), await start('p')])).toEqual([
      ...['waiting', 'waiting', 'queued'],
    ]);
  });

  test('a key counts its runs apart, also over a restart', async () => {
    await rig.save({
      name: 'w',
      concurrency: { mode: 'queued', key: '{{ input.zone }}' },
      steps: [hold],
    });
    const ids = [
      await start('w', { zone: 'a' }),
      await start('w', { zone: 'b' }),
      await start('w', { zone: 'a' }),
      await start('w', { zone: 1 }),
    ];
    expect(statuses(ids)).toEqual(['waiting', 'waiting', 'queued', 'waiting']);
    await restart();
    expect(statuses(ids)).toEqual(['waiting', 'waiting', 'queued', 'waiting']);
    expect(rig.statusInDatabase(await start('w', { zone: 'b' }))).toBe('queued');
    await rig.pass(12);
    expect(rig.statusInDatabase(ids[2] ?? '')).toBe('waiting');
    expect(await code(() => start('w', {}))).toBe('expression.failed');
    expect(await code(() => start('w', { zone: 'x'.repeat(300) }))).toBe('run.key_invalid');
  });

  test('a full queue says when to come again', async () => {
    await rig.save({ name: 'w', concurrency: { max: 1, max_queued: 1 }, steps: [hold] });
    await start('w');
    await start('w');
    await expect(runs().start({ workflow: 'w', actor: ME })).rejects.toMatchObject({
      ...{ code: 'run.queue_full', retryAfterMs: 5000 },
    });
  });

  test('the higher priority goes first, then a person, then who came first', async () => {
    await rig.save({
      name: 'w',
      concurrency: 1,
      priority: 'normal',
      steps: [{ ...hold, for: '1s' }, act('a')],
    });
    const trigger = { type: 'schedule' };
    const ids = [
      await start('w'),
      await start('w', {}, { priority: 'low' }),
      await start('w', {}, { trigger }),
      await start('w', {}),
      await start('w', {}, { priority: 'high', trigger }),
    ];
    await restart();
    await rig.pass(12);
    const order = rig.effects.map(({ key }) => ids.indexOf(key.slice(0, 36)));
    expect(order).toEqual([0, 4, 3, 2, 1]);
    expect(runs().get(ids[4] ?? '').priority).toBe('high');
  });
});

describe('started for later', () => {
  const steps = [act('a')];

  test('at a time: it costs a line, is shown with its time, and begins then', async () => {
    await rig.save({ name: 'w', steps });
    const at = rig.clock.now() + 10 * MINUTE;
    const run = await runs().start({ workflow: 'w', actor: ME, startAt: at });
    expect(run).toMatchObject({ status: 'queued', startAt: at, startedAt: null });
    expect(runs().get(run.id)).toMatchObject({
      status: 'queued',
      startAt: at,
      verbs: ['cancel', 'signal', 'migrate'],
    });
    expect([rig.engine.launcher.resting.size, rig.engine.launcher.roster.queued]).toEqual([1, 0]);
    await runs().signal(run.id, 'x', null, ME);
    await rig.pass(9 * 60);
    expect(rig.statusInDatabase(run.id)).toBe('queued');
    expect((await rig.end(run.id)).startedAt).toBeGreaterThanOrEqual(at);
    expect(rig.typesOf(run.id).slice(0, 3)).toEqual([
      ...['workflow.scheduled', 'workflow.signalled', 'workflow.started'],
    ]);
    expect(rig.count('wakes')).toBe(0);
  });

  test.each([{ lives: 1 }, { lives: 2 }])('in a while, over $lives restarts, once', async ({ lives }) => {
    await rig.save({ name: 'w', steps });
    const { id } = await runs().start({ workflow: 'w', actor: ME, startInMs: 5 * MINUTE });
    for (let life = 0; life < lives; life++) {
      await rig.pass(30);
      await restart();
    }
    expect(rig.statusInDatabase(id)).toBe('queued');
    expect((await rig.end(id, 400)).status).toBe('completed');
    await restart();
    expect(rig.effects).toHaveLength(1);
  });

  test('its time passed while the daemon was away: it begins at once', async () => {
    await rig.save({ name: 'w', steps });
    const { id } = await runs().start({ workflow: 'w', actor: ME, startAt: rig.clock.now() + MINUTE });
    rig.store.close();
    rig.clock = new HandClock(rig.clock.now() + 60 * MINUTE);
    await rig.crash();
    expect((await rig.end(id, 3)).status).toBe('completed');
  });

  test('cancelled before its time; moved to a newer version before its time', async () => {
    await rig.save({ name: 'w', steps });
    const [gone, stays] = [
      await start('w', {}, { startInMs: 5 * MINUTE }),
      await start('w', {}, { startInMs: 5 * MINUTE }),
    ];
    expect((await runs().cancel(gone, ME)).status).toBe('cancelled');
    await rig.save({ name: 'w', steps: [act('b')] });
    expect(await runs().migrate(stays, undefined, ME)).toMatchObject({ status: 'queued', version: 2 });
    expect((await rig.end(stays, 400)).steps.map(({ path }) => path)).toEqual(['b']);
    expect(rig.effects.map(({ path }) => path)).toEqual(['b']);
    expect(rig.count('wakes')).toBe(0);
  });

  test('at its time it takes its turn: it queues, or is not wanted any more', async () => {
    await rig.save(
      { name: 'q', concurrency: 1, steps: [hold] },
      { name: 's', concurrency: 'single', steps: [hold] },
    );
    const [q, s] = [await start('q', {}, { startInMs: 5000 }), await start('s', {}, { startInMs: 5000 })];
    await start('q');
    await start('s');
    await rig.pass(6);
    expect(statuses([q, s])).toEqual(['queued', 'cancelled']);
    await restart();
    expect((await rig.end(q, 60)).status).toBe('completed');
  });

  test('with no room it waits for some', async () => {
    await rig.close();
    rig = new EngineRig({ maxLive: 1, restAfterMs: 1e9 });
    await rig.open();
    await rig.save({ name: 'w', steps: [act('a', { ms: 8000 })] });
    const later = await start('w', {}, { startInMs: 2000 });
    await start('w');
    expect(await code(() => start('w'))).toBe('engine.busy');
    await rig.pass(5);
    expect(rig.statusInDatabase(later)).toBe('queued');
    expect((await rig.end(later, 60)).status).toBe('completed');
  });

  test('what is no time', async () => {
    await rig.save({ name: 'w', steps });
    const now = rig.clock.now();
    for (const more of [{ startAt: now - 2 * MINUTE }, { startInMs: 1e15 }, { startAt: now, startInMs: 5 }]) {
      expect(await code(() => start('w', {}, more))).toBe('run.start_invalid');
    }
    expect((await runs().start({ workflow: 'w', actor: ME, startAt: now - 1000 })).status).toBe('running');
  });

  test('the same key and time is the same run; another time is another request', async () => {
    await rig.save({ name: 'w', steps });
    const request = { workflow: 'w', actor: ME, idempotencyKey: 'k', startInMs: 5000 };
    const one = await runs().start(request);
    expect(await runs().start(request)).toMatchObject({ id: one.id, replayed: true, status: 'queued' });
    expect(await code(() => runs().start({ ...request, startInMs: 6000 }))).toBe('idempotency.mismatch');
  });
});
