import { setTimeout as pause } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { Daemon } from './rigs/daemon.ts';
import { createSite } from './rigs/site.ts';
import { canTrace, SLOW_FSYNC, STRACE } from './rigs/strace.ts';

/** The SD card of a bad day: each fsync takes 20 ms longer. What else the daemon does must not notice. */
const RUNS = 200;
const MEASURED_MS = 6000;
/** What is wanted; on a machine with other work the test only tells, and fails far above it. */
const WANTED_MS = 10;
const MOST_MS = 40;

test.skipIf(!canTrace)(`${RUNS} active runs on a disk with slow fsync leave the event loop free`, async () => {
  using site = createSite({ log: { level: 'info' } });
  await using daemon = await Daemon.start(site, { under: [STRACE, ...SLOW_FSYNC(20)], patienceMs: 60_000 });
  await daemon.api.saveWorkflow(JSON.stringify(STEADY), 'json');
  await Promise.all(Array.from({ length: RUNS }, () => daemon.api.startRun('steady')));
  const before = await daemon.api.metrics(); // each reading begins the delay anew
  await pause(MEASURED_MS);
  const after = await daemon.api.metrics();
  const live = metric(after, 'runs_live');
  const commits = metric(after, 'store_commits_total') - metric(before, 'store_commits_total');
  const p99 = metric(after, 'event_loop_delay_seconds{quantile="0.99"}') * 1000;
  console.log(
    `event loop p99 ${p99.toFixed(1)} ms (wanted: under ${WANTED_MS}) with ${live} live runs, ` +
      `${(commits / (MEASURED_MS / 1000)).toFixed(0)} commits/s, each fsync 20 ms slower`,
  );
  expect(live).toBeGreaterThanOrEqual(RUNS);
  expect(commits).toBeGreaterThan(10);
  expect(commits / (MEASURED_MS / 1000)).toBeLessThan(60); // the disk is slow indeed
  expect(p99).toBeLessThan(MOST_MS);
});

/** Each round is a few commits; it goes on for longer than anybody looks. */
const STEADY = {
  name: 'steady',
  steps: [
    {
      id: 'round',
      type: 'loop',
      times: 10_000,
      max: 10_000,
      steps: [
        { id: 'read', type: 'device_read', device: 'greenhouse_temp' },
        { id: 'sum', type: 'transform', value: '{{ steps.read.output.value + loop.index }}' },
        { id: 'rest', type: 'wait', for: '500ms' },
      ],
    },
  ],
};

function metric(text: string, name: string): number {
  const line = text.split('\n').find((each) => each.startsWith(`chainbot_${name} `));
  return Number(line?.split(' ').at(-1));
}
