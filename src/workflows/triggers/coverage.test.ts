import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Coverage } from './coverage.ts';
import { CronTimes } from './cron-times.ts';
import { CronClock } from './schedule-clock.ts';

const MINUTE = 60_000;
const NOON = Date.parse('2026-07-01T12:00:00Z');
const YEAR = 365 * 24 * 60 * MINUTE;

test('stretches grow, meet, and are joined when there are too many', () => {
  const coverage = Coverage.since(NOON);
  expect([coverage.endBefore(NOON - 1), coverage.endBefore(NOON), coverage.endBefore(NOON + YEAR)]).toEqual([
    undefined,
    NOON,
    NOON,
  ]);
  coverage.reach(NOON + MINUTE);
  coverage.reach(NOON - 2 * MINUTE);
  coverage.reach(NOON + 3 * MINUTE);
  const stretches = [
    [NOON - 2 * MINUTE, NOON - 2 * MINUTE],
    [NOON, NOON + MINUTE],
    [NOON + 3 * MINUTE, NOON + 3 * MINUTE],
  ];
  expect(coverage.toJson()).toEqual(stretches);
  expect([-3, -2, -1, 0, 1, 2, 3].map((minute) => coverage.has(NOON + minute * MINUTE))).toEqual([
    ...[false, true, false, true, true, false, true],
  ]);
  coverage.reach(NOON - MINUTE);
  coverage.reach(NOON);
  expect(coverage.toJson()).toEqual([[NOON - 2 * MINUTE, NOON - MINUTE], stretches[1], stretches[2]]);
  expect(Coverage.read(coverage.toJson())?.has(NOON - MINUTE)).toBe(true);
  for (let year = 1; year < 60; year++) coverage.reach(NOON - year * YEAR + year * MINUTE);
  expect((coverage.toJson() as unknown[]).length).toBe(32);
  for (let year = 1; year < 60; year++) expect(coverage.has(NOON - year * YEAR + year * MINUTE)).toBe(true);
});

test('however the clock jumps, and however often it is read from disk again, no time comes twice', () => {
  const jump = fc.oneof(
    { weight: 6, arbitrary: fc.integer({ min: 1000, max: 90_000 }) },
    { weight: 2, arbitrary: fc.integer({ min: -30 * MINUTE, max: 30 * MINUTE }) },
    { weight: 1, arbitrary: fc.constantFrom(10 * YEAR, -10 * YEAR, YEAR, -YEAR) },
  );
  const move = fc.record({ by: jump, isCrash: fc.boolean() });
  fc.assert(
    fc.property(fc.array(move, { maxLength: 60 }), (moves) => {
      const times = new CronTimes('*/5 * * * *', 'UTC');
      let clock = new CronClock(times, undefined, NOON);
      let onDisk = clock.kept();
      const fired: number[] = [];
      let now = NOON;
      for (const { by, isCrash } of moves) {
        now += by;
        if (isCrash) clock = new CronClock(times, onDisk, NOON);
        const before = clock.left({ now, tick: 0 });
        for (const due of clock.due({ now, tick: 0 }, 100).times) {
          expect(before).toBe(0);
          expect(due.at % (5 * MINUTE)).toBe(0);
          expect(due.at).toBeLessThanOrEqual(now);
          fired.push(due.at);
          onDisk = clock.kept(due);
          clock.settle(due);
        }
        clock.pass({ now, tick: 0 });
        expect(clock.left({ now, tick: 0 })).toBeGreaterThan(0);
      }
      expect(fired.length).toBe(new Set(fired).size);
    }),
    { numRuns: 300 },
  );
});

test('a clock that only goes on loses no time, whatever the looks are apart', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 20 * MINUTE }), { maxLength: 50 }), (steps) => {
      const clock = new CronClock(new CronTimes('*/5 * * * *', 'UTC'), undefined, NOON);
      const fired: number[] = [];
      let now = NOON;
      for (const step of steps) {
        now += step;
        for (const due of clock.due({ now, tick: 0 }, 100).times) {
          fired.push(due.at);
          clock.settle(due);
        }
        clock.pass({ now, tick: 0 });
      }
      const wanted = Math.floor((now - NOON) / (5 * MINUTE));
      expect(fired).toEqual(Array.from({ length: wanted }, (_, index) => NOON + (index + 1) * 5 * MINUTE));
    }),
  );
});
