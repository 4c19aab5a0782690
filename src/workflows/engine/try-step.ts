import type { ErrorRecord } from '#core/errors.ts';
import { type Json, toJsonText } from '#core/json.ts';
import type { CompiledStep, TryStep } from '../definition/compiled.ts';
import { timeoutError, underDeadline } from './deadline.ts';
import { failureRecord, Interrupt, isShutdown, StepFailure } from './interrupt.ts';
import type { Position } from './position.ts';
import type { RunScope } from './run-facts.ts';
import { cancelStepsBelow, deleteWakesBelow } from './steps-table.ts';
import type { Walk } from './walk.ts';

/**
 * What a try has come to, kept in its row.
 *
 * T1  `error` is on disk before the first step of `catch` begins, `finally_at` before the first of `finally`.
 * T2  Once `finally` has begun, nothing of the steps and of `catch` begins again, whatever the clock says after
 *     a restart: how they ended is on disk (`interrupted`), or their rows are all settled.
 * T3  `finally` runs on a signal of its own: a cancel, a timeout around it and a branch given up let it end.
 *     Only its grace, the end of the daemon and a cancel that waits for nothing stop it.
 * T4  A retry of the run begins a further round: `catch` and `finally` run again, below paths of their own
 *     (`t/finally-2/…`), because what is on disk never runs again under its path.
 */
interface Course {
  /** From 1. */
  readonly round: number;
  /** Unix milliseconds; null: the steps may take as long as they like. */
  readonly deadline_at: number | null;
  readonly timeout_ms: number;
  readonly grace_ms: number;
  /** Why the steps failed. */
  error?: ErrorRecord & { readonly step?: string };
  /** What ended them from outside. */
  interrupted?: { readonly kind: Interrupt['kind']; readonly message: string };
  finally_at?: number;
}

/** The detail of a try that is opened again for a retry of its run. */
export function nextRound(detail: string | null): string {
  const { round = 1 } = JSON.parse(detail ?? '{}') as Partial<Course>;
  return JSON.stringify({ round: round + 1 });
}

/** Where a try's `catch` and `finally` stand in the trace. */
function roundPath(path: string, part: 'catch' | 'finally', round: number): string {
  return `${path}/${part}${round === 1 ? '' : `-${round}`}`;
}

/** The rounds of `catch` and `finally` that there have been, by their paths. */
export function roundsOf(path: string, detail: string | null): { catch: string; finally: string }[] {
  const { round = 1 } = JSON.parse(detail ?? '{}') as Partial<Course>;
  return Array.from({ length: round }, (_, i) => ({
    catch: roundPath(path, 'catch', i + 1),
    finally: roundPath(path, 'finally', i + 1),
  }));
}

type Outcome =
  | { readonly is: 'well'; readonly output: Json }
  | { readonly is: 'failed'; readonly failure: StepFailure }
  | { readonly is: 'interrupted'; readonly reason: unknown };

/** `try`: steps, then `catch` when they failed, then `finally` in any case. Output: `{ok, output, error}`. */
export async function runTry(walk: Walk, at: Position<TryStep>): Promise<Json> {
  return new Try(walk, at).run();
}

class Try {
  readonly #walk: Walk;
  readonly #at: Position<TryStep>;
  readonly #startedAt: number;
  #course!: Course;

  constructor(walk: Walk, at: Position<TryStep>) {
    this.#walk = walk;
    this.#at = at;
    this.#startedAt = at.known?.started_at ?? this.#now();
  }

