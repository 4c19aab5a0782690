import type { ErrorRecord } from '#core/errors.ts';
import { toJsonText } from '#core/json.ts';
import { isShutdown, StepFailure } from './interrupt.ts';
import type { Position } from './position.ts';
import type { RunScope } from './run-facts.ts';
import type { Strand } from './strand.ts';
import type { Walk } from './walk.ts';

/**
 * Steps that have completed and can be undone.
 *
 * U1  The row `<step>/undo` is put down by the very unit that completes the step, as skipped; its ordinal is the
 *     step's place in the order of completion, over branches, rounds and restarts.
 * U2  Nothing is undone before the run's end is decided and on disk (`runs.ending`): after a restart a run that
 *     was undoing goes on undoing, whatever its steps would do now.
 * U3  Undos run one after the other, the last completed step's first. Steps of an undo are journaled like any:
 *     one whose result is on disk never runs again.
 * U4  An undo that fails is recorded as failed, and the next one runs.
 */
export class Undos {
  readonly #walk: Walk;
  /** By the step's path: a step may be recalled more than once. */
  readonly #entries = new Map<string, { readonly at: Position; readonly ordinal: number }>();

  constructor(walk: Walk) {
    this.#walk = walk;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** The step has just completed; its result is in the unit. */
  completed(at: Position): void {
    const { journal, deps } = this.#walk.execution;
    const ordinal = journal.mayUndo(at.strand.unit, undoPath(at), deps.clock.now());
    this.#entries.set(at.path, { at, ordinal });
  }

  /** The step had completed before the run was picked up. */
  recalled(at: Position): void {
    const row = this.#walk.execution.journal.known(undoPath(at));
    if (row) this.#entries.set(at.path, { at, ordinal: row.ordinal });
  }

  /** @throws Interrupt when the daemon stops, or when the run is to end at once */
  async run(error: ErrorRecord, strand: Strand): Promise<void> {
    const last = [...this.#entries.values()].sort((a, b) => b.ordinal - a.ordinal);
    for (const { at } of last) await this.#undo(at, error, strand);
  }

  async #undo(at: Position, error: ErrorRecord, strand: Strand): Promise<void> {
    const { execution } = this.#walk;
    const { journal, deps } = execution;
    const path = undoPath(at);
    const known = journal.known(path);
    if (known && known.status !== 'skipped' && known.status !== 'running') return;
    if (execution.isHeld) await execution.turn(strand);
    strand.signal.throwIfAborted();
    const isOpen = known?.status === 'running';
    const startedAt = isOpen ? known.started_at : deps.clock.now();
    if (!isOpen) journal.undoes(strand.unit, path, startedAt);
    const named = { id: 'undo', type: 'undo', path, attempt: 1, startedAt };
    const scope = Object.create(at.scope) as RunScope;
    Object.assign(scope, { error, steps: Object.create(at.scope.steps) as RunScope['steps'] });
    try {
      const output = await this.#walk.sequence(at.step.undo, scope, path, strand);
      journal.complete(strand.unit, named, toJsonText(output), deps.clock.now());
    } catch (thrown) {
      if (isShutdown(thrown) || strand.signal.aborted || !(thrown instanceof StepFailure)) throw thrown;
      journal.fail(strand.unit, named, { ...thrown.record, step: thrown.path }, deps.clock.now());
      execution.log.warn({ step: at.path, code: thrown.record.code }, `an undo failed: ${thrown.message}`);
    }
  }
}

function undoPath({ path }: Position): string {
  return `${path}/undo`;
}
