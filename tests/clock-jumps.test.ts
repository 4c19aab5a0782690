import { setTimeout as pause } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { ApiClient } from '#api/client.ts';
import type { RunAnswer, RunSummaryAnswer } from '#api/contract/run.ts';
import { Daemon } from './rigs/daemon.ts';
import { createSite } from './rigs/site.ts';
import { canSetClock, WallClock } from './rigs/wall-clock.ts';

/**
 * The wall clock jumps ten years, forward and back, while runs wait and schedules are kept; a real process whose
 * clock is set from outside (libfaketime). Nothing fires twice, and nothing is lost.
 */
const YEAR = 365 * 86_400_000;
const JUMPS = [0, 10 * YEAR, 0, -10 * YEAR, 0, 10 * YEAR];
const STAY_MS = 8000;
const EVERY_MS = 2000;
/** A jump is seen at the next look at the clock, and the last time before one may still be on its way. */
const SLACK_MS = EVERY_MS + 500;
/** How long a wait until a time may sleep before it looks at the clock again, with some room. */
const LOOK_AGAIN_MS = 75_000;

test.skipIf(!canSetClock)(
  'a clock that jumps ten years, both ways',
  { timeout: 240_000, concurrent: true },
  async () => {
    using clock = new WallClock();
    using site = createSite({ time: { hold: '0s' }, log: { level: 'info' } });
    await using daemon = await Daemon.start(site, { env: clock.env });
    const { api } = daemon;
    const inFiveYears = new Date(clock.now() + 5 * YEAR).toISOString();
    for (const workflow of workflows(inFiveYears)) await api.saveWorkflow(JSON.stringify(workflow), 'json');
    const began = performance.now();
    const ids = new Map<string, string>();
    for (const name of WAITING) ids.set(name, (await api.startRun(name)).id);
    const shown = (name: string): Promise<RunAnswer> => api.run(ids.get(name) as string);

    const phases: Phase[] = [];
    for (const offset of JUMPS) {
      clock.jumpTo(offset);
      const from = clock.now();
      await pause(STAY_MS);
      phases.push({ from, to: clock.now() });
    }
    const lived = performance.now() - began;
    const fired = await everyRun(api);

    // Waits go by time that only goes forward: what was for seconds is over, what was for an hour is not.
    expect(await shown('for_seconds')).toMatchObject({ status: 'completed' });
    expect(await shown('for_an_hour')).toMatchObject({ status: 'waiting' });
    await api.signalRun(ids.get('signal') as string, 'go', 'here');
    await ended(() => shown('signal'), 5000);
    expect(await shown('signal')).toMatchObject({ status: 'completed', output: 'here' });
    // A wait until a time is over when that time has come.
    await ended(() => shown('until_a_time'), LOOK_AGAIN_MS);
    for (const name of WAITING) onceEach(await shown(name));

    everyTimeOnce(
      fired.filter((run) => run.workflow === 'by_the_clock'),
      phases,
    );
    const intervals = fired.filter((run) => run.workflow === 'interval').length;
    expect(intervals).toBeGreaterThanOrEqual(Math.floor(lived / EVERY_MS) - 1);
    expect(intervals).toBeLessThanOrEqual(Math.ceil(lived / EVERY_MS) + 1);
    // Ten new years in one jump are one run; the same ten once more are none.
    const years = fired.filter((run) => run.workflow === 'yearly');
    expect(years.map((run) => run.trigger.missed)).toEqual([10]);
  },
);

