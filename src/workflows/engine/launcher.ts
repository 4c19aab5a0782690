import { eventRow } from '#bus/event-row.ts';
import type { Clock } from '#core/clock.ts';
import { errorRecord, RetryableError, TerminalError } from '#core/errors.ts';
import { newId } from '#core/ids.ts';
import { type Json, type JsonObject, toJsonText } from '#core/json.ts';
import type { ReaderPort } from '#store/port.ts';
import { Unit } from '#store/unit.ts';
import type { RunnableVersion, WorkflowCatalog } from '../workflow-catalog.ts';
import { type Ended, Execution, type ExecutionDeps } from './execution.ts';
import { Interrupt } from './interrupt.ts';
import { Journal } from './journal.ts';
import { persist } from './persist.ts';
import { areRestful, RestingRuns } from './resting-runs.ts';
import { type LiveRun, Roster } from './roster.ts';
import { endEvent, runEvent } from './run-events.ts';
import { beginQueuedRun, finishRun, insertRun, type RunRow, runByKey } from './run-table.ts';
import { type StepRow, stepsOfRun, type WakeRow, wakesOfRun } from './steps-table.ts';
import type { Ticks } from './ticks.ts';

export interface LaunchLimits {
  /** Runs in memory: under way, or waiting for what may come at any moment; a further start is `engine.busy`. */
  readonly maxLive: number;
  readonly maxQueued: number;
  /** Runs that only wait; they cost a line in memory each. */
  readonly maxWaiting: number;
  /** A run that only waits is put out of memory after this long, milliseconds. */
  readonly restAfterMs: number;
}

type Concurrency = NonNullable<RunnableVersion['compiled']['concurrency']>;

/** A checked start. */
export interface NewRun {
  readonly version: RunnableVersion;
  readonly input: Json;
  readonly trigger: JsonObject;
  /** `kind:id`. */
  readonly actor: string;
  readonly parent?: { readonly key: number; readonly path: string } | undefined;
}

/** A run whose row is in a unit that is not committed yet. */
export interface Launch {
  readonly live: LiveRun;
  readonly unit: Unit;
  readonly queued: boolean;
  readonly createdAt: number;
}

/** Makes runs, sees to their turn and follows each to its end. */
export class Launcher {
  readonly roster = new Roster();
  /** Runs that only wait, out of memory. */
  readonly resting: RestingRuns;
  readonly totals = { started: 0, completed: 0, failed: 0, cancelled: 0 };
  readonly #catalog: WorkflowCatalog;
  readonly #limits: LaunchLimits;
  readonly #reader: ReaderPort;
  readonly #deps: () => ExecutionDeps;
  readonly #running = new Set<Promise<void>>();
  #lastKey = 0;
  #draining = false;
  #stopping = new AbortController();

  /** `deps` is asked once the parts that need each other exist. */
  constructor(options: {
    readonly catalog: WorkflowCatalog;
    readonly limits: LaunchLimits;
    readonly reader: ReaderPort;
    readonly clock: Clock;
    readonly ticks: Ticks;
    readonly deps: () => ExecutionDeps;
  }) {
    this.#catalog = options.catalog;
    this.#limits = options.limits;
    this.#reader = options.reader;
    this.#deps = options.deps;
    this.resting = new RestingRuns(options.clock, options.ticks, (run) => this.wake(run));
  }

  open(lastKey: number): void {
    this.#lastKey = lastKey;
    this.#draining = false;
    this.#stopping = new AbortController();
  }

  get clock(): Clock {
    return this.#deps().clock;
  }

