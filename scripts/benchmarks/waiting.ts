import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { EventLog } from '../../src/bus/event-log.ts';
import { SYSTEM } from '../../src/core/actor.ts';
import { systemClock } from '../../src/core/clock.ts';
import { silentLog } from '../../src/core/log.ts';
import { query } from '../../src/store/statement.ts';
import { Store } from '../../src/store/store.ts';
import { stepTypes } from '../../src/workflows/definition/step-types.ts';
import { Engine } from '../../src/workflows/engine/engine.ts';
import { transformStep } from '../../src/workflows/steps/transform.ts';
import { WorkflowCatalog } from '../../src/workflows/workflow-catalog.ts';
import { perSecond } from './rounds.ts';

/**
 * What 10,000 runs that wait cost: memory, a start with them, and how late their timers are. Each measurement
 * is a process of its own, which this file is too (`waiting.ts ROLE FOLDER COUNT`): the engine with its store
 * and log, without HTTP and MQTT.
 */
const WORKFLOWS = [
  {
    name: 'timer',
    steps: [
      { id: 'a', type: 'transform', value: '{{ input.n }}' },
      { id: 'hold', type: 'wait', for: '{{ input.ms }}ms' },
      { id: 'z', type: 'transform', value: '{{ steps.a.output }}' },
    ],
  },
  {
    name: 'signal',
    steps: [
      { id: 'a', type: 'transform', value: '{{ input.n }}' },
      { id: 'hold', type: 'wait', signal: 'go' },
      { id: 'z', type: 'transform', value: '{{ steps.a.output }}' },
    ],
  },
];
const HOUR_MS = 3_600_000;
const AHEAD_MS = 30_000;
const SPREAD_MS = 60_000;

interface Measured {
  /** Milliseconds. */
  readonly start: number;
  /** Bytes. */
  readonly rss: number;
  readonly p50?: number;
  readonly p99?: number;
  readonly most?: number;
  readonly ended?: number;
}

class Waiting {
  readonly store: Store;
  readonly engine: Engine;
  readonly catalog: WorkflowCatalog;
  readonly events: EventLog;
  start = 0;

  constructor(folder: string, count: number) {
    this.store = new Store({
      file: join(folder, 'chainbot.db'),
      telemetryFile: join(folder, 'telemetry.db'),
      log: silentLog,
      quickCheck: false,
      telemetry: { flushMs: 60_000, retentionMs: 1e9 },
    });
    const store = { reader: this.store.reader, writer: this.store };
    this.events = new EventLog(this.store, '/bench');
    this.catalog = new WorkflowCatalog({ store, stepTypes: stepTypes([transformStep]), clock: systemClock });
    this.engine = new Engine({
      ...{ store, events: this.events, catalog: this.catalog, clock: systemClock, log: silentLog },
      limits: {
        ...{ maxLive: 2 * count + 100, maxQueued: 0, maxWaiting: 2 * count + 100, restAfterMs: 1000 },
        ...{ keepRunsMs: 1e12, graceMs: 1000, stepTimeoutMs: 300_000 },
      },
    });
  }

  async open(): Promise<void> {
    const { signal } = new AbortController();
    const began = performance.now();
    await this.store.start(signal);
    this.events.open();
    this.catalog.open();
    await this.engine.start(signal);
    this.start = performance.now() - began;
  }

  async close(): Promise<void> {
    await this.engine.stop();
    await this.store.stop();
  }
}

/** Resident memory once what the start needed is given back. */
async function settledRss(): Promise<number> {
  await pause(1500);
  globalThis.gc?.();
  await pause(500);
  globalThis.gc?.();
  await pause(500);
  const [, pages = '0'] = readFileSync('/proc/self/statm', 'utf8').split(' ');
  return Number(pages) * 4096;
}

async function prepare(folder: string, count: number): Promise<void> {
  const here = new Waiting(folder, count);
  await here.open();
  for (const workflow of WORKFLOWS) await here.catalog.save(JSON.stringify(workflow), 'json', SYSTEM);
  await perSecond(count, 50, (n) =>
    here.engine.runs.start({
      workflow: n % 2 === 0 ? 'timer' : 'signal',
      input: { n, ms: 24 * HOUR_MS },
      actor: SYSTEM,
    }),
  );
  await pause(2500);
  await here.close();
}

async function measure(folder: string, count: number): Promise<Measured> {
  const here = new Waiting(folder, count);
  await here.open();
  const rss = await settledRss();
  const { start } = here;
  await here.close();
  return { start, rss };
}

