import { eventRow } from '#bus/event-row.ts';
import { type Actor, actorText } from '#core/actor.ts';
import { RetryableError, TerminalError } from '#core/errors.ts';
import { type Json, toJsonText } from '#core/json.ts';
import type { ReaderPort, WriterPort } from '#store/port.ts';
import { Unit } from '#store/unit.ts';
import type {
  BulkRequest,
  ForkRun,
  RunDetail,
  RunFilter,
  RunStatus,
  RunSummary,
  RunsPort,
  RunVerb,
  StartRun,
} from '../runs-port.ts';
import type { WorkflowCatalog } from '../workflow-catalog.ts';
import type { Launcher } from './launcher.ts';
import { reopening } from './reopen.ts';
import { type LiveRun, lineName } from './roster.ts';
import { bulk } from './run-bulk.ts';
import { RunChanges } from './run-changes.ts';
import { runEvent } from './run-events.ts';
import { RunStarts } from './run-starts.ts';
import { assertLegal, LEGAL } from './run-state.ts';
import { pageOfRuns, pageOfWorkflow, type RunRow, reopenRun, runById } from './run-table.ts';
import { runDetail, runSummary } from './run-view.ts';
import { ShownRuns } from './shown-runs.ts';
import type { SignalBox } from './signal-box.ts';
import { countSignals, insertSignal } from './signals-table.ts';
import { stepsOfRun, stepsShown } from './steps-table.ts';

const MOST_SIGNALS = 1000;
const PATIENCE_MS = 10_000;
const NEWEST = Number.MAX_SAFE_INTEGER;

/** The verbs of runs, for every transport and trigger. */
export class Runs implements RunsPort {
  readonly #store: { readonly reader: ReaderPort; readonly writer: WriterPort };
  readonly #catalog: WorkflowCatalog;
  readonly #launcher: Launcher;
  readonly #signals: SignalBox;
  readonly #starts: RunStarts;
  readonly #changes: RunChanges;

  readonly #shown = new ShownRuns();

  constructor(
    store: { readonly reader: ReaderPort; readonly writer: WriterPort },
    catalog: WorkflowCatalog,
    launcher: Launcher,
    signals: SignalBox,
  ) {
    this.#store = store;
    this.#catalog = catalog;
    this.#launcher = launcher;
    this.#signals = signals;
    this.#starts = new RunStarts(store, catalog, launcher);
    this.#changes = new RunChanges(store, catalog, launcher, this.#starts);
  }

  /** `also` adds a trigger's own facts (its cursor) to the unit that creates the run. */
  start(start: StartRun, also?: (unit: Unit) => void): Promise<RunSummary & { readonly replayed: boolean }> {
    return this.#starts.start(start, also);
  }

  verbs(): typeof LEGAL {
    return LEGAL;
  }

  fork(id: string, fork: ForkRun, actor: Actor): Promise<RunSummary> {
    const row = this.#row(id);
    assertLegal('fork', row.status as RunStatus, id);
    return this.#changes.fork(row, fork, actor);
  }

  async migrate(id: string, version: number | undefined, actor: Actor): Promise<RunSummary> {
    const row = this.#row(id);
    assertLegal('migrate', row.status as RunStatus, id);
    await this.#legally('migrate', id, () =>
      this.#changes.migrate(this.#loaded(row, 'migrate'), row, version, actor),
    );
    return runSummary(this.#row(id));
  }

  async delete(id: string, actor: Actor): Promise<void> {
    const row = this.#row(id);
    assertLegal('delete', row.status as RunStatus, id);
    await this.#legally('delete', id, () => this.#changes.delete(row, actor));
  }

  bulk(request: BulkRequest, actor: Actor): ReturnType<RunsPort['bulk']> {
    return bulk(this, request, actor);
  }

  /** The workflow of a run, undefined when there is no such run. */
  workflowOf(id: string): string | undefined {
    return this.#launcher.roster.get(id)?.workflow ?? this.#store.reader.get(runById, { id })?.workflow;
  }

  list(filter: RunFilter): { readonly runs: readonly RunSummary[]; readonly next: string | null } {
    const statuses = filter.status && filter.status.length > 0 ? JSON.stringify(filter.status) : null;
    const wanted = { before: readCursor(filter.cursor), statuses, limit: filter.limit + 1 };
    const { workflow } = filter;
    const { reader } = this.#store;
    const rows =
      workflow === undefined
        ? reader.all(pageOfRuns, wanted)
        : reader.all(pageOfWorkflow, { ...wanted, workflow });
    const page = rows.slice(0, filter.limit);
    const last = page.at(-1);
    return {
      runs: page.map(runSummary),
      next: rows.length > page.length && last ? last.key.toString(36) : null,
    };
  }

