import type { Clock } from '#core/clock.ts';
import { errorRecord, RetryableError } from '#core/errors.ts';
import type { ReaderPort } from '#store/port.ts';
import { Unit } from '#store/unit.ts';
import type { CompiledConcurrency } from '../definition/concurrency.ts';
import type { RunnableVersion, WorkflowCatalog } from '../workflow-catalog.ts';
import { drained } from './drain.ts';
import { Execution } from './execution.ts';
import { Interrupt } from './interrupt.ts';
import { Journal } from './journal.ts';
import {
  factsOf,
  factsOfNew,
  identity,
  keyOf,
  type Launch,
  type LiveRow,
  liveOf,
  type NewRun,
  putRun,
  wakeForLater,
} from './new-run.ts';
import { persist } from './persist.ts';
import { areRestful, RestingRuns } from './resting-runs.ts';
import { type LiveRun, lineName, Roster } from './roster.ts';
import { recoveredEvent } from './run-events.ts';
import type { ExecutionDeps, RunFacts } from './run-facts.ts';
import { type RunRow, runByKey } from './run-table.ts';
import { begunQueued, cancelledBegin, cancelledQueued, failedRun } from './run-units.ts';
import { type StepRow, stepsOfRun, type WakeRow, wakesOfRun } from './steps-table.ts';
import type { Ticks } from './ticks.ts';
import { type LaunchLimits, stoppingNow, Turns } from './turns.ts';