test.skipIf(!canSetClock)(
  'a clock that jumps while the daemon is away',
  { timeout: 120_000, concurrent: true },
  async () => {
    using clock = new WallClock();
    using site = createSite({ time: { hold: '0s' }, log: { level: 'info' } });
    const phases: Phase[] = [];
    const ids = new Map<string, string>();
    const fired: RunSummaryAnswer[] = [];
    const seen = new Map<string, RunAnswer>();
    for (const [life, offset] of [0, -10 * YEAR, 10 * YEAR, 0].entries()) {
      clock.jumpTo(offset);
      await using daemon = await Daemon.start(site, { env: clock.env });
      const { api } = daemon;
      const from = clock.now();
      if (life === 0) {
        const inFiveYears = new Date(clock.now() + 5 * YEAR).toISOString();
        for (const workflow of workflows(inFiveYears))
          await api.saveWorkflow(JSON.stringify(workflow), 'json');
        for (const name of WAITING) ids.set(name, (await api.startRun(name)).id);
      }
      await pause(STAY_MS);
      phases.push({ from, to: clock.now() });
      if (life === 1) expect((await api.run(ids.get('for_an_hour') as string)).status).toBe('waiting');
      if (life === 3) {
        fired.push(...(await everyRun(api)));
        for (const [name, id] of ids) seen.set(name, await api.run(id));
      }
      await (life % 2 === 0 ? daemon.kill() : daemon.stop());
    }
    // Ten years without power are ten years for whoever waits; a clock that went back takes no time away.
    for (const name of ['for_seconds', 'for_an_hour', 'until_a_time'])
      expect(seen.get(name)?.status).toBe('completed');
    expect(seen.get('signal')?.status).toBe('waiting');
    for (const run of seen.values()) onceEach(run);
    everyTimeOnce(
      fired.filter((run) => run.workflow === 'by_the_clock'),
      phases,
    );
    const years = fired.filter((run) => run.workflow === 'yearly');
    expect(years.map((run) => run.trigger.missed)).toEqual([10]);
  },
);

// ---- what must hold --------------------------------------------------------------------------------------------

interface Phase {
  readonly from: number;
  readonly to: number;
}

/** No time of day twice, and none left out while the clock went on evenly. */
function everyTimeOnce(runs: readonly RunSummaryAnswer[], phases: readonly Phase[]): void {
  const times = runs.map((run) => Date.parse(String(run.trigger.scheduled_at)));
  expect(times.length - new Set(times).size).toBe(0);
  const due = (from: number, to: number): number[] => {
    const first = Math.ceil(from / EVERY_MS) * EVERY_MS;
    return Array.from(
      { length: Math.max(0, Math.floor((to - first) / EVERY_MS) + 1) },
      (_, i) => first + i * EVERY_MS,
    );
  };
  const lost = phases.flatMap(({ from, to }) =>
    due(from + SLACK_MS, to - SLACK_MS).filter((time) => !times.includes(time)),
  );
  expect(lost.map((time) => new Date(time).toISOString())).toEqual([]);
}

function onceEach(run: RunAnswer): void {
  expect(run.steps.map((step) => [step.path, step.status, step.attempts])).toEqual(
    run.status === 'completed'
      ? [
          ['wait', 'completed', 1],
          ['after', 'completed', 1],
        ]
      : [['wait', 'waiting', 1]],
  );
}

async function everyRun(api: ApiClient): Promise<RunSummaryAnswer[]> {
  const found: RunSummaryAnswer[] = [];
  for (let cursor: string | undefined; ; ) {
    const page = await api.runs({ limit: 200, cursor });
    found.push(...page.runs);
    if (page.next === null) return found;
    cursor = page.next;
  }
}

async function ended(shown: () => Promise<RunAnswer>, patienceMs: number): Promise<void> {
  const until = performance.now() + patienceMs;
  while ((await shown()).ended_at === null && performance.now() < until) await pause(200);
}

// ---- the workflows ---------------------------------------------------------------------------------------------

const WAITING = ['for_seconds', 'for_an_hour', 'signal', 'until_a_time'];

function workflows(time: string): object[] {
  const after = { id: 'after', type: 'transform', value: '{{ steps.wait.output }}' };
  const waits = (name: string, how: object): object => ({
    name,
    steps: [{ id: 'wait', type: 'wait', ...how }, after],
  });
  const scheduled = (name: string, how: object): object => ({
    name,
    triggers: [{ type: 'schedule', ...how }],
    steps: [{ id: 'fired', type: 'transform', value: '{{ trigger.scheduled_at }}' }],
  });
  return [
    // Their ends fall into the years before and after.
    waits('for_seconds', { for: '10s' }),
    waits('for_an_hour', { for: '1h' }),
    waits('signal', { signal: 'go' }),
    waits('until_a_time', { until: time }),
    scheduled('by_the_clock', { cron: '*/2 * * * * *', timezone: 'UTC' }),
    scheduled('interval', { every: '2s' }),
    scheduled('yearly', { cron: '0 0 1 1 *', timezone: 'UTC', missed: 'once' }),
  ];
}
