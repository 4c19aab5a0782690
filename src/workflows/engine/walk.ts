import type { ErrorRecord } from '#core/errors.ts';
import { errorRecord } from '#core/errors.ts';
import type { Json } from '#core/json.ts';
import type { CompiledDefinition, CompiledStep, TryStep } from '../definition/compiled.ts';
import { evaluateCondition } from '../expressions/expression.ts';
import type { StepView } from '../expressions/scope.ts';
import type { StepStatus } from '../runs-port.ts';
import { runApproval } from './approval-step.ts';
import { runChild } from './child-step.ts';
import { runCondition } from './condition-step.ts';
import { withDeadline } from './deadline.ts';
import type { Execution } from './execution.ts';
import { Interrupt, StepFailure } from './interrupt.ts';
import { begunRounds, runLoop } from './loop-step.ts';
import { runBranches, runParallel } from './parallel-step.ts';
import { type Position, SKIPPED } from './position.ts';
import type { RunScope } from './run-facts.ts';
import { runSet } from './set-step.ts';
import type { StepRow } from './steps-table.ts';
import type { Strand } from './strand.ts';
import { runSwitch } from './switch-step.ts';
import { runTask } from './task-step.ts';
import { roundsOf, runTry } from './try-step.ts';
import { Undos } from './undo.ts';
import { runWait } from './wait-step.ts';

/**
 * Walks a definition's tree. A fresh run and a recovered one take the same way: a step whose result is in the
 * journal is passed by, one that was under way is decided by its `on_interrupt`, the rest runs.
 */
export class Walk {
  readonly execution: Execution;
  #undos: Undos | undefined;
  #undoable: boolean | undefined;

  constructor(execution: Execution) {
    this.execution = execution;
  }

  /** What has completed and can be undone. */
  get undos(): Undos {
    this.#undos ??= new Undos(this);
    return this.#undos;
  }