const lateness = query((db, _p: Record<never, never>) =>
  db
    .selectFrom('steps')
    .select(['started_at', 'ended_at', 'run'])
    .where('id', '=', 'hold')
    .orderBy('run')
    .limit(1_000_000),
);

/** Timers spread over a minute: from when each was due to when its step's end was on its way to the disk. */
async function timers(folder: string, count: number): Promise<Measured> {
  const here = new Waiting(folder, count);
  await here.open();
  for (const workflow of WORKFLOWS) await here.catalog.save(JSON.stringify(workflow), 'json', SYSTEM);
  const began = Date.now();
  const due = new Map<number, number>();
  await perSecond(count, 50, async (n) => {
    const at = began + AHEAD_MS + (n * SPREAD_MS) / count;
    const ms = Math.round(at - Date.now());
    const { id } = await here.engine.runs.start({ workflow: 'timer', input: { n, ms }, actor: SYSTEM });
    const live = here.engine.launcher.roster.get(id);
    if (live) due.set(live.key, ms);
  });
  const rss = await settledRss();
  while (here.engine.launcher.roster.size > 0 && Date.now() < began + AHEAD_MS + SPREAD_MS + 30_000)
    await pause(500);
  const late = here.store.reader
    .all(lateness, {})
    .flatMap((row) =>
      row.ended_at === null ? [] : [row.ended_at - row.started_at - (due.get(row.run) ?? 0)],
    )
    .sort((a, b) => a - b);
  await here.close();
  const at = (part: number): number =>
    late[Math.min(late.length - 1, Math.floor(late.length * part))] ?? Number.NaN;
  return { start: here.start, rss, p50: at(0.5), p99: at(0.99), most: at(1), ended: late.length };
}

async function inProcess(role: string, folder: string, count: number): Promise<Measured> {
  const child = fork(import.meta.filename, [role, folder, String(count)], { execArgv: ['--expose-gc'] });
  const [measured] = (await once(child, 'message')) as [Measured];
  await once(child, 'exit');
  return measured;
}

type Note = (
  name: string,
  value: number,
  unit: string,
  target?: { readonly atLeast?: number; readonly atMost?: number },
) => void;

const MIB = 1024 * 1024;

/** All of it; `note` is told each number. Takes about two minutes. */
export async function waitingRuns(note: Note, count = 10_000): Promise<void> {
  console.log(`\n${count} runs that wait (half on timers, half on signals)`);
  const [none, many, spread] = [1, 2, 3].map(() =>
    mkdtempSync(join(tmpdir(), 'chainbot-bench-waiting-')),
  ) as [string, string, string];
  try {
    await inProcess('prepare', none, 0);
    await inProcess('prepare', many, count);
    const rounds: { without: Measured; withThem: Measured }[] = [];
    for (let round = 0; round < 3; round++) {
      const without = await inProcess('measure', none, count);
      rounds.push({ without, withThem: await inProcess('measure', many, count) });
    }
    const of = (pick: (round: (typeof rounds)[number]) => number): number =>
      rounds.map(pick).sort((a, b) => a - b)[1] as number;
    note('memory of a process without them', of(({ without }) => without.rss) / MIB, 'MiB');
    note('memory they cost', of(({ without, withThem }) => withThem.rss - without.rss) / MIB, 'MiB', {
      atMost: 30,
    });
    note(
      'start without them',
      of(({ without }) => without.start),
      'ms',
    );
    note(
      'start takes longer by',
      of(({ without, withThem }) => withThem.start - without.start),
      'ms',
      {
        atMost: 2000,
      },
    );
    const timed = await inProcess('timers', spread, count);
    note('timers over a minute: ended', timed.ended ?? 0, 'runs', { atLeast: count });
    note('timers over a minute: late, median', timed.p50 ?? Number.NaN, 'ms');
    note('timers over a minute: late, 99 of 100', timed.p99 ?? Number.NaN, 'ms');
    note('timers over a minute: late at most', timed.most ?? Number.NaN, 'ms', { atMost: 250 });
  } finally {
    for (const folder of [none, many, spread]) rmSync(folder, { recursive: true, force: true });
  }
}

/** As a process of its own. */
if (process.send && process.argv[1] === import.meta.filename) {
  const [, , role, folder = '', count = '0'] = process.argv;
  const roles = { prepare, measure, timers };
  const measured = await roles[role as keyof typeof roles](folder, Number(count));
  process.send(measured ?? { start: 0, rss: 0 }, () => process.disconnect());
}