  async run(): Promise<Json> {
    this.#open();
    let outcome = await this.#body();
    if (outcome.is === 'failed' && this.#at.step.catch)
      outcome = await this.#caught(this.#at.step.catch, outcome);
    if (this.#at.step.finally.length > 0) outcome = await this.#finally(outcome);
    return this.#end(outcome);
  }

  #open(): void {
    const { known, step, path, strand } = this.#at;
    const written = known?.detail ? (JSON.parse(known.detail) as Partial<Course>) : {};
    if (written.grace_ms !== undefined) {
      this.#course = written as Course;
      return;
    }
    this.#course = this.#begun(written.round ?? 1);
    if (this.#course.round > 1) this.#walk.recallRounds(this.#at);
    const { journal } = this.#walk.execution;
    if (known) this.#note({});
    else journal.begin(strand.unit, step, path, 'running', this.#startedAt, JSON.stringify(this.#course));
  }

  #begun(round: number): Course {
    const { step, scope } = this.#at;
    try {
      const ms = step.timeout?.evaluate(scope);
      const deadline_at = ms === undefined ? null : this.#startedAt + ms;
      return { round, deadline_at, timeout_ms: ms ?? 0, grace_ms: step.grace.evaluate(scope) };
    } catch (error) {
      if (!this.#at.known) throw this.#walk.failUnbegun(this.#at, error);
      return { round, deadline_at: null, timeout_ms: 0, grace_ms: 60_000 };
    }
  }

  async #body(): Promise<Outcome> {
    const { step, path, strand } = this.#at;
    const { error, interrupted } = this.#course;
    if (error || interrupted) {
      this.#walk.recall(step.steps, this.#at.scope, `${path}/try`, strand);
      if (error) return { is: 'failed', failure: new StepFailure(error, error.step ?? path) };
    }
    if (interrupted) return { is: 'interrupted', reason: this.#reason() };
    try {
      return { is: 'well', output: await this.#inTime(step.steps) };
    } catch (thrown) {
      const outcome = this.#outcomeOf(thrown);
      if (outcome.is === 'failed') {
        const { failure } = outcome;
        this.#note({ error: { ...failure.record, ...(failure.path !== path && { step: failure.path }) } });
      }
      return outcome;
    }
  }

  /** `timeout` is for the steps: running out is an error that `catch` sees. */
  #inTime(steps: readonly CompiledStep[]): Promise<Json> {
    const { scope, path, strand } = this.#at;
    const { deadline_at, timeout_ms } = this.#course;
    const { clock } = this.#walk.execution.deps;
    const prefix = `${path}/try`;
    if (deadline_at === null || this.#course.finally_at !== undefined) {
      return this.#walk.sequence(steps, scope, prefix, strand);
    }
    const left = Math.max(0, deadline_at - clock.now());
    return underDeadline(strand.signal, left, clock.after, (signal) =>
      this.#walk.sequence(steps, scope, prefix, strand.under(signal, deadline_at)),
    ).catch((error: unknown) => {
      if (!isTimeout(error) || strand.signal.aborted) throw error;
      this.#endBelow(prefix);
      throw new StepFailure(failureRecord(timeoutError(timeout_ms)), path);
    });
  }

  async #caught(steps: readonly CompiledStep[], { failure }: Outcome & { is: 'failed' }): Promise<Outcome> {
    const { path, strand } = this.#at;
    const scope = this.#scopeWith(failure.record);
    const prefix = roundPath(path, 'catch', this.#course.round);
    if (this.#course.interrupted) {
      this.#walk.recall(steps, scope, prefix, strand);
      return { is: 'interrupted', reason: this.#reason() };
    }
    try {
      return { is: 'well', output: await this.#walk.sequence(steps, scope, prefix, strand) };
    } catch (thrown) {
      return this.#outcomeOf(thrown);
    }
  }

  async #finally(outcome: Outcome): Promise<Outcome> {
    const { execution } = this.#walk;
    const { step, path, strand } = this.#at;
    if (outcome.is === 'interrupted') await execution.endingKept(strand);
    if (this.#course.finally_at === undefined) {
      const cut = outcome.is === 'interrupted' && { interrupted: interruption(outcome.reason) };
      this.#note({ ...cut, finally_at: this.#now() });
    }
    const until = (this.#course.finally_at ?? 0) + this.#course.grace_ms;
    const { clock } = execution.deps;
    const left = Math.max(0, until - clock.now());
    const scope = this.#scopeWith(errorOf(outcome));
    try {
      await underDeadline(execution.cleanupSignal, left, clock.after, (signal) =>
        this.#walk.sequence(
          step.finally,
          scope,
          roundPath(path, 'finally', this.#course.round),
          strand.apart(signal, until),
        ),
      );
    } catch (thrown) {
      return this.#unclean(thrown, outcome);
    }
    if (outcome.is !== 'interrupted' && strand.signal.aborted) {
      return { is: 'interrupted', reason: strand.signal.reason };
    }
    return outcome;
  }

  /** `finally` did not come to its end: that fails a try that was well, and is only noted of another. */
  #unclean(thrown: unknown, outcome: Outcome): Outcome {
    const { execution } = this.#walk;
    const { path, strand } = this.#at;
    const cut = thrown instanceof Interrupt && thrown.kind !== 'shutdown' ? thrown : undefined;
    if (!cut && !(thrown instanceof StepFailure)) throw thrown;
    if (cut) this.#endBelow(roundPath(path, 'finally', this.#course.round));
    const failure = cut
      ? new StepFailure(graceRecord(cut, this.#course.grace_ms), path)
      : (thrown as StepFailure);
    const { record } = failure;
    execution.log.warn({ step: path, code: record.code }, `the finally of a try failed: ${record.message}`);
    if (outcome.is === 'well' && strand.signal.aborted)
      return { is: 'interrupted', reason: strand.signal.reason };
    if (outcome.is !== 'well') return outcome;
    return { is: 'failed', failure };
  }

  #end(outcome: Outcome): Json {
    if (outcome.is === 'interrupted') throw outcome.reason;
    const { journal } = this.#walk.execution;
    const { step, path, strand } = this.#at;
    const named = { id: step.id, type: step.type, path, attempt: 1, startedAt: this.#startedAt };
    if (outcome.is === 'failed') {
      const { record, path: where } = outcome.failure;
      journal.fail(strand.unit, named, where === path ? record : { ...record, step: where }, this.#now());
      throw outcome.failure;
    }
    const error = this.#course.error ?? null;
    const output = { ok: error === null, output: outcome.output, error: error as unknown as Json };
    journal.complete(strand.unit, named, toJsonText(output), this.#now());
    return output;
  }

  #outcomeOf(thrown: unknown): Outcome {
    const { signal } = this.#at.strand;
    if (isShutdown(thrown) || (signal.aborted && isShutdown(signal.reason))) throw thrown;
    if (signal.aborted) return { is: 'interrupted', reason: signal.reason };
    if (thrown instanceof StepFailure) return { is: 'failed', failure: thrown };
    throw thrown;
  }

  /** What ended the steps: the same as before a restart, also when the clock has gone back. */
  #reason(): unknown {
    const { signal } = this.#at.strand;
    if (signal.aborted) return signal.reason;
    const { kind, message } = this.#course.interrupted as NonNullable<Course['interrupted']>;
    return new Interrupt(kind, message);
  }

  #note(more: Partial<Course>): void {
    Object.assign(this.#course, more);
    const { journal } = this.#walk.execution;
    journal.detail(this.#at.strand.unit, this.#at.path, JSON.stringify(this.#course));
  }

  #endBelow(prefix: string): void {
    const { journal, deps } = this.#walk.execution;
    const below = { run: journal.run.key, from: `${prefix}/`, to: `${prefix}0` };
    const { unit } = this.#at.strand;
    unit.add(cancelStepsBelow, { ...below, ended_at: deps.clock.now() }).add(deleteWakesBelow, below);
  }

  #scopeWith(error: ErrorRecord | null): RunScope {
    return Object.assign(Object.create(this.#at.scope) as RunScope, { error });
  }

  #now(): number {
    return this.#walk.execution.deps.clock.now();
  }
}

function isTimeout(error: unknown): boolean {
  return error instanceof Interrupt && error.kind === 'timeout';
}

function interruption(reason: unknown): NonNullable<Course['interrupted']> {
  if (reason instanceof Interrupt) return { kind: reason.kind, message: reason.message };
  return { kind: 'superseded', message: 'it was given up' };
}

function errorOf(outcome: Outcome): ErrorRecord | null {
  if (outcome.is === 'failed') return outcome.failure.record;
  if (outcome.is === 'well') return null;
  const { kind, message } = interruption(outcome.reason);
  return { code: `step.${INTERRUPTED[kind]}`, message, retryable: false };
}

const INTERRUPTED: Readonly<Record<Interrupt['kind'], string>> = {
  cancel: 'cancelled',
  timeout: 'timeout',
  superseded: 'superseded',
  shutdown: 'interrupted',
};

function graceRecord(cut: Interrupt, graceMs: number): ErrorRecord {
  if (cut.kind === 'cancel') return { code: 'step.cancelled', message: cut.message, retryable: false };
  return {
    code: 'try.grace',
    message: `finally took longer than its grace of ${graceMs} ms`,
    hint: 'Give it less to do, or raise `grace`.',
    retryable: false,
  };
}
