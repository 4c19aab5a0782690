import { type Json, toJsonText } from '#core/json.ts';
import type { CompiledStep } from '../definition/compiled.ts';
import { StepFailure } from './interrupt.ts';
import type { Position } from './position.ts';
import type { Walk } from './walk.ts';

/**
 * A step that holds other steps. What it decides (which branch, which items) is written before its first
 * step begins, and read again after a restart: `decide` is asked once in a run's life. Its end, like its
 * beginning, costs no commit of its own.
 */
export async function runContainer<D extends Json>(
  walk: Walk,
  at: Position<CompiledStep>,
  decide: () => D,
  body: (decided: D) => Promise<Json>,
): Promise<Json> {
  const { journal, deps } = walk.execution;
  const startedAt = at.known?.started_at ?? deps.clock.now();
  const decided = at.known?.detail ? (JSON.parse(at.known.detail) as D) : decideOrFail(walk, at, decide);
  if (!at.known) journal.begin(at.strand.unit, at.step, at.path, 'running', startedAt, toJsonText(decided));
  const step = { id: at.step.id, type: at.step.type, path: at.path, attempt: 1, startedAt };
  try {
    const output = await body(decided);
    if (at.known?.status !== 'completed')
      journal.complete(at.strand.unit, step, toJsonText(output), deps.clock.now());
    return output;
  } catch (error) {
    if (!(error instanceof StepFailure) || at.strand.signal.aborted) throw error;
    journal.fail(at.strand.unit, step, { ...error.record, step: error.path }, deps.clock.now());
    throw new StepFailure(error.record, error.path);
  }
}

function decideOrFail<D>(walk: Walk, at: Position, decide: () => D): D {
  try {
    return decide();
  } catch (error) {
    throw walk.failUnbegun(at, error);
  }
}
