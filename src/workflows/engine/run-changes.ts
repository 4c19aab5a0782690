import { type Actor, actorText } from '#core/actor.ts';
import { TerminalError } from '#core/errors.ts';
import type { Json, JsonObject } from '#core/json.ts';
import type { ReaderPort, WriterPort } from '#store/port.ts';
import { Unit } from '#store/unit.ts';
import { type Begun, prefixMismatch } from '../definition/step-tree.ts';
import type { ForkRun, RunStatus, RunSummary } from '../runs-port.ts';
import type { RunnableVersion, WorkflowCatalog } from '../workflow-catalog.ts';
import { forkPoint } from './fork-point.ts';
import type { Launcher } from './launcher.ts';
import { type LiveRun, lineName } from './roster.ts';
import { migrateEvent, runEvent } from './run-events.ts';
import type { RunStarts } from './run-starts.ts';
import { assertLegal, isLive } from './run-state.ts';
import { deleteRun, type RunRow, runByKey, setRunVersion } from './run-table.ts';
import { checkedInput } from './start-input.ts';
import { type StepRow, stepsOfRun } from './steps-table.ts';

/** What is done to a run's journal as a whole: forking it, moving it to another version, deleting it. */
export class RunChanges {
  readonly #store: { readonly reader: ReaderPort; readonly writer: WriterPort };
  readonly #catalog: WorkflowCatalog;
  readonly #launcher: Launcher;
  readonly #starts: RunStarts;

  constructor(
    store: { readonly reader: ReaderPort; readonly writer: WriterPort },
    catalog: WorkflowCatalog,
    launcher: Launcher,
    starts: RunStarts,
  ) {
    this.#store = store;
    this.#catalog = catalog;
    this.#launcher = launcher;
    this.#starts = starts;
  }

  /** @throws as RunsPort.fork */
  fork(row: RunRow, { step, input, version: wanted }: ForkRun, actor: Actor): Promise<RunSummary> {
    const own = this.#catalog.byKey(row.version_key);
    const version = wanted === undefined ? own : this.#catalog.runnable(row.workflow, wanted);
    const rows = step === undefined ? [] : this.#steps(row);
    const point =
      step === undefined
        ? { journal: [], reopened: [] }
        : forkPoint(row.id, rows, step, own.compiled, this.#launcher.clock.now());
    if (version.key !== own.key) assertPrefix(own, version, point.journal);
    const run = {
      version,
      input: checkedInput(version, input ?? (JSON.parse(row.input) as Json)),
      trigger: JSON.parse(row.trigger_data) as JsonObject,
      actor: actorText(actor),
      priority: row.priority,
      fork: { from: { key: row.key, id: row.id }, step: step ?? null, ...point },
    };
    return this.#starts.launch(run, new Unit());
  }

  /**
   * Takes the run out of memory, moves its row, and takes it back as it then stands on disk: refused, gone wrong
   * or cut off by the power, it goes on as what it was.
   * @throws as RunsPort.migrate
   */
  async migrate(live: LiveRun, row: RunRow, wanted: number | undefined, actor: Actor): Promise<void> {
    const version = this.#catalog.runnable(row.workflow, wanted);
    if (version.key === row.version_key) return;
    await this.#launcher.lift(live);
    live.isMoving = true;
    try {
      await this.#move(live, version, actor);
    } finally {
      live.isMoving = false;
      this.#takeBack(live);
    }
  }

  async #move(live: LiveRun, version: RunnableVersion, actor: Actor): Promise<void> {
    const row = this.#store.reader.get(runByKey, { key: live.key });
    if (!row) return;
    assertLegal('migrate', row.status as RunStatus, row.id);
    const from = this.#catalog.byKey(row.version_key);
    assertPrefix(from, version, this.#steps(row));
    const now = this.#launcher.clock.now();
    const moved = { ...row, version: version.version };
    const unit = new Unit()
      .add(setRunVersion, { key: row.key, version_key: version.key, status: row.status }, 1)
      .event(migrateEvent(moved, row.version, actorText(actor), now));
    await this.#store.writer.commit(unit);
  }

  #takeBack(live: LiveRun): void {
    const row = this.#store.reader.get(runByKey, { key: live.key });
    if (!row || !isLive(row.status as RunStatus)) {
      this.#launcher.roster.leave(live, undefined);
      return;
    }
    live.version = row.version;
    this.#launcher.takeBack(live, row);
    const { concurrency } = this.#catalog.byKey(row.version_key).compiled;
    this.#launcher.advance(lineName(row.workflow, row.line), concurrency);
  }

  /** @throws as RunsPort.delete */
  async delete(row: RunRow, actor: Actor): Promise<void> {
    const parent =
      row.parent_run === null ? undefined : this.#store.reader.get(runByKey, { key: row.parent_run });
    if (parent && isLive(parent.status as RunStatus) && row.parent_path !== null) {
      throw new TerminalError(
        'conflict',
        'run.in_use',
        `run ${parent.id} has started it, and is not at its end`,
        {
          hint: 'Delete it when that run has ended.',
        },
      );
    }
    const event = runEvent('chainbot.workflow.deleted', row, actorText(actor), this.#launcher.clock.now());
    await this.#store.writer.commit(new Unit().add(deleteRun, { key: row.key }, 1).event(event));
  }

  #steps(row: RunRow): StepRow[] {
    return this.#store.reader.all(stepsOfRun, { run: row.key });
  }
}

/** @throws TerminalError `run.version_mismatch` */
function assertPrefix(from: RunnableVersion, to: RunnableVersion, rows: readonly StepRow[]): void {
  const begun = new Map<string, Begun>();
  for (const { id, status } of rows) {
    const isOpen = status === 'running' || status === 'waiting';
    if (isOpen || !begun.has(id)) begun.set(id, isOpen ? 'open' : 'settled');
  }
  const reason = prefixMismatch(from.compiled.definition, to.compiled.definition, begun);
  if (reason === undefined) return;
  throw new TerminalError(
    'unprocessable',
    'run.version_mismatch',
    `what has run under version ${from.version} of "${from.name}" is different in version ${to.version}: ${reason}`,
    { hint: `See \`chainbot workflows diff ${from.name} ${from.version} ${to.version}\`.` },
  );
}