  get #hasUndo(): boolean {
    this.#undoable ??= [...this.execution.facts.definition.byId.values()].some(({ undo }) => undo.length > 0);
    return this.#undoable;
  }

  /** The top level, by the definition's mode. Returns the last step's output. */
  async main(definition: CompiledDefinition, scope: RunScope, strand: Strand): Promise<Json> {
    if (definition.mode === 'parallel') {
      const branches = definition.steps.map((step) => ({ name: step.id, steps: [step] }));
      return (
        await runBranches(
          this,
          { branches, needed: branches.length, prefix: undefined, won: [] },
          scope,
          strand,
        )
      ).outputs;
    }
    if (definition.mode === 'conditional') return this.#firstThatApplies(definition.steps, scope, strand);
    return this.sequence(definition.steps, scope, '', strand);
  }

  /** Runs steps one after the other; the last one's output (null when none ran). */
  async sequence(
    steps: readonly CompiledStep[],
    scope: RunScope,
    prefix: string,
    strand: Strand,
  ): Promise<Json> {
    let last: Json | StoredOutput = null;
    for (const step of steps) {
      const output = await this.step(step, scope, prefix, strand);
      if (output !== SKIPPED) last = output;
    }
    return last instanceof StoredOutput ? last.value : last;
  }

  async step(step: CompiledStep, scope: RunScope, prefix: string, strand: Strand): Promise<Output> {
    const path = prefix === '' ? step.id : `${prefix}/${step.id}`;
    const known = this.execution.journal.known(path);
    const at: Position = { step, path, scope, strand, known };
    try {
      if (known && isSettled(known)) return this.#replayed(at, known);
      if (strand.signal.aborted && (!known || ALONE.has(step.kind))) {
        throw strand.signal.reason; // what had begun of the others may have to be cleaned up
      }
      if (this.execution.isHeld) await this.execution.turn(strand);
      if (!known && step.when && !this.#applies(at)) {
        this.execution.journal.skip(strand.unit, step, path, 'its `when` was false', this.#now());
        return this.#show(at, SKIPPED, 'skipped', null);
      }
      const output = await this.#dispatch(at);
      if (step.undo.length > 0 && output !== SKIPPED) this.undos.completed(at);
      return this.#show(at, output, output === SKIPPED ? 'skipped' : 'completed', null);
    } catch (error) {
      return this.#handle(at, error);
    }
  }

  /** The record of a failure that could not begin its step; the row is put into the unit. */
  failUnbegun(at: Position, error: unknown): StepFailure {
    const record = errorRecord(error);
    this.execution.journal.failUnbegun(at.strand.unit, at.step, at.path, record, this.#now());
    return new StepFailure(record, at.path);
  }

  async #firstThatApplies(steps: readonly CompiledStep[], scope: RunScope, strand: Strand): Promise<Json> {
    for (const step of steps) {
      const output = await this.step(step, scope, '', strand);
      if (output !== SKIPPED) return output instanceof StoredOutput ? output.value : output;
    }
    return null;
  }

  #dispatch(at: Position): Promise<Json | typeof SKIPPED> {
    const { step } = at;
    switch (step.kind) {
      case 'task':
        return runTask(this, { ...at, step });
      case 'condition':
        return withDeadline(this, at, (inner) => runCondition(this, { ...inner, step }));
      case 'loop':
        return withDeadline(this, at, (inner) => runLoop(this, { ...inner, step }));
      case 'parallel':
        return withDeadline(this, at, (inner) => runParallel(this, { ...inner, step }));
      case 'wait':
        return withDeadline(this, at, (inner) => runWait(this, { ...inner, step }), step.fallback);
      case 'run_workflow':
        return withDeadline(this, at, (inner) => runChild(this, { ...inner, step }));
      case 'switch':
        return withDeadline(this, at, (inner) => runSwitch(this, { ...inner, step }));
      case 'set':
        return runSet(this, { ...at, step });
      case 'try':
        return runTry(this, { ...at, step });
      case 'approval':
        return withDeadline(this, at, (inner) => runApproval(this, { ...inner, step }));
    }
  }

  #applies(at: Position): boolean {
    try {
      return evaluateCondition(at.step.when as NonNullable<CompiledStep['when']>, at.scope);
    } catch (error) {
      throw this.failUnbegun(at, error);
    }
  }

  #replayed(at: Position, known: StepRow): Output {
    this.#recallInside(at);
    if (known.status === 'skipped') return this.#show(at, SKIPPED, 'skipped', null);
    if (known.status === 'completed') {
      if (at.step.undo.length > 0) this.undos.recalled(at);
      return this.#showStored(at, known);
    }
    throw new StepFailure(recordOf(known), at.path);
  }

  /**
   * Shows what is known of steps that will not be walked again: those inside a condition or a parallel are
   * seen by the steps after it, also when it failed or when their branch was given up.
   */
  recall(steps: readonly CompiledStep[], scope: RunScope, prefix: string, strand: Strand): void {
    for (const step of steps) {
      const path = `${prefix}/${step.id}`;
      const known = this.execution.journal.known(path);
      if (!known) continue;
      const at: Position = { step, path, scope, strand, known };
      this.#recallInside(at);
      if (known.status === 'completed') {
        if (step.undo.length > 0) this.undos.recalled(at);
        this.#showStored(at, known);
      } else if (known.status === 'skipped') this.#show(at, SKIPPED, 'skipped', null);
      else if (known.status === 'failed' && step.onError !== 'fail') {
        this.#show(at, null, 'failed', recordOf(known));
        if (step.onError !== 'continue') this.recall(step.onError, scope, `${path}/on_error`, strand);
      }
    }
  }

  /** What the `catch` and the `finally` of a try did, in each round of it. */
  recallRounds({ step, path, scope, strand, known }: Position<TryStep>): void {
    for (const round of roundsOf(path, known?.detail ?? null)) {
      this.recall(step.catch ?? [], scope, round.catch, strand);
      this.recall(step.finally, scope, round.finally, strand);
    }
  }

  #recallInside(at: Position): void {
    const { step, path, scope, strand } = at;
    if (step.kind === 'switch') {
      for (const [i, { steps }] of step.cases.entries()) this.recall(steps, scope, `${path}/${i}`, strand);
      this.recall(step.default ?? [], scope, `${path}/default`, strand);
    } else if (step.kind === 'try') {
      this.recall(step.steps, scope, `${path}/try`, strand);
      this.recallRounds({ ...at, step });
    } else if (step.kind === 'loop' && this.#hasUndo) {
      // Nobody outside sees a loop's steps, but they may have to be undone.
      for (const round of begunRounds(this, { ...at, step })) {
        this.recall(step.steps, round.scope, round.prefix, strand);
      }
    } else if (step.kind === 'condition') {
      this.recall(step.then, scope, `${path}/then`, strand);
      this.recall(step.else, scope, `${path}/else`, strand);
    } else if (step.kind === 'parallel') {
      for (const { name, steps } of step.branches) this.recall(steps, scope, `${path}/${name}`, strand);
    }
  }

  /** `on_error`: fail, go on, or run other steps and go on. */
  async #handle(at: Position, error: unknown): Promise<Json> {
    // What was handled before a restart is handled again, also on the way to cleaning up.
    const isNew = !at.known || !isSettled(at.known);
    if (!(error instanceof StepFailure) || (isNew && at.strand.signal.aborted)) throw error;
    const { onError } = at.step;
    if (onError === 'fail') throw error;
    this.#show(at, null, 'failed', error.record);
    if (onError !== 'continue') {
      const scope = Object.assign(Object.create(at.scope) as RunScope, { error: error.record });
      await this.sequence(onError, scope, `${at.path}/on_error`, at.strand);
    }
    return null;
  }

  #show<T extends Json | typeof SKIPPED>(
    at: Position,
    output: T,
    status: StepStatus,
    error: ErrorRecord | null,
  ): T {
    const view: StepView = {
      output: output === SKIPPED ? null : (output as Json),
      status,
      error: error as Json,
    };
    at.scope.steps[at.step.id] = view;
    return output;
  }

  /** What is in a file is read when somebody asks for it, and not before. */
  #showStored(at: Position, known: StepRow): Json | StoredOutput {
    const { journal } = this.execution;
    if (!journal.isInFile(known)) return this.#show(at, journal.output(known), 'completed', null);
    const stored = new StoredOutput(() => journal.output(known));
    at.scope.steps[at.step.id] = {
      get output() {
        return stored.value;
      },
      status: 'completed',
      error: null,
    };
    return stored;
  }

  #now(): number {
    return this.execution.deps.clock.now();
  }
}

/** An output that is in a file, read once. */
class StoredOutput {
  readonly #read: () => Json;
  #value: Json | undefined;

  constructor(read: () => Json) {
    this.#read = read;
  }

  /** @throws TerminalError `output.file_missing`, `output.file_changed` */
  get value(): Json {
    this.#value ??= this.#read();
    return this.#value;
  }
}

type Output = Json | typeof SKIPPED | StoredOutput;

/** Kinds with nothing inside and nobody else at work for them. */
const ALONE: ReadonlySet<CompiledStep['kind']> = new Set(['task', 'wait', 'approval', 'set']);

const CANCELLED: ErrorRecord = {
  code: 'step.cancelled',
  message: 'the step was cancelled',
  retryable: false,
};

function recordOf(row: StepRow): ErrorRecord {
  return row.error === null ? CANCELLED : (JSON.parse(row.error) as ErrorRecord);
}

function isSettled(row: StepRow): boolean {
  return row.status !== 'running' && row.status !== 'waiting';
}

/** Is this an abort rather than a failure? */
export function isInterrupt(error: unknown): error is Interrupt {
  return error instanceof Interrupt;
}