/** Makes runs, begins them when it is their turn, and follows each to its end. */
export class Launcher {
  readonly roster = new Roster();
  /** Runs that only wait, out of memory; those that are for later too. */
  readonly resting: RestingRuns;
  readonly turns: Turns;
  readonly totals = { started: 0, completed: 0, failed: 0, cancelled: 0 };
  readonly #catalog: WorkflowCatalog;
  readonly #limits: LaunchLimits;
  readonly #reader: ReaderPort;
  readonly #ticks: Ticks;
  readonly #deps: () => ExecutionDeps;
  readonly #running = new Map<LiveRun, Promise<void>>();
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
    this.#ticks = options.ticks;
    this.#deps = options.deps;
    this.resting = new RestingRuns(options.clock, options.ticks, (run) => this.#due(run));
    this.turns = new Turns(this.roster, () => this.resting, options.limits);
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
  assertRoom(later = false): void {
    if (this.#draining) throw stoppingNow();
    this.turns.assertRoom(later);
  }

  /**
   * Puts a new run into a unit; nothing happens until it is committed, by `begin` (a run that can begin at
   * once commits itself with its first step's intent) or by the caller (a queued one, a child).
   * @throws TerminalError `run.limit` when its workflow takes no more
   * @throws RetryableError `run.queue_full`
   */
  create(run: NewRun, unit: Unit): Launch {
    const now = this.clock.now();
    const lineKey = keyOf(run);
    const line = lineName(run.version.name, lineKey);
    const queued = run.later !== undefined || this.turns.mustQueue(line, run.version.compiled.concurrency);
    const place = { key: ++this.#lastKey, line, lineKey, queued, now, tick: this.#ticks.now() };
    const launch = putRun(run, place, unit);
    const { live } = launch;
    if (!queued) this.roster.enter(live);
    else {
      live.begin = () => this.#beginQueued(live, factsOfNew(run, now), run.fork?.journal ?? [], false);
      if (run.later) this.roster.expect(live);
      else this.roster.queue(live);
    }
    return launch;
  }

  /** A queued run is on disk: its turn, or its time, may come. What it begins with is read from there. */
  arrive({ live, startAt, wakes }: Launch, concurrency: CompiledConcurrency | undefined): void {
    if (live.begin) live.begin = () => this.#beginStored(live);
    if (this.#draining) return;
    if (startAt !== null) this.resting.add(live, wakes);
    else this.advance(live.line, concurrency);
  }

  /** A queued run of which nobody knows whether it is on disk: it is seen to that it is, then it queues. */
  async landLater(launch: Launch, { version }: NewRun): Promise<void> {
    const { live, unit } = launch;
    this.roster.unqueue(live);
    try {
      await persist(unit, this.#deps(), this.#stopping.signal, true);
      if (launch.startAt === null) this.roster.queue(live);
      this.arrive(launch, version.compiled.concurrency);
    } catch (error) {
      this.#deps().log.warn({ err: error, run: live.id }, 'a queued run could not be written');
      this.roster.leave(live, undefined);
    }
  }

  /** Starts the work of a run made by `create`. `created`: its row is on disk already. */
  begin({ live, unit, createdAt }: Launch, run: NewRun, created: boolean): Execution {
    const journal = new Journal(identity(live), run.fork?.journal ?? [], []);
    const facts = factsOfNew(run, createdAt);
    const execution = new Execution(journal, facts, this.#deps(), { created, paused: false });
    this.totals.started++;
    this.#follow(live, execution, created ? new Unit() : unit);
    return execution;
  }

  /** A run that was created in a unit but will not begin. */
  abandon({ live, createdAt }: Launch, pending: Unit): void {
    cancelledBegin(live, createdAt, this.clock.now(), pending);
    this.roster.leave(live, { status: 'cancelled', output: null, error: null });
  }

  /** A row of an earlier start of the daemon, or of a retried or forked run; `unit` goes with its first commit. */
  pickUp(row: RunRow, steps: readonly StepRow[], wakes: readonly WakeRow[], unit: Unit): LiveRun {
    const live = liveOf(row);
    if (row.status === 'queued') {
      live.begin = () => this.#beginStored(live);
      if (wakes.length === 0) this.roster.queue(live);
      else {
        this.roster.expect(live);
        this.resting.add(live, wakes);
      }
      return live;
    }
    const version = this.#catalog.byKey(row.version_key);
    this.roster.enter(live);
    this.#goOn(live, version, row, steps, wakes, unit);
    return live;
  }

  /** A row that only waits: it stays out of memory until it is due. */
  keepResting(row: LiveRow, wakes: readonly WakeRow[]): void {
    const live = liveOf(row);
    this.roster.enter(live);
    this.resting.add(live, wakes);
  }

  /** Picks up a run that rests; nothing happens when it does not, or when its time to begin has not come. */
  wake(live: LiveRun): void {
    if (this.#draining || live.begin || !this.resting.remove(live)) return;
    this.goOnFromDisk(live);
  }

  /** Picks up a run that is in no execution, as it stands on disk. */
  goOnFromDisk(live: LiveRun): void {
    if (this.#draining) return;
    this.#withRow(live, (row) => {
      if (row.status === 'queued') {
        this.#beginRow(live, row);
        return;
      }
      const wakes = this.#reader.all(wakesOfRun, { run: row.key });
      this.#goOn(live, this.#catalog.byKey(row.version_key), row, this.#stepsOf(row), wakes, new Unit());
    });
  }

  #stepsOf(row: RunRow): StepRow[] {
    return this.#reader.all(stepsOfRun, { run: row.key });
  }

  /** Something that rests is due: a wait in a run, or the run itself. */
  #due(live: LiveRun): void {
    if (!live.begin) {
      this.wake(live);
      return;
    }
    if (this.#draining || !this.resting.has(live)) return;
    if (!this.turns.hasRoom) {
      this.#restAgain(live);
      return;
    }
    this.resting.remove(live);
    this.#withRow(live, (row) => {
      const { concurrency } = this.#catalog.byKey(row.version_key).compiled;
      if (concurrency?.on_limit === 'skip' && this.turns.isFull(live.line, concurrency)) {
        void this.#endQueued(live, 'system:chainbot', NO_ROOM).catch(() => undefined);
        return;
      }
      this.roster.queue(live);
      this.advance(live.line, concurrency);
    });
  }

  #restAgain(live: LiveRun): void {
    this.resting.add(live, [wakeForLater(live.key, { inMs: AGAIN_MS }, this.#ticks.now())]);
  }

  /** With the run's row; one that can't be run any more is given up, one that can't be read now is tried again. */
  #withRow(live: LiveRun, work: (row: RunRow) => void): void {
    let row: RunRow | undefined;
    try {
      row = this.#reader.get(runByKey, { key: live.key });
      if (!row) throw new Error('its row is gone');
      work(row);
    } catch (error) {
      if (error instanceof RetryableError) {
        this.#deps().log.warn({ err: error, run: live.id }, 'a run that is due can not be read now');
        this.#restAgain(live);
        return;
      }
      this.#deps().log.error({ err: error, run: live.id }, 'a run can no longer be run');
      this.roster.leave(live, undefined);
      if (row) void this.giveUp(row, error).catch(() => undefined);
    }
  }

  #goOn(
    live: LiveRun,
    version: RunnableVersion,
    row: RunRow,
    steps: readonly StepRow[],
    wakes: readonly WakeRow[],
    unit: Unit,
  ): void {
    const journal = new Journal(identity(live), steps, wakes);
    const isTask = (id: string): boolean => version.compiled.byId.get(id)?.kind === 'task';
    const interrupted = journal.interrupted(isTask);
    if (interrupted.length > 0) {
      unit.event(recoveredEvent(row, interrupted, this.clock.now()));
    }
    const facts = factsOf(row, version.compiled, row.started_at ?? row.created_at);
    const execution = new Execution(journal, facts, this.#deps(), {
      created: true,
      paused: row.status === 'paused',
      ending: row.ending,
    });
    this.#follow(live, execution, unit);
  }

  /** A run whose definition can no longer be read fails, and says why. */
  async giveUp(row: RunRow, error: unknown): Promise<void> {
    const unit = failedRun(row, errorRecord(error), this.clock.now());
    await this.#deps().writer.commit(unit);
  }

  /** Begins queued runs for which there is room; where newer ones replace older ones, those are told to end. */
  advance(line: string, concurrency: CompiledConcurrency | undefined): void {
    if (this.#draining) return;
    this.turns.advance(line, concurrency, (live, reason) => {
      void this.cancel(live, 'system:chainbot', reason).catch(() => undefined);
    });
  }

  #beginStored(live: LiveRun): void {
    this.#withRow(live, (row) => this.#beginRow(live, row));
  }

  #beginRow(live: LiveRun, row: RunRow): void {
    const { compiled } = this.#catalog.byKey(row.version_key);
    const steps = row.forked_from === null ? [] : this.#stepsOf(row);
    this.#beginQueued(live, factsOf(row, compiled, this.clock.now()), steps, row.start_at !== null);
  }

  /** A queued run's turn: its row says so with its first step's intent. */
  #beginQueued(live: LiveRun, facts: RunFacts, steps: readonly StepRow[], hasWake: boolean): void {
    const now = this.clock.now();
    const unit = begunQueued(live, facts.actor, hasWake, now);
    const journal = new Journal(identity(live), steps, []);
    const begun = { ...facts, startedAt: now };
    this.totals.started++;
    this.#follow(live, new Execution(journal, begun, this.#deps(), { created: true, paused: false }), unit);
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
      if (this.#running.get(live) === done) this.#running.delete(live);
      if (execution.isResting) return;
      if (ended) this.totals[ended.status]++;
      this.roster.leave(live, ended);
      this.#deps().signals.forget(live.key);
      this.advance(live.line, execution.facts.definition.concurrency);
    });
    this.#running.set(live, done);
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

