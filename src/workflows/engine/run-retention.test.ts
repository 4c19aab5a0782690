import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Unit } from '#store/unit.ts';
import { act } from '../../../tests/support/crash-scenarios.ts';
import { EngineRig } from '../../../tests/support/engine-rig.ts';
import { RunRetention } from './run-retention.ts';

const DAY_MS = 86_400_000;
const HOLD = { id: 'hold', type: 'wait', for: '3000d' };

let rig: EngineRig;
beforeEach(async () => {
  rig = new EngineRig({ maxLive: 10_000 });
  await rig.open();
});
afterEach(() => rig.close());

function retention(limits: Partial<ConstructorParameters<typeof RunRetention>[1]> = {}): RunRetention {
  const all = { keepRunsMs: 90 * DAY_MS, ...limits };
  return new RunRetention(rig.store.reader, all, (name) => rig.catalog.retentionOf(name));
}

async function sweep(of: RunRetention): Promise<number> {
  const before = rig.count('runs');
  for (let units = 0; units < 50; units++) {
    const { unit, more } = of.sweep(rig.clock.now());
    if (unit) await rig.store.commit(unit as Unit);
    if (!more) break;
  }
  return before - rig.count('runs');
}

async function runs(workflow: string, many: number): Promise<string[]> {
  const ids: string[] = [];
  for (let made = 0; made < many; made++) ids.push(await rig.start(workflow));
  await rig.pass(2);
  return ids;
}

const left = (): string[] =>
  rig.store.rows<{ id: string }>('SELECT id FROM runs ORDER BY key').map(({ id }) => id);

test('each workflow by its own days, failures longer, the rest by the configuration', async () => {
  await rig.save(
    { name: 'short', steps: [act('a')], retention: { days: 10, failures_days: 30 } },
    { name: 'broken', steps: [act('a', { fail: true })], retention: { days: 10, failures_days: 30 } },
    { name: 'other', steps: [act('a')] },
  );
  const [short] = await runs('short', 1);
  const [broken] = await runs('broken', 1);
  const [other] = await runs('other', 1);
  const all = retention();
  rig.clock.leap(9 * DAY_MS);
  expect(await sweep(all)).toBe(0);
  rig.clock.leap(2 * DAY_MS);
  await sweep(all);
  expect(left()).toEqual([broken, other]);
  rig.clock.leap(20 * DAY_MS);
  await sweep(all);
  expect(left()).toEqual([other]);
  rig.clock.leap(60 * DAY_MS);
  await sweep(all);
  expect(left()).toEqual([]);
  expect(short).toBeDefined();
  expect(rig.steps()).toEqual([]);
});

test('keep: the newest over all versions stay, and what has not ended', async () => {
  await rig.save({ name: 'w', steps: [HOLD], retention: { keep: 3 } });
  const [live] = await runs('w', 1);
  await rig.save({ name: 'w', steps: [act('a')], retention: { keep: 3 } });
  const ended = await runs('w', 5);
  await rig.save({ name: 'w', steps: [act('a'), act('b')], retention: { keep: 3 } });
  const newest = await runs('w', 1);
  const all = retention();
  expect(await sweep(all)).toBe(3);
  expect(left()).toEqual([live, ...ended.slice(3), ...newest]);
  expect(await sweep(all)).toBe(0);
});

test('the number of the configuration, and hundreds at once in bounded units', async () => {
  await rig.save({ name: 'w', steps: [act('a')] });
  await runs('w', 450);
  expect(await sweep(retention({ keepRuns: 10 }))).toBe(440);
});

test('one with very many steps goes bit by bit', async () => {
  const steps = [
    { id: 'each', type: 'loop', times: 4500, max: 5000, steps: [{ id: 'x', type: 'set', vars: { n: 1 } }] },
  ];
  await rig.save({ name: 'w', steps, retention: { days: 1 } });
  await runs('w', 1);
  rig.clock.leap(2 * DAY_MS);
  const all = retention();
  const first = all.sweep(rig.clock.now());
  expect(first.more).toBe(true);
  await rig.store.commit(first.unit as Unit);
  expect([rig.count('runs'), rig.steps().length]).toEqual([1, 501]);
  expect(await sweep(all)).toBe(1);
});

test('what an idempotency key answers with stays, and what a live run has started', async () => {
  await rig.save(
    { name: 'child', steps: [act('a')], retention: { keep: 1 } },
    { name: 'parent', steps: [{ id: 'go', type: 'run_workflow', workflow: 'child', input: {} }, HOLD] },
  );
  const actor = { kind: 'person', id: 'me' } as const;
  const keyed = await rig.engine.runs.start({ workflow: 'child', input: {}, actor, idempotencyKey: 'k' });
  await rig.start('parent');
  await rig.pass(2);
  await runs('child', 3);
  expect(await sweep(retention())).toBe(2);
  expect(left()).toHaveLength(4);
  expect(left()).toContain(keyed.id);
});

test('a run from a time when the clock was wrong holds up nobody', async () => {
  await rig.save({ name: 'w', steps: [act('a')], retention: { days: 1 } });
  rig.clock.leap(1000 * DAY_MS);
  const [future] = await runs('w', 1);
  rig.clock.leap(-1000 * DAY_MS);
  await runs('w', 1);
  rig.clock.leap(2 * DAY_MS);
  await sweep(retention());
  expect(left()).toEqual([future]);
});
