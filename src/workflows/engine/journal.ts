import { eventRow } from '#bus/event-row.ts';
import type { ErrorRecord } from '#core/errors.ts';
import type { Json } from '#core/json.ts';
import type { Unit } from '#store/unit.ts';
import { type OutputFile, type OutputFiles, readReference } from './output-files.ts';
import {
  deleteWake,
  endStep,
  insertStep,
  insertWake,
  reopenStep,
  type StepRow,
  setStepDetail,
  stepAgain,
  stepPauses,
  type WakeRow,
} from './steps-table.ts';

export interface RunIdentity {
  readonly key: number;
  readonly id: string;
  readonly workflow: string;
  readonly version: number;
}

interface StepName {
  readonly id: string;
  readonly type: string;
}

interface Attempted extends StepName {
  readonly path: string;
  readonly attempt: number;
  readonly startedAt: number;
}

/**
 * One run's journal: what is known of its steps from before, and how each fact about a step is put into a
 * unit of work. It never commits.
 */
export class Journal {
  readonly run: RunIdentity;
  /** Where large outputs go; absent: they stay in the journal. */
  outputs: OutputFiles | undefined;
  /** Large outputs in units that are not committed yet, not yet written. */
  readonly files: OutputFile[] = [];
  readonly #known: Map<string, StepRow>;
  readonly #wakes: Map<string, WakeRow>;
  readonly #actor: string;
  readonly #subject: string;
  #ordinal: number;
  #prefixes: Set<string> | undefined;

  constructor(run: RunIdentity, known: readonly StepRow[], wakes: readonly WakeRow[]) {
    this.run = run;
    this.#known = new Map(known.map((row) => [row.path, row]));
    this.#wakes = new Map(wakes.map((row) => [row.path, row]));
    this.#actor = `run:${run.id}`;
    this.#subject = `run/${run.id}`;
    this.#ordinal = known.reduce((most, row) => Math.max(most, row.ordinal), 0);
  }

  /** What was on disk of this step when the run was picked up; undefined in a fresh run. */
  known(path: string): StepRow | undefined {
    return this.#known.get(path);
  }

  /** All that was on disk, in no order. */
  allKnown(): Iterable<StepRow> {
    return this.#known.values();
  }

  wake(path: string): WakeRow | undefined {
    return this.#wakes.get(path);
  }

