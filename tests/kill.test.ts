import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { ApiClient } from '#api/client.ts';
import type { CloudEventAnswer } from '#api/contract/event.ts';
import type { RunAnswer } from '#api/contract/run.ts';
import { catalogue, type EventType } from '#bus/catalogue.ts';
import { Daemon } from './rigs/daemon.ts';
import { type Effect, Effects } from './rigs/effects.ts';
import { createSite, ROOT } from './rigs/site.ts';

/**
 * The power goes, again and again, at random instants while runs of ten steps are under way: a real process
 * (the bundle, as it is installed) and real HTTP effects. CHAINBOT_KILLS says how often (default 200, about
 * 80 s), CHAINBOT_SEED repeats a sequence.
 */
const KILLS = Number(process.env.CHAINBOT_KILLS ?? 200);
const SEED = Number(process.env.CHAINBOT_SEED ?? Math.floor(Math.random() * 2 ** 31));
const LIVE = 24;
const MOST_MS = 400_000;

/** Which effect comes before which, by step path; the last one of each is what the run ends with. */
const LINE = chain('s0', 's1', 's2', 's3', 's4', 's5', 's6', 's7', 's8', 's9');
const MIXED = [
  ...chain('a', 'b', 'c', 'both/x/p1', 'both/x/p2', 'each/0/tell', 'each/1/tell', 'each/2/tell', 'end'),
  ...chain('c', 'both/y/q1', 'each/0/tell'),
];
const ORDER: Readonly<Record<string, readonly (readonly [string, string])[]>> = { line: LINE, mixed: MIXED };
const LAST: Readonly<Record<string, string>> = { line: 's9', mixed: 'end' };

test(`kill -9 at ${KILLS} random instants`, { timeout: MOST_MS }, async () => {
  execFileSync(process.execPath, [join(ROOT, 'scripts/build.ts')]);
  const random = mulberry32(SEED);
  await using effects = await new Effects(() => random() * 12).start();
  using site = createSite({ engine: { max_active_runs: 500 }, log: { level: 'info' } });
  const cache = { NODE_COMPILE_CACHE: join(site.folder, 'cache') };
  const start = (): Daemon => {
    effects.life++;
    return new Daemon(site, { bundle: true, env: cache });
  };

  let daemon = start();
  await using _last = { [Symbol.asyncDispose]: () => daemon[Symbol.asyncDispose]() };
  await daemon.ready();
  await daemon.api.saveWorkflow(JSON.stringify(lineWorkflow(effects.url)), 'json');
  await daemon.api.saveWorkflow(JSON.stringify(mixedWorkflow(effects.url)), 'json');
  await daemon.stop(); // a clean stop writes the compile cache
  const runs = new Starter();

  const began = Date.now();
  let kills = 0;
  for (daemon = start(); kills < KILLS; daemon = start()) {
    const early = random() < 0.1;
    if (early) await pause(random() * 250);
    else {
      await daemon.ready();
      const topUp = runs.topUp(daemon.api, LIVE - runs.underWay(effects), random);
      await pause(random() * 100);
      if (random() < 0.8) await topUp;
    }
    const underWay = runs.underWay(effects);
    await daemon.kill();
    await effects.deserted(); // what the dead process had sent counts as its own
    if (underWay > 0) kills++;
  }
  const killedIn = (Date.now() - began) / 1000;
  await daemon.ready();
  await runs.topUp(daemon.api, 0, random);
  const finished = await allEnded(daemon.api);
  const events = await everyEvent(daemon.api);
  await daemon.stop();

  console.log(
    `${kills} kills in ${killedIn.toFixed(0)} s over ${effects.life} starts, ${finished.length} runs, ` +
      `${effects.all.length} effects, ${events.length} events (CHAINBOT_SEED=${SEED})`,
  );
  everyAcknowledgedRunCompleted(runs, finished);
  noStepRanAgain(effects, finished);
  theLogHasNoGap(events, finished);
});

// ---- what must hold --------------------------------------------------------------------------------------------

function everyAcknowledgedRunCompleted(runs: Starter, finished: readonly RunAnswer[]): void {
  const byId = new Map(finished.map((run) => [run.id, run]));
  const broken = finished.filter((run) => run.status !== 'completed');
  expect(broken.map(({ id, status, error }) => ({ id, status, error }))).toEqual([]);
  for (const id of runs.acknowledged.values()) expect(byId.has(id), `run ${id} is lost`).toBe(true);
  // Every start was asked again with its key until it was answered: one run each, no more.
  expect(finished.length).toBe(runs.acknowledged.size);
}

function noStepRanAgain(effects: Effects, finished: readonly RunAnswer[]): void {
  expect(effects.keyless).toBe(0);
  const inOneLife = new Map<string, number>();
  for (const { key, life } of effects.all) {
    const name = `${life} ${key}`;
    inOneLife.set(name, (inOneLife.get(name) ?? 0) + 1);
  }
  expect([...inOneLife].filter(([, times]) => times > 1)).toEqual([]);

  const ofRun = Map.groupBy(effects.all, (effect) => effect.run);
  for (const run of finished) {
    const seen = Map.groupBy(ofRun.get(run.id) ?? [], (effect) => effect.path);
    for (const [before, after] of ORDER[run.workflow] ?? []) {
      const earlier = seen.get(before)?.at(-1) as Effect;
      const later = seen.get(after)?.[0] as Effect;
      expect(earlier, `${run.id}: ${before} had no effect`).toBeDefined();
      expect(later, `${run.id}: ${after} had no effect`).toBeDefined();
      expect(earlier.order, `${run.id}: ${before} again after ${after}`).toBeLessThan(later.order);
    }
  }
}