  /** @throws RetryableError `engine.busy` */
  assertRoom(): void {
    const { queued } = this.roster;
    const { maxLive, maxQueued, maxWaiting } = this.#limits;
    const waiting = this.resting.size;
    const live = this.roster.size - queued - waiting;
    const isFull = live >= maxLive || waiting >= maxWaiting || (queued > 0 && queued >= maxQueued);
    if (!this.#draining && !isFull) return;
    const counts = `${live} runs are live, ${waiting} wait and ${queued} queue already`;
    throw new RetryableError('engine.busy', counts, {
      hint: this.#draining
        ? 'ChainBot is stopping.'
        : 'Wait for some to end, or raise engine.max_active_runs.',
      retryAfterMs: 1000,
    });
  }

  /**
   * Puts a new run into a unit; nothing happens until it is committed, by `begin` (a run that can begin at
   * once commits itself with its first step's intent) or by the caller (a queued one, a child).
   * @throws TerminalError `run.limit` when its workflow takes no more
   */
  create(run: NewRun, unit: Unit): Launch {
    const now = this.clock.now();
    const queued = this.#mustQueue(run.version);
    const key = ++this.#lastKey;
    const id = newId();
    const { key: version_key, name: workflow, version } = run.version;
    unit.add(insertRun, {
      key,
      id,
      version_key,
      status: queued ? 'queued' : 'running',
      actor: run.actor,
      trigger_data: toJsonText(run.trigger),
      input: toJsonText(run.input),
      parent_run: run.parent?.key ?? null,
      parent_path: run.parent?.path ?? null,
      line: null,
      priority: 0,
      start_at: null,
      forked_from: null,
      created_at: now,
      started_at: queued ? null : now,
    });
    const type = queued ? 'chainbot.workflow.queued' : 'chainbot.workflow.started';
    unit.event(runEvent(type, { id, workflow, version }, run.actor, now));
    const live = this.#live(key, id, run.version, queued ? () => this.#beginQueued(live, run) : undefined);
    if (queued) this.roster.queue(live);
    else this.roster.enter(live);
    return { live, unit, queued, createdAt: now };
  }

  /** @throws TerminalError `run.limit` when its workflow has as many under way as it may */
  assertTurn({ name, compiled }: RunnableVersion): void {
    const { concurrency } = compiled;
    if (concurrency && this.roster.activeOf(name) >= concurrency.max)
      throw limitReached(name, concurrency.max);
  }

  /** A queued run of which nobody knows whether it is on disk: it is seen to that it is, then it queues. */
  async landLater({ live, unit }: Launch, { version }: NewRun): Promise<void> {
    this.roster.unqueue(live);
    try {
      await persist(unit, this.#deps(), this.#stopping.signal, true);
      this.roster.queue(live);
      this.advance(live.workflow, version.compiled.concurrency);
    } catch (error) {
      this.#deps().log.warn({ err: error, run: live.id }, 'a queued run could not be written');
      this.roster.leave(live, undefined);
    }
  }

  /** Starts the work of a run made by `create`. `created`: its row is on disk already. */
  begin({ live, unit, createdAt }: Launch, run: NewRun, created: boolean): Execution {
    const journal = new Journal(identity(live, run.version), [], []);
    const facts = { ...run, definition: run.version.compiled, startedAt: createdAt };
    const execution = new Execution(journal, facts, this.#deps(), { created, paused: false });
    this.totals.started++;
    this.#follow(live, execution, created ? new Unit() : unit);
    return execution;
  }

  /** A run that was created in a unit but will not begin. */
  abandon({ live, createdAt }: Launch, pending: Unit): void {
    const now = this.clock.now();
    const by = { actor: 'system:chainbot', reason: 'the run that started it gave up' };
    pending.add(finishRun, { key: live.key, status: 'cancelled', output: null, error: null, ended_at: now });
    pending.event(endEvent(live, createdAt, { status: 'cancelled', by }, now));
    this.roster.leave(live, { status: 'cancelled', output: null, error: null });
  }

  /** A row of an earlier start of the daemon, or of a retried run; `unit` goes with its first commit. */
  pickUp(row: RunRow, steps: readonly StepRow[], wakes: readonly WakeRow[], unit: Unit): LiveRun {
    const version = this.#catalog.byKey(row.version_key);
    if (row.status === 'queued') {
      const run = asNewRun(row, version);
      const live: LiveRun = this.#live(row.key, row.id, version, () => this.#beginQueued(live, run));
      this.roster.queue(live);
      return live;
    }
    const live = this.#live(row.key, row.id, version, undefined);
    this.roster.enter(live);
    this.#goOn(live, version, row, steps, wakes, unit);
    return live;
  }

  /** A row that only waits: it stays out of memory until it is due. */
  keepResting(row: RunRow, wakes: readonly WakeRow[]): void {
    const live = this.#live(row.key, row.id, row, undefined);
    this.roster.enter(live);
    this.resting.add(live, wakes);
  }

  /** Picks up a run that rests; nothing happens when it does not. */
  wake(live: LiveRun): void {
    if (this.#draining || !this.resting.remove(live)) return;
    const row = this.#reader.get(runByKey, { key: live.key });
    try {
      if (!row) throw new Error('its row is gone');
      const steps = this.#reader.all(stepsOfRun, { run: row.key });
      const wakes = this.#reader.all(wakesOfRun, { run: row.key });
      this.#goOn(live, this.#catalog.byKey(row.version_key), row, steps, wakes, new Unit());
    } catch (error) {
      this.#deps().log.error({ err: error, run: live.id }, 'a run can no longer be run');
      this.roster.leave(live, undefined);
      if (row) void this.giveUp(row, error).catch(() => undefined);
    }
  }

  /** Ends a run in whatever state it is; resolves when a queued one's end is on disk, else at once. */
  async cancel(live: LiveRun, actor: string, reason: string): Promise<void> {
    this.wake(live);
    if (live.execution) live.execution.cancel(actor, reason);
    else await this.cancelQueued(live, actor, reason);
  }

  #goOn(
    live: LiveRun,
    version: RunnableVersion,
    row: RunRow,
    steps: readonly StepRow[],
    wakes: readonly WakeRow[],
    unit: Unit,
  ): void {
    const run = asNewRun(row, version);
    const journal = new Journal(identity(live, version), steps, wakes);
    const isTask = (id: string): boolean => version.compiled.byId.get(id)?.kind === 'task';
    const interrupted = journal.interrupted(isTask);
    if (interrupted.length > 0) {
      const data = { run: row.id, workflow: row.workflow, version: row.version, interrupted };
      unit.event(
        eventRow('chainbot.workflow.recovered', `run/${row.id}`, 'system:chainbot', data, this.clock.now()),
      );
    }
    const facts = { ...run, definition: version.compiled, startedAt: row.started_at ?? row.created_at };
    const execution = new Execution(journal, facts, this.#deps(), {
      created: true,
      paused: row.status === 'paused',
    });
    this.#follow(live, execution, unit);
  }

  /** A run whose definition can no longer be read fails, and says why. */
  async giveUp(row: RunRow, error: unknown): Promise<void> {
    const now = this.clock.now();
    const record = errorRecord(error);
    const unit = new Unit()
      .add(
        finishRun,
        { key: row.key, status: 'failed', output: null, error: JSON.stringify(record), ended_at: now },
        1,
      )
      .event(endEvent(row, row.created_at, { status: 'failed', error: record }, now));
    await this.#deps().writer.commit(unit);
  }

  /** Begins queued runs for which there is room; where newer ones replace older ones, those are told to end. */
  advance(workflow: string, concurrency: Concurrency | undefined): void {
    if (this.#draining) return;
    const max = concurrency?.max ?? Number.POSITIVE_INFINITY;
    if (concurrency?.on_limit === 'replace') this.#displace(workflow, max);
    this.roster.advance(workflow, max);
  }

  #displace(workflow: string, max: number): void {
    const line = this.roster.lineOf(workflow);
    for (const live of line.slice(0, Math.max(0, line.length - max))) {
      void this.cancel(live, 'system:chainbot', REPLACED).catch(() => undefined);
    }
  }

  /** Stops all work: no new step, time for those under way, then an end; the journal keeps the rest. */
  async stop(graceMs: number): Promise<void> {
    this.#draining = true;
    this.resting.stop();
    const executions = this.roster.all().flatMap((live) => live.execution ?? []);
    for (const execution of executions) execution.drain();
    // One turn, so that a step whose intent has just landed is seen to act.
    await new Promise((resolve) => setImmediate(resolve));
    const deadline = Date.now() + graceMs;
    while (Date.now() < deadline && executions.some((execution) => execution.acting > 0)) {
      await new Promise((resolve) => setTimeout(resolve, 15));
    }
    this.#stopping.abort(new Interrupt('shutdown', 'ChainBot is stopping'));
    for (const execution of executions) execution.shutdown();
    await Promise.all(this.#running);
    for (const live of this.roster.all()) this.roster.leave(live, undefined);
  }

  #mustQueue({ name, compiled }: RunnableVersion): boolean {
    const { concurrency } = compiled;
    if (!concurrency || this.roster.activeOf(name) < concurrency.max) return false;
    if (concurrency.on_limit !== 'skip') return true;
    throw limitReached(name, concurrency.max);
  }

  #live(key: number, id: string, of: NamedVersion, begin: (() => void) | undefined): LiveRun {
    return {
      key,
      id,
      workflow: 'name' in of ? of.name : of.workflow,
      version: of.version,
      begin,
      execution: undefined,
      ended: Promise.withResolvers<Ended | undefined>(),
    };
  }

  /** A queued run's turn: its row says so with its first step's intent. */
  #beginQueued(live: LiveRun, run: NewRun): void {
    const now = this.clock.now();
    const unit = new Unit()
      .add(beginQueuedRun, { key: live.key, started_at: now }, 1)
      .event(runEvent('chainbot.workflow.started', live, run.actor, now));
    const journal = new Journal(identity(live, run.version), [], []);
    const facts = { ...run, definition: run.version.compiled, startedAt: now };
    this.totals.started++;
    this.#follow(live, new Execution(journal, facts, this.#deps(), { created: true, paused: false }), unit);
  }

