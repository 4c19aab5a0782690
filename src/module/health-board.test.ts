import { expect, test } from 'vitest';
import { RetryableError } from '#core/errors.ts';
import { silentLog } from '#core/log.ts';
import { type PartHealth, unwell, WELL } from '#core/part.ts';
import type { Unit } from '#store/unit.ts';
import { HandClock } from '../../tests/support/hand-clock.ts';
import { HealthBoard } from './health-board.ts';

const never = new AbortController().signal;

function board() {
  const told: { score: number; status: string; reasons: string[] }[] = [];
  const refusals: unknown[] = [];
  const clock = new HandClock();
  const writer = {
    commit: async (unit: Unit) => {
      if (refusals.length > 0) throw refusals.shift();
      told.push(...unit.events.map((event) => JSON.parse(event.data)));
      return { seqs: [] };
    },
  };
  const made = new HealthBoard({ writer, clock, log: silentLog, everyMs: 1000 });
  const part = (name: string, weight: number, critical = false) => {
    const state: { health: PartHealth | Error } = { health: WELL };
    const health = (): PartHealth => {
      if (state.health instanceof Error) throw state.health;
      return state.health;
    };
    made.add({ name, health }, weight, critical);
    return state;
  };
  return { made, told, refusals, clock, part };
}

test('the score is the weighted sum, never better than a critical part', async () => {
  const { made, part, clock } = board();
  expect(made.score()).toEqual({ status: 'ok', score: 1, parts: [] });
  const a = part('a', 3);
  const b = part('b', 1, true);
  a.health = unwell(0.5, 'slow', 'wait');
  expect(made.score()).toMatchObject({ status: 'degraded', score: 0.625 });
  b.health = unwell(0.2, 'gone', 'bring it back');
  expect(made.score().score).toBe(0.625); // the same moment
  await clock.advance(200);
  expect(made.score()).toMatchObject({
    status: 'failed',
    score: 0.2,
    parts: [
      { name: 'a', reasons: ['slow'], remedies: ['wait'] },
      { name: 'b', score: 0.2, weight: 1 },
    ],
  });
  expect(made.health()).toBe(WELL);
});

test('a part that throws is unwell; the others are still asked', () => {
  const { made, part } = board();
  part('a', 1);
  part('b', 1).health = new Error('broken');
  expect(made.score()).toMatchObject({
    score: 0.5,
    parts: [{ score: 1 }, { score: 0, reasons: ['it cannot say how it is: broken'] }],
  });
});

test('news is written, small changes are not; what could not be written is told later', async () => {
  const { made, told, refusals, clock, part } = board();
  const a = part('a', 1);
  await made.start(never);
  await clock.advance(3000);
  expect(told).toEqual([{ score: 1, status: 'ok', reasons: [] }]);
  a.health = unwell(0.97, 'hm', '');
  await clock.advance(2000);
  expect(told.length).toBe(1);
  a.health = unwell(0.5, 'slow', '');
  refusals.push(new RetryableError('store.full', 'full'));
  await clock.advance(1000);
  expect(told.length).toBe(1);
  await clock.advance(1000);
  expect(told[1]).toEqual({ score: 0.5, status: 'degraded', reasons: ['a: slow'] });
  await made.stop();
  expect(clock.waiting).toBe(0);
});
