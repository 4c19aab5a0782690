import { type ErrorRecord, TerminalError } from '#core/errors.ts';
import type { Json } from '#core/json.ts';
import type { ReaderPort } from '#store/port.ts';
import type { Unit } from '#store/unit.ts';
import type { RunnableVersion, WorkflowCatalog } from '../workflow-catalog.ts';
import type { ChildRun, ChildRuns } from './child-runs.ts';
import { Interrupt } from './interrupt.ts';
import type { Launcher } from './launcher.ts';
import type { NewRun } from './new-run.ts';
import type { OutputFiles } from './output-files.ts';
import type { Ended } from './run-facts.ts';
import { type RunRow, runByKey, runByParent } from './run-table.ts';
import { parsed } from './run-view.ts';
import { checkedInput } from './start-input.ts';

/** Runs within runs at most. */
const MOST_DEPTH = 8;

/** Runs started by `run_workflow` steps. */
export class Children implements ChildRuns {
  readonly #reader: ReaderPort;
  readonly #catalog: WorkflowCatalog;
  readonly #launcher: Launcher;
  readonly #outputs: OutputFiles | undefined;

  constructor(reader: ReaderPort, catalog: WorkflowCatalog, launcher: Launcher, outputs?: OutputFiles) {
    this.#outputs = outputs;
    this.#reader = reader;
    this.#catalog = catalog;
    this.#launcher = launcher;
  }

  prepare(
    parent: { key: number; id: string; workflow: string },
    path: string,
    workflow: string,
    input: Json,
    unit: Unit,
  ): ChildRun {
    const version = this.#catalog.runnable(workflow);
    this.#assertDepth(parent, version);
    const run: NewRun = {
      version,
      input: checkedInput(version, input),
      trigger: { type: 'workflow', run: parent.id, path },
      actor: `run:${parent.id}`,
      parent: { key: parent.key, path },
    };
    const launch = this.#launcher.create(run, unit);
    return {
      id: launch.live.id,
      admit: () => {
        if (launch.queued) this.#launcher.arrive(launch, version.compiled.concurrency);
        else this.#launcher.begin(launch, run, true);
      },
      abandon: (pending) => this.#launcher.abandon(launch, pending),
      ended: async () => endOf(await launch.live.ended.promise),
    };
  }

  find(parent: { key: number }, path: string): ChildRun | undefined {
    const row = this.#reader.get(runByParent, { run: parent.key, path });
    if (!row) return undefined;
    const ended = async (): Promise<Ended> => {
      const live = this.#launcher.roster.get(row.id);
      if (live) return endOf(await live.ended.promise);
      // It may have ended since this step was picked up.
      return storedEnd(this.#reader.get(runByKey, { key: row.key }) ?? row, this.#outputs);
    };
    const abandon = (): void => this.cancel(row.id, 'the run that started it gave up');
    return { id: row.id, admit: () => undefined, abandon, ended };
  }

  cancel(id: string, reason: string): void {
    const live = this.#launcher.roster.get(id);
    if (live) void this.#launcher.cancel(live, 'system:chainbot', reason).catch(() => undefined);
  }

  #assertDepth(parent: { key: number; workflow: string }, version: RunnableVersion): void {
    const { name: workflow, compiled } = version;
    // The parent's own row may not be on disk yet: it is known by its name.
    if (compiled.concurrency && parent.workflow === workflow) throw waitsForItself(workflow);
    let row = this.#reader.get(runByKey, { key: parent.key });
    for (let depth = 1; row; depth++) {
      if (depth >= MOST_DEPTH) {
        throw new TerminalError('unprocessable', 'run.too_deep', `${MOST_DEPTH} runs are nested already`, {
          hint: 'Does a workflow start itself through run_workflow?',
        });
      }
      if (compiled.concurrency && row.workflow === workflow) throw waitsForItself(workflow);
      row = row.parent_run === null ? undefined : this.#reader.get(runByKey, { key: row.parent_run });
    }
  }
}

function waitsForItself(workflow: string): TerminalError {
  return new TerminalError('unprocessable', 'run.waits_for_itself', `"${workflow}" would wait for itself`, {
    hint: 'A workflow with a concurrency limit cannot start itself, directly or through others.',
  });
}

function endOf(ended: Ended | undefined): Ended {
  if (ended) return ended;
  throw new Interrupt('shutdown', 'ChainBot is stopping');
}

function storedEnd(row: RunRow, outputs: OutputFiles | undefined): Ended {
  const { status, output, error } = row;
  return {
    status: status as Ended['status'],
    output: outputs && output !== null ? outputs.value(output) : parsed<Json>(output),
    error: parsed<ErrorRecord>(error),
  };
}
