import { newId } from '#core/ids.ts';
import { type Json, type JsonObject, toJsonText } from '#core/json.ts';
import type { Unit } from '#store/unit.ts';
import type { CompiledDefinition } from '../definition/compiled.ts';
import { concurrencyKey } from '../definition/concurrency.ts';
import type { RunnableVersion } from '../workflow-catalog.ts';
import type { RunIdentity } from './journal.ts';
import { copyOutputReferences } from './output-files-table.ts';
import { LiveRun, lineName } from './roster.ts';
import { forkEvent, laterEvent, runEvent } from './run-events.ts';
import type { RunFacts } from './run-facts.ts';
import { insertRun, type RunRow } from './run-table.ts';
import { copySteps, insertWake, reopenStep, type StepRow, type WakeRow } from './steps-table.ts';

/** A checked start. */
export interface NewRun {
  readonly version: RunnableVersion;
  readonly input: Json;
  readonly trigger: JsonObject;
  /** `kind:id`. */
  readonly actor: string;
  readonly parent?: { readonly key: number; readonly path: string } | undefined;
  /** -1, 0 or 1; absent: its workflow's. */
  readonly priority?: number | undefined;
  readonly later?: Later | undefined;
  /** Of a fork: the run it comes from, and what it keeps of that run's journal. */
  readonly fork?: Fork | undefined;
}

export interface Fork {
  readonly from: { readonly key: number; readonly id: string };
  readonly step: string | null;
  /** The rows that are copied; of those in `reopened` what they had decided stays, and they go on. */
  readonly journal: readonly StepRow[];
  readonly reopened: readonly string[];
}

/** When a run begins that is started for later: a time, or so many milliseconds from now. */
export type Later = { readonly at: number } | { readonly inMs: number };

/** A run whose row is in a unit that is not committed yet. */
export interface Launch {
  readonly live: LiveRun;
  readonly unit: Unit;
  /** It does not begin now: others are before it, or it is for later. */
  readonly queued: boolean;
  /** When it begins, of one that is started for later; Unix milliseconds. */
  readonly startAt: number | null;
  readonly wakes: readonly WakeRow[];
  readonly createdAt: number;
}

/** The path of the wake of a run that begins later: no step has it. */
const WHOLE_RUN = '';

/** What wakes a run that is started for later: a time stays a time, a duration counts on the clock of ticks. */
export function wakeForLater(run: number, later: Later, tick: number): WakeRow {
  const none = { run, path: WHOLE_RUN, match: null, after_seq: null, deadline_at: null };
  return 'at' in later
    ? { ...none, kind: 'until', due_tick: null, due_at: later.at }
    : { ...none, kind: 'timer', due_tick: tick + later.inMs, due_at: null };
}

/** The value of the concurrency key, null without one. @throws TerminalError `expression.failed`, `run.key_invalid` */
export function keyOf({ version, input, trigger }: NewRun): string | null {
  return concurrencyKey(version.compiled.concurrency, { input, trigger }) ?? null;
}

/** The higher goes first where runs queue: by priority, then a person's start before all others. */
export function rankOf(priority: number, trigger: JsonObject): number {
  return 2 * priority + (trigger.type === 'manual' ? 1 : 0);
}

function priorityOfRun({ priority, version }: NewRun): number {
  return priority ?? version.compiled.priority;
}

interface Place {
  readonly key: number;
  readonly line: string;
  readonly lineKey: string | null;
  readonly queued: boolean;
  /** Unix milliseconds, and ticks. */
  readonly now: number;
  readonly tick: number;
}

/** Puts the run's row, with what goes with it, into the unit. */
export function putRun(run: NewRun, place: Place, unit: Unit): Launch {
  const { key, line, queued, now } = place;
  const { version, later } = run;
  const live = new LiveRun({
    ...{ key, id: newId(), line, rank: queued ? rankOf(priorityOfRun(run), run.trigger) : 0 },
    ...{ workflow: version.name, version: version.version },
  });
  const startAt = later ? ('at' in later ? later.at : now + later.inMs) : null;
  unit.add(insertRun, {
    key,
    id: live.id,
    version_key: version.key,
    status: queued ? 'queued' : 'running',
    actor: run.actor,
    trigger_data: toJsonText(run.trigger),
    input: toJsonText(run.input),
    parent_run: run.parent?.key ?? null,
    parent_path: run.parent?.path ?? null,
    line: place.lineKey,
    priority: priorityOfRun(run),
    start_at: startAt,
    forked_from: run.fork?.from.id ?? null,
    created_at: now,
    started_at: queued ? null : now,
  });
  const wakes = later ? [wakeForLater(key, later, place.tick)] : [];
  for (const wake of wakes) unit.add(insertWake, { ...wake });
  if (run.fork) putFork(run, run.fork, live, now, unit);
  const type = queued ? 'chainbot.workflow.queued' : 'chainbot.workflow.started';
  unit.event(
    startAt === null ? runEvent(type, live, run.actor, now) : laterEvent(live, run.actor, startAt, now),
  );
  return { live, unit, queued, startAt, wakes, createdAt: now };
}

function putFork(run: NewRun, fork: Fork, live: LiveRun, now: number, unit: Unit): void {
  const { from, journal, reopened, step } = fork;
  const paths = JSON.stringify(journal.map(({ path }) => path));
  if (journal.length > 0) unit.add(copySteps, { from: from.key, to: live.key, paths }, journal.length);
  unit.add(copyOutputReferences, { from: from.key, to: live.key });
  for (const path of reopened) unit.add(reopenStep, { run: live.key, path, started_at: now }, 1);
  unit.event(forkEvent(live, run.actor, { from: from.id, step }, now));
}

/** What a live run is made of. */
export type LiveRow = Pick<RunRow, 'key' | 'id' | 'workflow' | 'version' | 'line' | 'priority'> & {
  /** Only who queues has a place. */
  readonly trigger_data?: string | undefined;
};

/** The live run of a row. */
export function liveOf(row: LiveRow): LiveRun {
  const { key, id, workflow, version, trigger_data } = row;
  const trigger = trigger_data === undefined ? {} : (JSON.parse(trigger_data) as JsonObject);
  return new LiveRun({
    ...{ key, id, workflow, version },
    line: lineName(workflow, row.line),
    rank: rankOf(row.priority, trigger),
  });
}

/** What an execution is told of a stored run. */
export function factsOf(row: RunRow, definition: CompiledDefinition, startedAt: number): RunFacts {
  return {
    definition,
    input: JSON.parse(row.input) as Json,
    trigger: JSON.parse(row.trigger_data) as JsonObject,
    actor: row.actor,
    startedAt,
  };
}

/** The same of one that is new. */
export function factsOfNew({ version, input, trigger, actor }: NewRun, startedAt: number): RunFacts {
  return { definition: version.compiled, input, trigger, actor, startedAt };
}

export function identity({ key, id, workflow, version }: LiveRun): RunIdentity {
  return { key, id, workflow, version };
}