function theLogHasNoGap(events: readonly CloudEventAnswer[], finished: readonly RunAnswer[]): void {
  expect(events.findIndex((event, index) => event.seq !== index + 1)).toBe(-1);
  expect(new Set(events.map((event) => event.epoch)).size).toBe(1);
  for (const { type, data } of events) catalogue[type as EventType].data.parse(data);

  const ofRun = Map.groupBy(events, (event) => event.subject ?? '');
  for (const run of finished) {
    const own = ofRun.get(`run/${run.id}`) ?? [];
    const count = (type: string) => own.filter((event) => event.type === type).length;
    expect(own[0]?.type).toBe('chainbot.workflow.started');
    expect(own.at(-1)?.type).toBe('chainbot.workflow.completed');
    expect(count('chainbot.workflow.started')).toBe(1);
    expect(count('chainbot.workflow.completed')).toBe(1);
    const completed = own.filter((event) => event.type === 'chainbot.step.completed');
    const paths = completed.map((event) => String(event.data.path));
    expect(new Set(paths).size, `${run.id}: a step completed twice`).toBe(paths.length);
    const done = run.steps.filter((step) => step.status === 'completed').map((step) => step.path);
    expect(paths.toSorted()).toEqual(done.toSorted());
    for (const [before, after] of ORDER[run.workflow] ?? []) {
      expect(paths.indexOf(before)).toBeLessThan(paths.indexOf(after));
    }
  }
}

// ---- what is under way -----------------------------------------------------------------------------------------

/** Starts runs with a key each, and asks again with the same key where a kill took the answer. */
class Starter {
  /** Run ids by idempotency key. */
  readonly acknowledged = new Map<string, string>();
  #unanswered: { key: string; workflow: string }[] = [];
  readonly #workflowOf = new Map<string, string>();
  #next = 0;

  /** Acknowledged runs whose last effect has not been seen. */
  underWay(effects: Effects): number {
    for (const { run, path } of effects.all.slice(this.#looked)) {
      if (LAST[this.#workflowOf.get(run) ?? ''] === path || path === 's9' || path === 'end')
        this.#over.add(run);
    }
    this.#looked = effects.all.length;
    return this.acknowledged.size - this.#over.size;
  }
  #looked = 0;
  readonly #over = new Set<string>();

  async topUp(api: ApiClient, wanted: number, random: () => number): Promise<void> {
    const starts = this.#unanswered;
    this.#unanswered = [];
    for (let more = wanted - starts.length; more > 0; more--) {
      starts.push({ key: `start-${this.#next++}`, workflow: random() < 0.6 ? 'line' : 'mixed' });
    }
    await Promise.all(starts.map((start) => this.#start(api, start)));
  }

  async #start(api: ApiClient, start: { key: string; workflow: string }): Promise<void> {
    try {
      const { id } = await api.startRun(start.workflow, { idempotencyKey: start.key });
      this.acknowledged.set(start.key, id);
      this.#workflowOf.set(id, start.workflow);
    } catch {
      this.#unanswered.push(start);
    }
  }
}

async function allEnded(api: ApiClient): Promise<RunAnswer[]> {
  const live = ['queued', 'running', 'waiting', 'paused'] as const;
  while ((await api.runs({ status: live, limit: 1 })).runs.length > 0) await pause(50);
  const found: RunAnswer[] = [];
  for (let cursor: string | undefined; ; ) {
    const page = await api.runs({ limit: 500, cursor });
    for (const { id } of page.runs) found.push(await api.run(id));
    if (page.next === null) return found;
    cursor = page.next;
  }
}

async function everyEvent(api: ApiClient): Promise<CloudEventAnswer[]> {
  const { head } = await api.events({ limit: 1 });
  const found: CloudEventAnswer[] = [];
  for (let after = 0; after < head; ) {
    const page = await api.events({ after, limit: 1000 });
    found.push(...page.events);
    after = page.next;
  }
  return found;
}

// ---- the workflows ---------------------------------------------------------------------------------------------

function lineWorkflow(url: string): object {
  const steps = Array.from({ length: 10 }, (_, index) => call(`s${index}`, url));
  return { name: 'line', steps, output: '{{ steps.s9.output.status }}' };
}

/** Ten steps of every kind that acts or waits. */
function mixedWorkflow(url: string): object {
  return {
    name: 'mixed',
    steps: [
      call('a', url),
      { id: 'fan', type: 'device_write', device: 'greenhouse_fan', value: true },
      call('b', url),
      { id: 'hold', type: 'wait', for: '20ms' },
      call('c', url),
      {
        id: 'both',
        type: 'parallel',
        branches: { x: [call('p1', url), call('p2', url)], y: [call('q1', url)] },
        wait: 'all',
      },
      { id: 'each', type: 'loop', times: 3, steps: [call('tell', url)] },
      call('end', url),
    ],
  };
}

function call(id: string, url: string): object {
  return { id, type: 'api_call', method: 'POST', url, body: { step: id } };
}

function chain(...paths: string[]): [string, string][] {
  return paths.slice(1).map((path, index) => [paths[index] as string, path]);
}

/** A small seeded generator, so that a failure can be looked at again. */
function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
