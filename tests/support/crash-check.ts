import { expect } from 'vitest';
import { catalogue } from '#bus/catalogue.ts';
import type { Json } from '#core/json.ts';
import type { ApprovalsPort } from '#workflows/port.ts';
import type { RunDetail, RunsPort } from '#workflows/runs-port.ts';
import { EngineRig } from './engine-rig.ts';

/** A verb that somebody uses on the run, once, as soon as `when` is so and until the log says it was done. */
export interface Verb {
  readonly done: string;
  readonly times?: number;
  readonly when: (run: RunDetail) => boolean;
  readonly act: (runs: RunsPort, id: string, approvals: ApprovalsPort) => Promise<unknown>;
}

export interface Scenario {
  readonly workflows: readonly object[];
  /** Workflows that are started, in this order, at once. Default: the first one. */
  readonly starts?: readonly string[];
  readonly input?: Json;
  readonly verbs?: readonly Verb[];
  /** The end may be another after a crash (`on_interrupt: fail`): only the journal's own laws are checked. */
  readonly loose?: boolean;
}

export interface Played {
  readonly ends: {
    readonly workflow: string;
    readonly status: string;
    readonly output: Json;
    readonly code: string | undefined;
  }[];
  readonly keys: string[];
  /** What came to its end, in order: `<workflow>/<step path>`, and `<workflow>!<status>` for runs. */
  readonly order: string[];
  /** Units committed. */
  readonly units: number;
}

/** Longer than any scenario takes, shorter than the waits that are given up (9m). */
const SECONDS = 480;

/** Plays a scenario to its end, with a crash after each of these numbers of units (counted anew in each life). */
export async function play(
  template: string,
  scenario: Scenario,
  crashes: readonly { readonly after: number; readonly deaf: boolean }[],
): Promise<Played> {
  // Half of the plays put waiting runs out of memory at once.
  const rig = new EngineRig({ restAfterMs: crashes.some(({ deaf }) => deaf) ? 0 : 1000 });
  try {
    await rig.open(template);
    let units = 0;
    const left = [...crashes];
    arm(rig, left[0]);
    for (const name of scenario.starts ?? [nameOf(scenario)]) {
      void rig.engine.runs
        .start({ workflow: name, input: scenario.input ?? {}, actor: { kind: 'system', id: 'test' } })
        .catch(() => undefined);
    }
    await rig.settle();
    for (let second = 0; second < SECONDS; second++) {
      if (rig.store.dead) {
        units += rig.store.asked;
        left.shift();
        await rig.crash();
        arm(rig, left[0]);
      }
      useVerbs(rig, scenario.verbs ?? []);
      await rig.settle();
      if (rig.store.dead) continue;
      if (allEnded(rig) && verbsDone(rig, scenario.verbs ?? [])) break;
      await rig.clock.advance(1000);
    }
    units += rig.store.asked;
    check(rig, scenario);
    return { ends: endsOf(rig), keys: keysOf(rig), order: orderOf(rig), units };
  } finally {
    rig.drop();
  }
}

/** A database with the scenario's workflows in it. */
export async function prepared(scenario: Scenario): Promise<EngineRig> {
  const rig = new EngineRig();
  await rig.open();
  await rig.save(...scenario.workflows);
  await rig.engine.stop();
  rig.store.close();
  return rig;
}

function nameOf(scenario: Scenario): string {
  return (scenario.workflows[0] as { name: string }).name;
}

function arm(rig: EngineRig, crash: { readonly after: number; readonly deaf: boolean } | undefined): void {
  rig.store.dieAfter(crash?.after ?? Number.POSITIVE_INFINITY, crash?.deaf ?? false);
}

function topRuns(rig: EngineRig): string[] {
  return rig.store
    .rows<{ id: string }>('SELECT id FROM runs WHERE parent_run IS NULL ORDER BY key')
    .map((row) => row.id);
}

function allEnded(rig: EngineRig): boolean {
  const runs = rig.store.rows<{ ended_at: number | null }>('SELECT ended_at FROM runs');
  return runs.length > 0 && runs.every((row) => row.ended_at !== null);
}

function doneTimes(rig: EngineRig, id: string, verb: Verb): number {
  const type = `chainbot.${verb.done}`;
  return rig.log().filter((event) => event.type === type && event.data.run === id).length;
}

function verbsDone(rig: EngineRig, verbs: readonly Verb[]): boolean {
  const [id] = topRuns(rig);
  return verbs.every((verb) => id !== undefined && doneTimes(rig, id, verb) >= (verb.times ?? 1));
}

