import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { RetryableError } from '#core/errors.ts';
import { TriggerRig } from '../../../tests/support/trigger-rig.ts';

const HOUR = 3_600_000;
const YEAR = 365 * 24 * HOUR;
const hourly = { type: 'schedule', cron: '0 * * * *' };

let rig: TriggerRig;

beforeEach(async () => {
  rig = await new TriggerRig().open(); // 2026-07-01T10:00:00Z
});
afterEach(() => rig.close());

const clocks = (workflow: string): string[] => rig.times(workflow).map((time) => time.slice(11, 16));

describe('times that passed while the daemon was away', () => {
  test('skip: one event says how many', async () => {
    await rig.save('w', [hourly]);
    await rig.minutes(61);
    await rig.away(3.5 * HOUR);
    await rig.minutes(30);
    expect(clocks('w')).toEqual(['11:00', '15:00']);
    expect(rig.skipped()).toEqual(['3 times were missed, and `missed` is skip']);
    await rig.away(1000);
    await rig.minutes(1);
    expect(rig.skipped().length).toBe(1);
  });

  test('once: the newest of them, with their number', async () => {
    await rig.save('w', [{ ...hourly, missed: 'once' }]);
    await rig.away(3.5 * HOUR);
    await rig.minutes(1);
    expect(rig.fired('w')).toEqual([
      { type: 'schedule', cron: '0 * * * *', scheduled_at: '2026-07-01T13:00:00.000Z', missed: 3 },
    ]);
    await rig.away(1000);
    await rig.minutes(31);
    expect(clocks('w')).toEqual(['13:00', '14:00']);
    expect(rig.skipped()).toEqual([]);
  });

  test('all, up to a limit: the newest, oldest first', async () => {
    await rig.save('w', [{ ...hourly, missed: 'all', limit: 2 }]);
    await rig.away(4.5 * HOUR);
    await rig.minutes(1);
    expect(clocks('w')).toEqual(['13:00', '14:00']);
    expect(rig.fired('w').map((trigger) => trigger.missed)).toEqual([1, 1]);
    expect(rig.skipped()).toEqual(['2 times were missed, and `missed` is all']);
  });

  test('a crash in the middle of them starts the rest, and none twice', async () => {
    for (let units = 0; units < 14; units++) {
      const own = await new TriggerRig().open();
      await own.save('w', [{ ...hourly, missed: 'all', limit: 3 }]);
      await own.down();
      own.rig.clock.leap(3.5 * HOUR);
      own.rig.store.dieAfter(units, units % 2 === 0);
      void own.up();
      await own.pass(2);
      await own.crash();
      await own.pass(30);
      expect({ units, times: own.times('w').map((time) => time.slice(11, 16)) }).toEqual({
        units,
        times: ['11:00', '12:00', '13:00'],
      });
      own.rig.drop();
    }
  });

  test('a long absence is looked at in its newest part', async () => {
    await rig.save('w', [{ type: 'schedule', cron: '* * * * *', missed: 'once' }]);
    await rig.away(30 * 24 * HOUR);
    await rig.pass(2);
    expect(rig.fired('w').map((trigger) => trigger.missed)).toEqual([98, undefined, undefined]);
  });

  test('time spent switched off is not missed', async () => {
    await rig.save('w', [{ ...hourly, missed: 'all' }]);
    await rig.minutes(61);
    await rig.save('w', [{ ...hourly, missed: 'all', enabled: false }]);
    expect(rig.status('w')).toMatchObject({ enabled: false, next: null });
    await rig.minutes(121);
    await rig.save('w', [{ ...hourly, missed: 'all' }]);
    await rig.minutes(60);
    expect(clocks('w')).toEqual(['11:00', '14:00']);
  });
});

describe('a clock that nobody knows', () => {
  test('holds times of day until it is set; what came meanwhile is late, not missed', async () => {
    await rig.down();
    rig.trust.become('held');
    await rig.up();
    await rig.save('w', [{ type: 'schedule', cron: '2 * * * *' }]);
    await rig.save('i', [{ type: 'schedule', every: '1m' }]);
    await rig.minutes(4);
    expect(rig.fired('w')).toEqual([]);
    expect(rig.fired('i').length).toBe(4);
    expect(rig.status('w')).toMatchObject({ held: 'nobody knows the time yet' });
    expect(rig.status('i')).toMatchObject({ held: null });
    rig.trust.become('estimated');
    await rig.pass(1);
    expect(clocks('w')).toEqual(['10:02']);
    expect(rig.status('w')).toMatchObject({ held: null, next: Date.parse('2026-07-01T11:02:00Z') });
  });

  test('comes right with a jump: what lies between was missed', async () => {
    await rig.save('w', [{ ...hourly, missed: 'once' }]);
    await rig.down();
    rig.trust.become('held');
    await rig.up();
    await rig.minutes(2);
    rig.set('2026-07-01T18:20:00Z');
    rig.trust.become('trusted');
    await rig.minutes(1);
    expect(rig.fired('w')).toMatchObject([{ scheduled_at: '2026-07-01T18:00:00.000Z', missed: 8 }]);
  });
});