  get(id: string): RunDetail {
    const { reader } = this.#store;
    return this.#shown.get(id, reader.version(), () => {
      const row = this.#row(id);
      return runDetail(row, reader.all(stepsShown, { run: row.key }));
    });
  }

  async cancel(id: string, actor: Actor, { now = false } = {}): Promise<RunSummary> {
    const row = this.#row(id);
    assertLegal('cancel', row.status as RunStatus, id);
    const live = this.#live(row, 'cancel');
    await this.#launcher.cancel(live, actorText(actor), 'cancelled');
    if (now) live.execution?.stopCleaning();
    const { promise: ended } = live.ended;
    // What cleans up may take as long as it likes: that it does is on disk then.
    await patiently(now || !live.execution ? ended : Promise.race([ended, live.execution.cleaning]));
    return runSummary(this.#row(id));
  }

  async pause(id: string, actor: Actor): Promise<RunSummary> {
    const row = this.#row(id);
    assertLegal('pause', row.status as RunStatus, id);
    await this.#legally('pause', id, async () => this.#live(row, 'pause').execution?.pause(actor));
    return runSummary(this.#row(id));
  }

  async resume(id: string, actor: Actor): Promise<RunSummary> {
    const row = this.#row(id);
    assertLegal('resume', row.status as RunStatus, id);
    await this.#legally('resume', id, async () => this.#live(row, 'resume').execution?.resume(actor));
    return runSummary(this.#row(id));
  }

  async retry(id: string, actor: Actor): Promise<RunSummary> {
    const row = this.#row(id);
    assertLegal('retry', row.status as RunStatus, id);
    this.#launcher.assertRoom();
    const version = this.#catalog.byKey(row.version_key);
    const { compiled } = version;
    this.#launcher.turns.assertTurn(lineName(row.workflow, row.line), compiled.concurrency);
    const now = this.#launcher.clock.now();
    const unit = new Unit().add(reopenRun, { key: row.key, started_at: now }, 1);
    const steps = this.#store.reader.all(stepsOfRun, { run: row.key });
    const kept = reopening(row.key, steps, compiled, now, unit);
    unit.event(runEvent('chainbot.workflow.retried', row, actorText(actor), now));
    await this.#legally('retry', id, () => this.#store.writer.commit(unit));
    this.#launcher.pickUp({ ...row, status: 'running', started_at: now }, kept, [], new Unit());
    return runSummary(this.#row(id));
  }

  async signal(id: string, name: string, payload: Json, actor: Actor): Promise<RunSummary> {
    const row = this.#row(id);
    assertLegal('signal', row.status as RunStatus, id);
    const waiting = Number(this.#store.reader.get(countSignals, { run: row.key })?.count ?? 0);
    if (waiting >= MOST_SIGNALS) {
      throw new TerminalError(
        'conflict',
        'run.too_many_signals',
        `${waiting} signals wait for run ${id} already`,
        {
          hint: 'Nothing in this run takes them. Check the name that its `wait` asks for.',
        },
      );
    }
    const now = this.#launcher.clock.now();
    const data = { run: id, workflow: row.workflow, version: row.version, name };
    const execution = this.#launcher.roster.get(row.id)?.execution;
    if (execution) execution.mayHaveSignals = true;
    const unit = new Unit()
      .add(insertSignal, { run: row.key, name, payload: toJsonText(payload), created_at: now }, 1)
      .event(eventRow('chainbot.workflow.signalled', `run/${id}`, actorText(actor), data, now));
    await this.#legally('signal', id, () => this.#store.writer.commit(unit));
    this.#signals.notify(row.key, name);
    const resting = this.#launcher.roster.get(row.id);
    if (resting) this.#launcher.wake(resting);
    return runSummary(this.#row(id));
  }

  #row(id: string): RunRow {
    const row = this.#store.reader.get(runById, { id: id.toLowerCase() });
    if (row) return row;
    throw new TerminalError('not_found', 'run.not_found', `there is no run ${id}`, {
      hint: 'See `chainbot runs list`.',
    });
  }

  /** The run may have moved on while the verb was on its way to the disk: then that is said. */
  async #legally(verb: RunVerb, id: string, work: () => Promise<unknown>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (error instanceof TerminalError && error.code === 'store.guard')
        assertLegal(verb, this.#row(id).status as RunStatus, id);
      throw error;
    }
  }

  #live(row: RunRow, verb: RunVerb): LiveRun {
    const live = this.#loaded(row, verb);
    this.#launcher.wake(live);
    return live;
  }

  #loaded(row: RunRow, verb: RunVerb): LiveRun {
    const live = this.#launcher.roster.get(row.id);
    if (live && !live.isMoving) return live;
    throw new RetryableError(
      'run.not_loaded',
      `run ${row.id} is ending, moving or not loaded: no ${verb} now`,
      {
        hint: 'Look at it again in a moment.',
        retryAfterMs: 1000,
      },
    );
  }
}

function readCursor(cursor: string | undefined): number {
  if (cursor === undefined) return NEWEST;
  const key = /^[0-9a-z]{1,11}$/.test(cursor) ? Number.parseInt(cursor, 36) : Number.NaN;
  if (Number.isSafeInteger(key)) return key;
  throw new TerminalError('invalid', 'cursor.invalid', `"${cursor.slice(0, 40)}" is not a cursor`, {
    hint: 'Use the `next` of the page before, as it is.',
  });
}

/** A cancel whose end can't be written (a full disk) is answered, not waited for without end. */
async function patiently(ended: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const hint = 'The run has stopped working; its end is written as soon as the disk takes it.';
      reject(
        new RetryableError('run.end_not_written', 'the cancelled run could not be written yet', {
          hint,
          retryAfterMs: 5000,
        }),
      );
    }, PATIENCE_MS);
  });
  try {
    await Promise.race([ended, late]);
  } finally {
    clearTimeout(timer);
  }
}