function useVerbs(rig: EngineRig, verbs: readonly Verb[]): void {
  const [id] = topRuns(rig);
  if (id === undefined) return;
  for (const verb of verbs) {
    if (doneTimes(rig, id, verb) >= (verb.times ?? 1)) continue;
    if (verb.when(rig.engine.runs.get(id)))
      void verb.act(rig.engine.runs, id, rig.engine.approvals).catch(() => undefined);
    return; // in their order
  }
}

function endsOf(rig: EngineRig): Played['ends'] {
  return topRuns(rig).map((id) => {
    const { workflow, status, output, error } = rig.engine.runs.get(id);
    return { workflow, status, output: withoutIds(output), code: error?.code };
  });
}

/** Outputs and keys of child runs carry ids, answers their time, that differ from play to play. */
function withoutIds(output: Json): Json {
  const text = JSON.stringify(output)
    .replace(/[0-9a-f]{8}-[0-9a-f-]{27}/g, 'ID')
    .replace(/"\d{4}-\d\d-\d\dT[\d:.]+Z"/g, '"TIME"');
  return JSON.parse(text) as Json;
}

function namesOf(rig: EngineRig): ReadonlyMap<string, string> {
  const rows = rig.store.rows<{ id: string; name: string }>(
    'SELECT runs.id AS id, workflow AS name FROM runs JOIN workflow_versions v ON v.key = runs.version_key',
  );
  return new Map(rows.map((row) => [row.id, row.name]));
}

function orderOf(rig: EngineRig): string[] {
  const names = namesOf(rig);
  return rig.log().flatMap(({ type, subject, data }) => {
    const workflow = names.get(subject.replace('run/', ''));
    if (type === 'chainbot.step.completed') return [`${workflow}/${data.path}`];
    const end = /^chainbot\.workflow\.(completed|failed|cancelled)$/.exec(type)?.[1];
    return end ? [`${workflow}!${end}`] : [];
  });
}

function keysOf(rig: EngineRig): string[] {
  const names = namesOf(rig);
  const keys = rig.effects.map(({ key, path }) => `${names.get(key.slice(0, 36)) ?? 'nobody'}/${path}`);
  return [...new Set(keys)].sort();
}

/** The laws of the journal, whatever happened. */
function check(rig: EngineRig, scenario: Scenario): void {
  const runs = rig.store.rows<{ key: number; id: string; status: string }>(
    'SELECT key, id, status FROM runs',
  );
  expect(
    runs.map((run) => run.status).filter((status) => !['completed', 'failed', 'cancelled'].includes(status)),
  ).toEqual([]);
  expect(rig.steps().filter((step) => step.status === 'running' || step.status === 'waiting')).toEqual([]);
  expect(rig.count('wakes')).toBe(0);
  const log = rig.log();
  expect(log.map((event) => event.seq)).toEqual(log.map((_, index) => index + 1));
  for (const { type, data } of log) {
    const shape = catalogue[type as keyof typeof catalogue];
    expect(shape.data.safeParse(data).error?.issues.map((issue) => `${type} ${issue.message}`) ?? []).toEqual(
      [],
    );
  }
  for (const run of runs) checkEvents(rig, run);
  for (const effect of rig.effects) {
    const again = rig.settledIn(effect.life).has(effect.key);
    expect(again ? `${effect.path} again in life ${effect.life}` : '').toBe('');
  }
  if (!scenario.verbs) expect(rig.count('signals')).toBe(0);
}

function checkEvents(rig: EngineRig, run: { key: number; id: string; status: string }): void {
  const events = rig.log().filter((event) => event.subject === `run/${run.id}`);
  const count = (type: string): number => events.filter((event) => event.type === `chainbot.${type}`).length;
  const retried = count('workflow.retried');
  const began = count('workflow.started');
  expect({ run: run.id, began }).toEqual({
    run: run.id,
    began: run.status === 'cancelled' && began === 0 ? 0 : 1,
  });
  const ends = count('workflow.completed') + count('workflow.failed') + count('workflow.cancelled');
  expect({ run: run.id, ends, types: events.map((e) => e.type) }).toEqual({
    run: run.id,
    ends: 1 + retried,
    types: events.map((e) => e.type),
  });
  expect(count(`workflow.${run.status}`)).toBeGreaterThan(0);
  const steps = rig.store.rows<{ path: string; status: string }>(
    `SELECT path, status FROM steps WHERE run = ${run.key} ORDER BY path`,
  );
  const completed = events
    .filter((event) => event.type === 'chainbot.step.completed')
    .map((event) => event.data.path);
  expect(completed.toSorted()).toEqual(
    steps.filter((step) => step.status === 'completed').map((step) => step.path),
  );
}