describe('a clock that jumps ten years', () => {
  const policies = ['skip', 'once', 'all'] as const;

  test.each([
    [10 * YEAR, -10 * YEAR],
    [-10 * YEAR, 10 * YEAR],
  ])(
    'there %i ms and back: nothing twice, nothing lost within the policy',
    async (there, back) => {
      for (const missed of policies) {
        const limit = missed === 'all' ? { limit: 3 } : {};
        await rig.save(missed, [{ type: 'schedule', cron: '*/5 * * * *', missed, ...limit }]);
      }
      await rig.save('every', [{ type: 'schedule', every: '5m' }]);
      await rig.minutes(12);
      rig.rig.clock.leap(there);
      await rig.minutes(12);
      rig.rig.clock.leap(back);
      await rig.minutes(12);
      for (const missed of policies) {
        const times = rig.times(missed);
        expect(new Set(times).size).toBe(times.length);
        expect(times.filter((time) => time.startsWith('2026')).map((time) => time.slice(11, 16))).toEqual(
          expect.arrayContaining(['10:05', '10:10', '10:25', '10:30', '10:35']),
        );
        const away = times.filter((time) => !time.startsWith('2026')).length;
        const jumped = there > 0 ? { skip: 0, once: 1, all: 3 }[missed] : 0;
        expect({ missed, away }).toEqual({ missed, away: jumped + 3 - (there > 0 ? 1 : 1) });
        // Twelve minutes were spent in another year: of 10:15 and 10:20 the policy says what becomes.
        const between = times.filter((time) => /^2026.*T10:(15|20)/.test(time)).length;
        expect({ missed, between }).toEqual({ missed, between: { skip: 0, once: 1, all: 2 }[missed] });
      }
      expect(rig.fired('every').length).toBe(7);
    },
    60_000,
  );

  test('while the daemon is off, either way', async () => {
    await rig.save('w', [{ ...hourly, missed: 'once' }]);
    await rig.save('every', [{ type: 'schedule', every: '1h', missed: 'once' }]);
    await rig.minutes(61);
    await rig.away(-10 * YEAR);
    await rig.minutes(61);
    expect(rig.times('w').length).toBe(2);
    expect(rig.fired('every').length).toBe(2);
    await rig.away(10 * YEAR);
    await rig.minutes(61);
    const times = rig.times('w');
    expect(new Set(times).size).toBe(times.length);
    expect(times.filter((time) => time.startsWith('2026'))).toEqual([
      '2026-07-01T11:00:00.000Z',
      '2026-07-01T12:00:00.000Z',
      '2026-07-01T13:00:00.000Z',
    ]);
  }, 60_000);
});

describe('intervals', () => {
  test('go by the tick clock, aligned, over a restart', async () => {
    await rig.save('w', [{ type: 'schedule', every: '10m' }]);
    await rig.minutes(25);
    expect(rig.fired('w').length).toBe(2);
    await rig.away(20 * 60_000);
    await rig.minutes(10);
    // Ticks move on while it is away: 30 and 40 were missed, 50 is on time.
    expect(rig.fired('w').length).toBe(3);
    expect(rig.skipped()).toEqual(['2 times were missed, and `missed` is skip']);
    expect(rig.status('w')?.next).toBe(rig.rig.clock.now() + 5 * 60_000);
  });

  test('missed ones as well', async () => {
    await rig.save('o', [{ type: 'schedule', every: '10m', missed: 'once' }]);
    await rig.save('a', [{ type: 'schedule', every: '10m', missed: 'all', limit: 2 }]);
    await rig.away(35 * 60_000);
    await rig.pass(2);
    expect(rig.fired('o')).toMatchObject([{ every: '10m', missed: 3 }]);
    expect(rig.fired('a').length).toBe(2);
  });
});

test('a full disk keeps times back, and the health says so', async () => {
  await rig.save('w', [{ ...hourly, missed: 'once' }]);
  await rig.minutes(59);
  for (let index = 0; index < 6; index++)
    rig.rig.store.refusals.push(new RetryableError('store.full', 'full'));
  await rig.pass(62);
  const schedules = rig.triggers.parts.find((part) => part.name === 'schedules');
  expect(schedules?.health().score).toBe(0.5);
  await rig.pass(30);
  expect(clocks('w')).toEqual(['11:00']);
  expect(schedules?.health().score).toBe(1);
});

test('the board says when, when last, and of a trigger that is new nothing yet', async () => {
  await rig.save('w', [{ type: 'manual' }, hourly]);
  expect(rig.status('w', 0)).toMatchObject({ next: null, lastFired: null, enabled: true });
  expect(rig.status('w', 1)).toMatchObject({ next: Date.parse('2026-07-01T11:00:00Z'), lastFired: null });
  await rig.minutes(61);
  const after = { next: Date.parse('2026-07-01T12:00:00Z'), lastFired: Date.parse('2026-07-01T11:00:00Z') };
  expect(rig.status('w', 1)).toMatchObject(after);
  await rig.away(1000);
  expect(rig.status('w', 1)).toMatchObject(after);
});