  #follow(live: LiveRun, execution: Execution, unit: Unit): void {
    live.execution = execution;
    let restTimer: Disposable | undefined;
    execution.onRestful = () => {
      restTimer ??= this.clock.after(this.#limits.restAfterMs, () => {
        restTimer = undefined;
        this.#rest(live, execution);
      });
    };
    const done = execution.run(unit).then((ended) => {
      restTimer?.[Symbol.dispose]();
      this.#running.delete(done);
      if (execution.isResting) return;
      if (ended) this.totals[ended.status]++;
      this.roster.leave(live, ended);
      this.#deps().signals.forget(live.key);
      this.advance(live.workflow, execution.facts.definition.concurrency);
    });
    this.#running.add(done);
  }

  #rest(live: LiveRun, execution: Execution): void {
    if (this.#draining || live.execution !== execution || !execution.canRest) return;
    const wakes = this.#reader.all(wakesOfRun, { run: live.key });
    // What is due soon is not worth the way out and back.
    if (!areRestful(wakes) || this.resting.untilDue(wakes) < SOON_MS) return;
    live.execution = undefined;
    execution.rest();
    this.#deps().signals.forget(live.key);
    this.resting.add(live, wakes);
  }

  /** Cancels a run that only queues; at once its turn can no longer come. */
  async cancelQueued(live: LiveRun, actor: string, reason: string): Promise<void> {
    if (!this.roster.unqueue(live)) return;
    const now = this.clock.now();
    const unit = new Unit()
      .add(finishRun, { key: live.key, status: 'cancelled', output: null, error: null, ended_at: now }, 1)
      .event(endEvent(live, now, { status: 'cancelled', by: { actor, reason } }, now));
    try {
      await persist(unit, this.#deps(), this.#stopping.signal);
    } catch (error) {
      this.roster.leave(live, undefined);
      throw error;
    }
    this.totals.cancelled++;
    this.roster.leave(live, { status: 'cancelled', output: null, error: null });
  }
}

const SOON_MS = 1000;
const REPLACED = 'a newer run replaced it';

function limitReached(name: string, max: number): TerminalError {
  return new TerminalError(
    'conflict',
    'run.limit',
    `${max} runs of "${name}" are under way; it takes no more`,
    {
      hint: 'Wait for one to end, or raise its `concurrency`; with `on_limit: queue` a start waits its turn.',
    },
  );
}

/** What names a version: a runnable one, or a run's row. */
type NamedVersion = { readonly version: number } & (
  | { readonly name: string }
  | { readonly workflow: string }
);

function asNewRun(row: RunRow, version: RunnableVersion): NewRun {
  return {
    version,
    input: JSON.parse(row.input) as Json,
    trigger: JSON.parse(row.trigger_data) as JsonObject,
    actor: row.actor,
  };
}

function identity(
  live: LiveRun,
  version: RunnableVersion,
): { key: number; id: string; workflow: string; version: number } {
  return { key: live.key, id: live.id, workflow: live.workflow, version: version.version };
}
