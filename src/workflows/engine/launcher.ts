import { eventRow } from '#bus/event-row.ts';
import type { Clock } from '#core/clock.ts';
import { errorRecord, RetryableError, TerminalError } from '#core/errors.ts';
import { newId } from '#core/ids.ts';
import { type Json, type JsonObject, toJsonText } from '#core/json.ts';
import { Unit } from '#store/unit.ts';
import type { RunnableVersion, WorkflowCatalog } from '../workflow-catalog.ts';
import { type Ended, Execution, type ExecutionDeps } from './execution.ts';
import { Interrupt } from './interrupt.ts';
import { Journal } from './journal.ts';
import { persist } from './persist.ts';
import { type LiveRun, Roster } from './roster.ts';
import { endEvent, runEvent } from './run-events.ts';
import { beginQueuedRun, finishRun, insertRun, type RunRow } from './run-table.ts';
import type { StepRow, WakeRow } from './steps-table.ts';

export interface LaunchLimits {
  /** Live runs, the waiting ones too; a further start is answered `engine.busy`. */
  readonly maxLive: number;
  readonly maxQueued: number;
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
  readonly totals = { started: 0, completed: 0, failed: 0, cancelled: 0 };
  readonly #catalog: WorkflowCatalog;
  readonly #limits: LaunchLimits;
  readonly #deps: () => ExecutionDeps;
  readonly #running = new Set<Promise<void>>();
  #lastKey = 0;
  #draining = false;
  #stopping = new AbortController();

  /** `deps` is asked once the parts that need each other exist. */
  constructor(catalog: WorkflowCatalog, limits: LaunchLimits, deps: () => ExecutionDeps) {
    this.#catalog = catalog;
    this.#limits = limits;
    this.#deps = deps;
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
    const { size, queued } = this.roster;
    const { maxLive, maxQueued } = this.#limits;
    if (!this.#draining && size - queued < maxLive && (queued === 0 || queued < maxQueued)) return;
    throw new RetryableError('engine.busy', `${size - queued} runs are live and ${queued} queue already`, {
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
    const run: NewRun = {
      version,
      input: JSON.parse(row.input) as Json,
      trigger: JSON.parse(row.trigger_data) as JsonObject,
      actor: row.actor,
    };
    if (row.status === 'queued') {
      const live: LiveRun = this.#live(row.key, row.id, version, () => this.#beginQueued(live, run));
      this.roster.queue(live);
      return live;
    }
    const live = this.#live(row.key, row.id, version, undefined);
    this.roster.enter(live);
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
    return live;
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
      const { execution } = live;
      if (execution) execution.cancel('system:chainbot', REPLACED);
      else void this.cancelQueued(live, 'system:chainbot', REPLACED).catch(() => undefined);
    }
  }

  /** Stops all work: no new step, time for those under way, then an end; the journal keeps the rest. */
  async stop(graceMs: number): Promise<void> {
    this.#draining = true;
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

  #live(key: number, id: string, of: RunnableVersion, begin: (() => void) | undefined): LiveRun {
    return {
      key,
      id,
      workflow: of.name,
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
    this.#follow(live, new Execution(journal, facts, this.#deps(), { created: true, paused: false }), unit);
  }

  #follow(live: LiveRun, execution: Execution, unit: Unit): void {
    live.execution = execution;
    this.totals.started++;
    const done = execution.run(unit).then((ended) => {
      if (ended) this.totals[ended.status]++;
      this.roster.leave(live, ended);
      this.#running.delete(done);
      this.#deps().signals.forget(live.key);
      this.advance(live.workflow, execution.facts.definition.concurrency);
    });
    this.#running.add(done);
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

function identity(
  live: LiveRun,
  version: RunnableVersion,
): { key: number; id: string; workflow: string; version: number } {
  return { key: live.key, id: live.id, workflow: live.workflow, version: version.version };
}