  /**
   * Takes a run that waits or is paused out of whatever it is in; `goOnFromDisk` (or its queue) takes it back.
   * @throws RetryableError `run.acting` while a step of it is under way
   */
  async lift(live: LiveRun): Promise<void> {
    const { execution } = live;
    if (execution && (execution.acting > 0 || execution.status === 'running')) {
      throw new RetryableError('run.acting', `a step of run ${live.id} is under way`, {
        hint: 'Pause the run, or try again when it waits.',
        retryAfterMs: 1000,
      });
    }
    this.roster.unqueue(live);
    this.resting.remove(live);
    if (!execution) return;
    const done = this.#running.get(live);
    live.execution = undefined;
    execution.rest();
    await done;
    this.#deps().signals.forget(live.key);
  }

  /** Puts a lifted run back where its row says it is. */
  takeBack(live: LiveRun, row: RunRow): void {
    if (row.status !== 'queued') this.goOnFromDisk(live);
    else {
      const wakes = this.#reader.all(wakesOfRun, { run: row.key });
      if (wakes.length === 0) this.roster.queue(live);
      else if (!this.#draining) this.resting.add(live, wakes);
    }
  }

  /** Ends a run in whatever state it is; resolves when a queued one's end is on disk, else at once. */
  async cancel(live: LiveRun, actor: string, reason: string): Promise<void> {
    this.wake(live);
    if (live.execution) live.execution.cancel(actor, reason);
    else if (this.roster.unqueue(live) || this.resting.remove(live))
      await this.#endQueued(live, actor, reason);
  }

  /** Ends a run whose turn can no longer come. */
  async #endQueued(live: LiveRun, actor: string, reason: string): Promise<void> {
    const unit = cancelledQueued(live, { actor, reason }, this.clock.now());
    try {
      await persist(unit, this.#deps(), this.#stopping.signal);
    } catch (error) {
      this.roster.leave(live, undefined);
      throw error;
    }
    this.totals.cancelled++;
    this.roster.leave(live, { status: 'cancelled', output: null, error: null });
  }

  /** Stops all work: no new step, time for those under way, then an end; the journal keeps the rest. */
  async stop(graceMs: number): Promise<void> {
    this.#draining = true;
    this.resting.stop();
    const executions = this.roster.all().flatMap((live) => live.execution ?? []);
    await drained(executions, graceMs);
    this.#stopping.abort(new Interrupt('shutdown', 'ChainBot is stopping'));
    for (const execution of executions) execution.shutdown();
    await Promise.all(this.#running.values());
    for (const live of this.roster.all()) this.roster.leave(live, undefined);
  }
}

const SOON_MS = 1000;
/** A run that is due while there is no room for it, or no disk, is looked at again after this. */
const AGAIN_MS = 1000;
const NO_ROOM = 'when its time had come, as many runs as may be were under way';
