import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Daemon } from './daemon.ts';
import { Floor } from './floor.ts';
import { InProcess } from './in-process.ts';
import { getAgainstBare, preparedDaemon, runsOverHttp } from './over-http.ts';
import { peers } from './peers.ts';
import { cpuSeconds, median, perSecond } from './rounds.ts';
import { waitingRuns } from './waiting.ts';

/**
 * All benchmarks in one run: medians over alternating rounds, ratios within a round. What each client waits
 * for is said beside its numbers.
 */
const ROOT = resolve(import.meta.dirname, '../..');
const { values } = parseArgs({
  options: {
    short: { type: 'boolean', default: false },
    peers: { type: 'boolean', default: false },
    waiting: { type: 'boolean', default: false },
  },
});
const rounds = values.short ? 3 : 7;

interface Line {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  readonly target?: { readonly atLeast?: number; readonly atMost?: number } | undefined;
}
const results: Line[] = [];

function note(name: string, value: number, unit: string, target?: Line['target']): void {
  results.push({ name, value: Number(value.toPrecision(4)), unit, target });
  const { atLeast, atMost } = target ?? {};
  const missed = (atLeast !== undefined && value < atLeast) || (atMost !== undefined && value > atMost);
  const wanted =
    atLeast !== undefined ? ` (at least ${atLeast})` : atMost !== undefined ? ` (at most ${atMost})` : '';
  console.log(
    `  ${name.padEnd(58)} ${Number(value.toPrecision(4))} ${unit}${wanted}${missed ? '  MISSED' : ''}`,
  );
}

const TARGETS = { 1: 0.6, 10: 0.5, 50: 0.4 } as const;
const COUNTS = { 1: 300, 10: 2000, 50: 8000 } as const;

/** Returns the floor's runs per second at 50, for the HTTP ratio. */
async function durableRuns(): Promise<number> {
  console.log(
    '\nDurable runs of 5 steps, in process (the client waits for each run to end; the floor for its last commit)',
  );
  const floor = new Floor();
  const ours = new InProcess();
  await Promise.all([floor.open(), ours.open()]);
  await perSecond(3000, 50, (n) => ours.run(n));
  await perSecond(3000, 50, () => floor.run());
  let floorAt50 = 0;
  for (const concurrency of [1, 10, 50] as const) {
    const count = COUNTS[concurrency];
    const seen = {
      floor: [] as number[],
      ours: [] as number[],
      ratio: [] as number[],
      cpu: [] as number[],
      commits: [] as number[],
    };
    for (let round = 0; round < rounds; round++) {
      const floorRate = await perSecond(count, concurrency, () => floor.run());
      const [cpu, commits] = [cpuSeconds(), ours.commits];
      const rate = await perSecond(count, concurrency, (n) => ours.run(n));
      seen.floor.push(floorRate);
      seen.ours.push(rate);
      seen.ratio.push(rate / floorRate);
      seen.cpu.push(((cpuSeconds() - cpu) / count) * 1000);
      seen.commits.push((ours.commits - commits) / count);
    }
    note(`floor at ${concurrency}`, median(seen.floor), 'runs/s');
    note(`ours at ${concurrency}`, median(seen.ours), 'runs/s');
    note(`ratio to the floor at ${concurrency}`, median(seen.ratio), '', { atLeast: TARGETS[concurrency] });
    note(
      `commits per run at ${concurrency}`,
      median(seen.commits),
      '',
      concurrency === 1 ? { atMost: 7 } : concurrency === 50 ? { atMost: 0.5 } : undefined,
    );
    note(
      `CPU per run at ${concurrency}, all threads`,
      median(seen.cpu),
      'ms',
      concurrency === 50 ? { atMost: 0.25 } : undefined,
    );
    if (concurrency === 50) floorAt50 = median(seen.floor);
  }
  await Promise.all([floor.close(), ours.close()]);
  return floorAt50;
}

async function overHttp(): Promise<void> {
  console.log('\nOver HTTP, the bundled daemon, 50 connections');
  const { daemon, token, run } = await preparedDaemon();
  const floor = new Floor();
  await floor.open();
  await perSecond(3000, 50, () => floor.run());
  await runsOverHttp(daemon, token, 3000);
  const seen = { completed: [] as number[], ratio: [] as number[], p99: [] as number[] };
  for (let round = 0; round < rounds; round++) {
    const floorRate = await perSecond(8000, 50, () => floor.run());
    const { completed, p99 } = await runsOverHttp(daemon, token, 8000);
    seen.completed.push(completed);
    seen.ratio.push(completed / floorRate);
    seen.p99.push(p99);
  }
  await floor.close();
  note('runs started over HTTP and ended (until the last has ended)', median(seen.completed), 'runs/s');
  note('ratio to the floor at 50', median(seen.ratio), '', { atLeast: 0.3 });
  note('p99 of the 202', median(seen.p99), 'ms');
  for (const [name, path, atLeast] of [
    ['GET health', '/api/chainbot/health', 0.7],
    ['GET runs/{id}', `/api/chainbot/runs/${run}`, 0.3],
  ] as const) {
    const { ours, bare } = await getAgainstBare(daemon, token, path, rounds);
    note(name, median(ours), 'requests/s');
    note(`${name}, bare node:http with the same bytes`, median(bare), 'requests/s');
    note(`${name}, ratio`, median(ours.map((rate, index) => rate / (bare[index] as number))), '', {
      atLeast,
    });
  }
  await daemon.remove();
}

async function startAndRest(): Promise<void> {
  console.log('\nStart and rest, bundled with the compile cache, the sample greenhouse');
  const daemon = new Daemon();
  await daemon.start();
  await pause(16_000); // the compile cache is written 15 s after a start
  await daemon.stop();
  const starts: number[] = [];
  for (let round = 0; round < rounds; round++) {
    starts.push((await daemon.start()) / 1000);
    if (round < rounds - 1) await daemon.stop();
  }
  note('start to ready (spawn to the first answer)', median(starts), 's', { atMost: 0.6 });
  await pause(values.short ? 10_000 : 30_000);
  note(`resident memory ${values.short ? 10 : 30} s after the start`, daemon.rss() / 2 ** 20, 'MiB', {
    atMost: 108,
  });
  await daemon.remove();
}

const { version } = JSON.parse(readFileSync(resolve(ROOT, 'package.json'), 'utf8')) as { version: string };
console.log(
  `ChainBot ${version}, Node ${process.versions.node}, ${cpus().length} × ${cpus()[0]?.model}, ${rounds} rounds`,
);
if (values.waiting) {
  await waitingRuns(note);
  process.exit(0);
}
await durableRuns();
await overHttp();
await startAndRest();
if (values.peers) for (const line of await peers(rounds)) note(line.name, line.value, line.unit);
mkdirSync(resolve(ROOT, 'bench'), { recursive: true });
const made = {
  made_at: new Date().toISOString(),
  version,
  node: process.versions.node,
  cpu: cpus()[0]?.model,
  cores: cpus().length,
  rounds,
  results,
};
writeFileSync(resolve(ROOT, 'bench/results.json'), `${JSON.stringify(made, null, 2)}\n`);
console.log('\nWritten to bench/results.json.');
