import { eventRow } from '#bus/event-row.ts';
import type { Clock } from '#core/clock.ts';
import { errorRecord, RetryableError, TerminalError } from '#core/errors.ts';
import { newId } from '#core/ids.ts';
import { type Json, type JsonObject, toJsonText } from '#core/json.ts';
import { Unit } from '#store/unit.ts';
import type { RunnableVersion, WorkflowCatalog } from '../workflow-catalog.ts';
import { type Ended, Execution, type ExecutionDeps } from './execution.ts';
import { Journal } from './journal.ts';
import { persist } from './persist.ts';
import { type LiveRun, Roster } from './roster.ts';
import {
  beginQueuedRun,
  finishRun,
  insertRun,
  type RunRow,
  type StepRow,
  type WakeRow,
} from './run-table.ts';

export interface LaunchLimits {
  /** Live runs, the waiting ones too; a further start is answered `engine.busy`. */
  readonly maxLive: number;
  readonly maxQueued: number;
}

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

  /** `deps` is asked once the parts that need each other exist. */
  constructor(catalog: WorkflowCatalog, limits: LaunchLimits, deps: () => ExecutionDeps) {
    this.#catalog = catalog;
    this.#limits = limits;
    this.#deps = deps;
  }

  open(lastKey: number): void {
    this.#lastKey = lastKey;
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
    unit.event(eventRow(type, `run/${id}`, run.actor, { run: id, workflow, version }, now));
    const live = this.#live(key, id, workflow, queued ? () => this.#beginQueued(live, run) : undefined);
    if (queued) this.roster.queue(live);
    else this.roster.enter(live);
    return { live, unit, queued, createdAt: now };
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
  abandon({ live }: Launch, pending: Unit): void {
    const now = this.clock.now();
    pending.add(finishRun, { key: live.key, status: 'cancelled', output: null, error: null, ended_at: now });
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
      const live: LiveRun = this.#live(row.key, row.id, row.workflow, () => this.#beginQueued(live, run));
      this.roster.queue(live);
      return live;
    }
    const live = this.#live(row.key, row.id, row.workflow, undefined);
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
    const data = {
      run: row.id,
      workflow: row.workflow,
      version: row.version,
      duration_ms: now - row.created_at,
      error: record,
    };
    const unit = new Unit()
      .add(
        finishRun,
        { key: row.key, status: 'failed', output: null, error: JSON.stringify(record), ended_at: now },
        1,
      )
      .event(eventRow('chainbot.workflow.failed', `run/${row.id}`, 'system:chainbot', data, now));
    await this.#deps().writer.commit(unit);
  }

  /** Begins queued runs for which there is room. */
  advance(workflow: string, max: number): void {
    if (!this.#draining) this.roster.advance(workflow, max);
  }

  /** Stops all work: no new step, time for those under way, then an end; the journal keeps the rest. */
  async stop(graceMs: number): Promise<void> {
    this.#draining = true;
    const executions = this.roster.all().flatMap((live) => live.execution ?? []);
    for (const execution of executions) execution.drain();
    const deadline = Date.now() + graceMs;
    while (Date.now() < deadline && executions.some((execution) => execution.acting > 0)) {
      await new Promise((resolve) => setTimeout(resolve, 15));
    }
    for (const execution of executions) execution.shutdown();
    await Promise.all(this.#running);
    for (const live of this.roster.all()) this.roster.leave(live, undefined);
  }

  #mustQueue({ name, compiled }: RunnableVersion): boolean {
    const { concurrency } = compiled;
    if (!concurrency || this.roster.activeOf(name) < concurrency.max) return false;
    if (concurrency.on_limit === 'queue') return true;
    if (concurrency.on_limit === 'replace') {
      this.roster.oldestOf(name)?.execution?.cancel('system:chainbot', 'a newer run replaced it');
      return true;
    }
    throw new TerminalError(
      'conflict',
      'run.limit',
      `${concurrency.max} runs of "${name}" are under way; it takes no more`,
      {
        hint: 'Its `concurrency.on_limit` is `skip`; `queue` would let this one wait.',
      },
    );
  }

  #live(key: number, id: string, workflow: string, begin: (() => void) | undefined): LiveRun {
    return {
      key,
      id,
      workflow,
      begin,
      execution: undefined,
      ended: Promise.withResolvers<Ended | undefined>(),
    };
  }

  /** A queued run's turn: its row says so with its first step's intent. */
  #beginQueued(live: LiveRun, run: NewRun): void {
    const now = this.clock.now();
    const { name: workflow, version } = run.version;
    const unit = new Unit()
      .add(beginQueuedRun, { key: live.key, started_at: now }, 1)
      .event(
        eventRow(
          'chainbot.workflow.started',
          `run/${live.id}`,
          run.actor,
          { run: live.id, workflow, version },
          now,
        ),
      );
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
      const max = execution.facts.definition.concurrency?.max ?? Number.POSITIVE_INFINITY;
      this.advance(live.workflow, max);
    });
    this.#running.add(done);
  }

  /** Cancels a run that only queues. */
  async cancelQueued(live: LiveRun, row: RunRow, actor: string): Promise<void> {
    const now = this.clock.now();
    const data = {
      run: row.id,
      workflow: row.workflow,
      version: row.version,
      duration_ms: 0,
      reason: 'cancelled',
    };
    const unit = new Unit()
      .add(finishRun, { key: row.key, status: 'cancelled', output: null, error: null, ended_at: now }, 1)
      .event(eventRow('chainbot.workflow.cancelled', `run/${row.id}`, actor, data, now));
    const { writer, clock, log } = this.#deps();
    await persist(unit, { writer, clock, log }, new AbortController().signal);
    this.totals.cancelled++;
    this.roster.leave(live, { status: 'cancelled', output: null, error: null });
  }
}

function identity(
  live: LiveRun,
  version: RunnableVersion,
): { key: number; id: string; workflow: string; version: number } {
  return { key: live.key, id: live.id, workflow: live.workflow, version: version.version };
}
