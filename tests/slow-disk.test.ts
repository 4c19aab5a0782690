import { setTimeout as pause } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { Daemon } from './rigs/daemon.ts';
import { createSite } from './rigs/site.ts';
import { canTrace, SLOW_FSYNC, STRACE } from './rigs/strace.ts';

/** The SD card of a bad day: each fsync takes 20 ms longer. What else the daemon does must not notice. */
const RUNS = 200;
const WINDOWS = 3;
const WINDOW_MS = 2000;
/** What is wanted. A machine with other work to do is late now and then: the best window counts, with room. */
const WANTED_MS = 10;
const MOST_MS = 40;

test.skipIf(!canTrace)(
  `${RUNS} active runs on a disk with slow fsync leave the event loop free`,
  async () => {
    using site = createSite({ log: { level: 'info' } });
    await using daemon = await Daemon.start(site, { under: [STRACE, ...SLOW_FSYNC(20)], patienceMs: 60_000 });
    await daemon.api.saveWorkflow(JSON.stringify(STEADY), 'json');
    await Promise.all(Array.from({ length: RUNS }, () => daemon.api.startRun('steady')));
    await daemon.api.metrics(); // each reading begins the delay anew
    const windows: Window[] = [];
    for (let left = WINDOWS; left > 0; left--) windows.push(await look(daemon));
    const p99 = windows.map((window) => window.p99);
    const commits = windows.map((window) => window.commitsPerSecond);
    console.log(
      `event loop p99 ${shown(p99)} ms (wanted: under ${WANTED_MS}) with ${RUNS} live runs, ` +
        `${shown(commits)} commits/s, each fsync 20 ms slower`,
    );
    for (const window of windows) expect(window.live).toBeGreaterThanOrEqual(RUNS);
    expect(Math.max(...commits)).toBeGreaterThan(10);
    expect(Math.max(...commits)).toBeLessThan(60); // the disk is slow indeed
    expect(Math.min(...p99)).toBeLessThan(MOST_MS);
  },
);

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

interface Window {
  readonly live: number;
  readonly commitsPerSecond: number;
  /** Milliseconds. */
  readonly p99: number;
}

async function look({ api }: Daemon): Promise<Window> {
  const before = metric(await api.metrics(), 'store_commits_total');
  await pause(WINDOW_MS);
  const text = await api.metrics();
  return {
    live: metric(text, 'runs_live'),
    commitsPerSecond: ((metric(text, 'store_commits_total') - before) * 1000) / WINDOW_MS,
    p99: metric(text, 'event_loop_delay_seconds{quantile="0.99"}') * 1000,
  };
}

const shown = (values: readonly number[]): string => values.map((value) => value.toFixed(1)).join(', ');

function metric(text: string, name: string): number {
  const line = text.split('\n').find((each) => each.startsWith(`chainbot_${name} `));
  return Number(line?.split(' ').at(-1));
}