  /** Is there anything below this path, such as an iteration that had begun? */
  hasBelow(prefix: string): boolean {
    if (this.#known.size === 0) return false;
    this.#prefixes ??= prefixesOf(this.#known.keys());
    return this.#prefixes.has(prefix);
  }

  /** Paths of `run_workflow` steps below a path that had begun and not ended. */
  openRunsBelow(prefix: string): string[] {
    return [...this.#known.values()]
      .filter((row) => row.type === 'run_workflow' && row.status === 'running')
      .map((row) => row.path)
      .filter((path) => path.startsWith(`${prefix}/`));
  }

  /** Was there a `try` below this path that had not ended? */
  hasOpenTryBelow(prefix: string): boolean {
    for (const row of this.#known.values()) {
      if (row.type === 'try' && row.status === 'running' && row.path.startsWith(`${prefix}/`)) return true;
    }
    return false;
  }

  /** Steps that were under way when the daemon ended. */
  interrupted(isTask: (id: string) => boolean): string[] {
    return [...this.#known.values()]
      .filter((row) => row.status === 'running' && isTask(row.id))
      .map((row) => row.path);
  }

  begin(
    unit: Unit,
    step: StepName,
    path: string,
    status: 'running' | 'waiting',
    at: number,
    detail?: string,
  ): void {
    this.#insert(unit, step, path, { status, attempts: 1, started_at: at, detail: detail ?? null });
  }

  again(unit: Unit, path: string, attempt: number): void {
    unit.add(stepAgain, { run: this.run.key, path, attempts: attempt }, 1);
    unit.add(deleteWake, { run: this.run.key, path });
  }

  detail(unit: Unit, path: string, detail: string): void {
    unit.add(setStepDetail, { run: this.run.key, path, detail }, 1);
  }

  wakeUp(unit: Unit, path: string, wake: Omit<WakeRow, 'run' | 'path'>): void {
    unit.add(insertWake, { run: this.run.key, path, ...wake });
  }

  wokenUp(unit: Unit, path: string): void {
    unit.add(deleteWake, { run: this.run.key, path });
  }

  /** `output` is JSON text. */
  complete(unit: Unit, step: Attempted, output: string, at: number): void {
    unit.add(
      endStep,
      {
        ...{ run: this.run.key, path: step.path, status: 'completed' },
        output: this.keep(unit, output),
        error: null,
        ended_at: at,
      },
      1,
    );
    const data = { ...this.#data(step), duration_ms: at - step.startedAt };
    unit.event(eventRow('chainbot.step.completed', this.#subject, this.#actor, data, at));
  }

  /** What the journal is to hold of an output (JSON text): a large one becomes a file. */
  keep(unit: Unit, output: string): string {
    if (!this.outputs) return output;
    const { stored, file } = this.outputs.keep(output, this.run.key, unit);
    if (file) this.files.push(file);
    return stored;
  }

  /** Its output is in a file. */
  isInFile(row: StepRow): boolean {
    return this.outputs !== undefined && row.output !== null && readReference(row.output) !== undefined;
  }

  /** A step's stored output as a value. @throws TerminalError `output.file_missing`, `output.file_changed` */
  output({ output }: StepRow): Json {
    if (output === null) return null;
    return this.outputs ? this.outputs.value(output) : (JSON.parse(output) as Json);
  }

  /** A step that is over as soon as it begins. `output` is JSON text. */
  settle(unit: Unit, step: StepName, path: string, output: string, at: number): void {
    const row = { status: 'completed', attempts: 1, started_at: at, ended_at: at, output };
    this.#insert(unit, step, path, row);
    const data = { ...this.#data({ ...step, path, attempt: 1, startedAt: at }), duration_ms: 0 };
    unit.event(eventRow('chainbot.step.completed', this.#subject, this.#actor, data, at));
  }

  /** Notes that a step can be undone; returns its place in the order of completion. */
  mayUndo(unit: Unit, path: string, at: number): number {
    const row = { status: 'skipped', attempts: 0, started_at: at, ended_at: at };
    this.#insert(unit, { id: 'undo', type: 'undo' }, path, row);
    return this.#ordinal;
  }

  /** An undo begins: its row, put down when the step completed, is open now. */
  undoes(unit: Unit, path: string, at: number): void {
    unit.add(reopenStep, { run: this.run.key, path, started_at: at }, 1);
  }

  fail(unit: Unit, step: Attempted, error: ErrorRecord, at: number): void {
    const row = {
      run: this.run.key,
      path: step.path,
      status: 'failed',
      output: null,
      error: JSON.stringify(error),
      ended_at: at,
    };
    unit.add(endStep, row, 1);
    unit.add(deleteWake, { run: this.run.key, path: step.path });
    const data = { ...this.#data(step), duration_ms: at - step.startedAt, error };
    unit.event(eventRow('chainbot.step.failed', this.#subject, this.#actor, data, at));
  }

  /** A step that failed before it could begin (its `when` or its fields). */
  failUnbegun(unit: Unit, step: StepName, path: string, error: ErrorRecord, at: number): void {
    this.#insert(unit, step, path, {
      status: 'failed',
      attempts: 0,
      started_at: at,
      ended_at: at,
      error: JSON.stringify(error),
    });
    const data = { ...this.#data({ ...step, path, attempt: 0, startedAt: at }), duration_ms: 0, error };
    unit.event(eventRow('chainbot.step.failed', this.#subject, this.#actor, data, at));
  }

  skip(unit: Unit, step: StepName, path: string, reason: string, at: number): void {
    this.#insert(unit, step, path, { status: 'skipped', attempts: 0, started_at: at, ended_at: at });
    const data = { ...this.#data({ ...step, path, attempt: 0, startedAt: at }), reason };
    unit.event(eventRow('chainbot.step.skipped', this.#subject, this.#actor, data, at));
  }

  /** A step that was under way and is given up on: its row exists already. */
  skipBegun(unit: Unit, step: Attempted, reason: string, at: number): void {
    const row = {
      run: this.run.key,
      path: step.path,
      status: 'skipped',
      output: null,
      error: null,
      ended_at: at,
    };
    unit.add(endStep, row, 1);
    unit.event(
      eventRow('chainbot.step.skipped', this.#subject, this.#actor, { ...this.#data(step), reason }, at),
    );
  }

  cancel(unit: Unit, path: string, at: number): void {
    unit.add(endStep, {
      run: this.run.key,
      path,
      status: 'cancelled',
      output: null,
      error: null,
      ended_at: at,
    });
    unit.add(deleteWake, { run: this.run.key, path });
  }

  /** An attempt failed; `history` is the JSON of all that failed so far. */
  pause(
    unit: Unit,
    step: Attempted,
    error: ErrorRecord,
    history: string,
    retryInMs: number,
    dueTick: number,
    at: number,
  ): void {
    unit.add(stepPauses, { run: this.run.key, path: step.path, history, error: JSON.stringify(error) }, 1);
    this.wakeUp(unit, step.path, {
      kind: 'retry',
      due_tick: dueTick,
      due_at: null,
      match: null,
      after_seq: null,
      deadline_at: null,
    });
    const data = { ...this.#data(step), error, retry_in_ms: retryInMs };
    unit.event(eventRow('chainbot.step.retrying', this.#subject, this.#actor, data, at));
  }

  waiting(unit: Unit, step: Attempted, what: string): void {
    unit.event(
      eventRow(
        'chainbot.step.waiting',
        this.#subject,
        this.#actor,
        { ...this.#data(step), for: what },
        step.startedAt,
      ),
    );
  }

  #data(step: Attempted): { run: string; path: string; type: string; attempt: number } {
    return { run: this.run.id, path: step.path, type: step.type, attempt: step.attempt };
  }

  #insert(
    unit: Unit,
    step: StepName,
    path: string,
    row: {
      status: string;
      attempts: number;
      started_at: number;
      detail?: string | null;
      ended_at?: number;
      error?: string;
      output?: string;
    },
  ): void {
    unit.add(insertStep, {
      run: this.run.key,
      path,
      ordinal: ++this.#ordinal,
      id: step.id,
      type: step.type,
      status: row.status,
      attempts: row.attempts,
      detail: row.detail ?? null,
      output: row.output ?? null,
      error: row.error ?? null,
      started_at: row.started_at,
      ended_at: row.ended_at ?? null,
    });
  }
}

/** Every path that something lies below. */
function prefixesOf(paths: Iterable<string>): Set<string> {
  const prefixes = new Set<string>();
  for (const path of paths) {
    for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1)) {
      const prefix = path.slice(0, end);
      if (prefixes.has(prefix)) break;
      prefixes.add(prefix);
    }
  }
  return prefixes;
}
