import { RetryableError } from '#core/errors.ts';
import { type Json, toJsonText } from '#core/json.ts';
import type { Template } from '../expressions/template.ts';
import { failureRecord, Interrupt, StepFailure } from './interrupt.ts';
import type { Journal } from './journal.ts';
import type { Position, SKIPPED } from './position.ts';
import { cancelStepsBelow, deleteWakesBelow } from './steps-table.ts';
import type { Walk } from './walk.ts';

/** Runs `work` under a signal that also aborts after `ms`; disposes the timer and the link afterwards. */
export async function underDeadline<T>(
  outer: AbortSignal,
  ms: number,
  after: (ms: number, fire: () => void) => Disposable,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  const forward = (): void => controller.abort(outer.reason);
  const timer = after(ms, () => controller.abort(new Interrupt('timeout', `it took longer than ${ms} ms`)));
  outer.addEventListener('abort', forward, { once: true });
  if (outer.aborted) forward();
  try {
    return await work(controller.signal);
  } finally {
    timer[Symbol.dispose]();
    outer.removeEventListener('abort', forward);
  }
}

/** The error of a step that ran out of time: trying again may help. */
export function timeoutError(ms: number): RetryableError {
  return new RetryableError('step.timeout', `the step took longer than its timeout of ${ms} ms`, {
    hint: 'Raise its `timeout`, or add `retry` or `on_error`.',
  });
}

/**
 * The `timeout` of a step that is not a task: its time runs from when it first began, restarts included. Out
 * of time, what is open below it is cancelled and it fails, or ends with `fallback`.
 */
export async function withDeadline(
  walk: Walk,
  at: Position,
  work: (at: Position) => Promise<Json | typeof SKIPPED>,
  fallback?: Template | undefined,
): Promise<Json | typeof SKIPPED> {
  const { timeout } = at.step;
  if (!timeout || at.known?.status === 'completed') return work(at);
  const { execution } = walk;
  const { clock } = execution.deps;
  const startedAt = at.known?.started_at ?? clock.now();
  const ms = evaluated(walk, at, startedAt, () => timeout.evaluate(at.scope));
  const left = Math.max(0, startedAt + ms - clock.now());
  try {
    return await underDeadline(at.strand.signal, left, clock.after, (signal) =>
      work({ ...at, strand: at.strand.under(signal, startedAt + ms) }),
    );
  } catch (error) {
    if (!(error instanceof Interrupt) || error.kind !== 'timeout' || at.strand.signal.aborted) throw error;
    return outOfTime(walk, at, ms, startedAt, fallback);
  }
}

/** A timeout or a fallback that can't be evaluated fails the step like any of its fields. */
function evaluated<T>(walk: Walk, at: Position, startedAt: number, evaluate: () => T, isOpen = false): T {
  try {
    return evaluate();
  } catch (error) {
    if (!at.known && !isOpen) throw walk.failUnbegun(at, error);
    const { journal, deps } = walk.execution;
    const record = failureRecord(error);
    journal.fail(at.strand.unit, named(at, startedAt), record, deps.clock.now());
    throw new StepFailure(record, at.path);
  }
}

function named(at: Position, startedAt: number): Parameters<Journal['complete']>[1] {
  return { id: at.step.id, type: at.step.type, path: at.path, attempt: 1, startedAt };
}

function outOfTime(
  walk: Walk,
  at: Position,
  ms: number,
  startedAt: number,
  fallback: Template | undefined,
): Json {
  const { journal, deps } = walk.execution;
  const now = deps.clock.now();
  const below = { run: journal.run.key, from: `${at.path}/`, to: `${at.path}0` };
  at.strand.unit.add(cancelStepsBelow, { ...below, ended_at: now }).add(deleteWakesBelow, below);
  const step = named(at, startedAt);
  if (fallback) {
    const value = evaluated(walk, at, startedAt, () => fallback.evaluate(at.scope), true);
    journal.wokenUp(at.strand.unit, at.path);
    journal.complete(at.strand.unit, step, toJsonText(value), now);
    return value;
  }
  const error = timeoutError(ms);
  const record = { code: error.code, message: error.message, hint: error.hint, retryable: true };
  journal.fail(at.strand.unit, step, record, now);
  throw new StepFailure(record, at.path);
}
