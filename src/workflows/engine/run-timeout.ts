import type { Clock } from '#core/clock.ts';
import { type ErrorRecord, errorRecord } from '#core/errors.ts';
import { Interrupt, StepFailure } from './interrupt.ts';
import type { RunFacts } from './run-facts.ts';

/** When the run's `timeout` is over, Unix milliseconds; null: it has none. */
export function runDeadline({ definition, startedAt }: RunFacts): number | null {
  return definition.timeoutMs === undefined ? null : startedAt + definition.timeoutMs;
}

/** Aborts the run's work when its time is over; at once, when that was while the daemon was away. */
export function armRunTimeout(
  facts: RunFacts,
  clock: Pick<Clock, 'now' | 'after'>,
  work: AbortController,
): Disposable | undefined {
  const deadline = runDeadline(facts);
  if (deadline === null) return undefined;
  const { timeoutMs } = facts.definition;
  const interrupt = new Interrupt('timeout', `the run took longer than its timeout of ${timeoutMs} ms`);
  const left = deadline - clock.now();
  if (left > 0) return clock.after(left, () => work.abort(interrupt));
  work.abort(interrupt); // nothing of it begins again
  return undefined;
}

/** What a run failed with: a step's error says which step. */
export function runError(error: unknown): ErrorRecord {
  if (error instanceof Interrupt && error.kind === 'timeout') {
    const hint = 'Raise `timeout` in the workflow, or see which step took so long.';
    return { code: 'run.timeout', message: error.message, hint, retryable: false };
  }
  return error instanceof StepFailure ? { ...error.record, step: error.path } : errorRecord(error);
}
