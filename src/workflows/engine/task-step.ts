import type { Actor } from '#core/actor.ts';
import type { Clock } from '#core/clock.ts';
import { type ErrorRecord, RetryableError, TerminalError } from '#core/errors.ts';
import { type Json, type JsonObject, toJsonText } from '#core/json.ts';
import type { Log } from '#core/log.ts';
import type { TaskStep } from '../definition/compiled.ts';
import type { CompiledRetry, StepContext } from '../port.ts';
import { timeoutError, underDeadline } from './deadline.ts';
import type { Execution } from './execution.ts';
import { Interrupt, StepFailure, untilAborted } from './interrupt.ts';
import { type Position, SKIPPED } from './position.ts';
import { StepLines } from './step-lines.ts';
import { revealedFields, StepSecrets, shownFields, usesSecrets } from './step-secrets.ts';
import type { Walk } from './walk.ts';

/** A step's output at most, bytes of JSON text, when the configuration does not say. */
const MOST_OUTPUT = 16 * 1024 * 1024;
const MOST_HISTORY = 20;
const LONGEST_RETRY_AFTER_MS = 3_600_000;

interface FailedAttempt {
  readonly attempt: number;
  readonly at: number;
  readonly error: ErrorRecord;
}

/** One task on its way: its attempts, the failed ones first. */
interface Course {
  readonly at: Position<TaskStep>;
  /** As they may be shown; an attempt gets them with their secrets. */
  readonly fields: JsonObject;
  readonly secrets: StepSecrets;
  readonly startedAt: number;
  readonly history: FailedAttempt[];
  attempt: number;
  /** What it logs; absent while it has asked for no log. */
  lines?: StepLines;
}

/** Runs a registered step type: intent on disk, attempt, result into the strand's unit. */
export async function runTask(walk: Walk, at: Position<TaskStep>): Promise<Json | typeof SKIPPED> {
  const { execution } = walk;
  const course = open(walk, at);
  if (at.known && (await pickUp(execution, course)) === SKIPPED) return SKIPPED;
  for (;;) {
    await execution.begin(at.strand);
    const result = await attempt(execution, course);
    if (result.ok) {
      const now = execution.deps.clock.now();
      execution.journal.complete(at.strand.unit, named(course), result.text, now);
      return result.value;
    }
    const pauseMs = pauseBeforeRetry(at.step.retry, course, result.error);
    if (pauseMs === undefined) throw fail(execution, course, result.error);
    await pause(execution, course, result.error, pauseMs);
  }
}

function open(walk: Walk, at: Position<TaskStep>): Course {
  const { execution } = walk;
  const { known, step } = at;
  let fields: JsonObject;
  const secrets = new StepSecrets();
  try {
    fields = shownFields(step, at.scope);
  } catch (error) {
    if (!known) throw walk.failUnbegun(at, error);
    const course = {
      at,
      fields: {},
      secrets,
      startedAt: known.started_at,
      history: [],
      attempt: known.attempts,
    };
    throw fail(execution, course, error);
  }
  const startedAt = known?.started_at ?? execution.deps.clock.now();
  if (!known) execution.journal.begin(at.strand.unit, step, at.path, 'running', startedAt);
  const history = known?.history ? (JSON.parse(known.history) as FailedAttempt[]) : [];
  return { at, fields, secrets, startedAt, history, attempt: known?.attempts ?? 1 };
}

/** After a restart: a pause between attempts goes on; what was under way is decided by `on_interrupt`. */
async function pickUp(execution: Execution, course: Course): Promise<typeof SKIPPED | undefined> {
  const { at } = course;
  const { journal, deps } = execution;
  if (at.known?.status === 'waiting') {
    const wake = journal.wake(at.path);
    await waitOut(execution, course, wake?.due_tick ?? 0);
    return undefined;
  }
  const policy = at.step.onInterrupt ?? at.step.stepType.onInterrupt(course.fields);
  if (policy === 'skip') {
    journal.skipBegun(
      at.strand.unit,
      named(course),
      'the power went while it was under way',
      deps.clock.now(),
    );
    return SKIPPED;
  }
  if (policy === 'fail') {
    throw fail(
      execution,
      course,
      new TerminalError('failed', 'step.interrupted', 'ChainBot ended while this step was under way', {
        hint: 'Nobody knows whether it took effect. Set `on_interrupt: retry` if doing it twice is harmless, or `skip`.',
      }),
    );
  }
  course.attempt++;
  journal.again(at.strand.unit, at.path, course.attempt);
  return undefined;
}

type Attempt =
  | { readonly ok: true; readonly value: Json; readonly text: string }
  | { readonly ok: false; readonly error: unknown };

async function attempt(execution: Execution, course: Course): Promise<Attempt> {
  const { step, strand } = course.at;
  if (strand.signal.aborted) throw strand.signal.reason;
  execution.acting++;
  try {
    const own = step.timeout?.evaluate(course.at.scope);
    const ms = own ?? step.stepType.attemptMs ?? execution.deps.stepTimeoutMs;
    const result = await underDeadline(strand.signal, ms, execution.deps.clock.after, (signal) =>
      untilAborted(act(execution, course, new TaskContext(execution, course, signal, own)), signal),
    ).catch((error: unknown) => {
      const late = error instanceof Interrupt && error.kind === 'timeout' && !strand.signal.aborted;
      throw late ? timeoutError(ms) : error;
    });
    const most = execution.deps.maxOutputBytes ?? MOST_OUTPUT;
    return { ok: true, ...normalized(result, course.secrets, most) };
  } catch (error) {
    if (strand.signal.aborted) throw strand.signal.reason;
    return { ok: false, error };
  } finally {
    execution.acting--;
    course.lines?.put(strand.unit, execution.journal.run.key, course.at.path);
  }
}

function act(execution: Execution, course: Course, context: TaskContext): Promise<unknown> {
  const { step, scope } = course.at;
  const fields = usesSecrets(step)
    ? revealedFields(step, scope, course.fields, { secrets: execution.deps.secrets, kept: course.secrets })
    : course.fields;
  return step.stepType.run(fields, context);
}

function normalized(result: unknown, secrets: StepSecrets, most: number): { value: Json; text: string } {
  const seen = readBack(result, most);
  return secrets.concealed ? readBack(secrets.concealed.json(seen.value), most) : seen;
}

/** The result as it will be read from the journal. */
function readBack(result: unknown, most: number): { value: Json; text: string } {
  const text = toJsonText(result);
  if (isLonger(text, most)) throw tooLarge(text, most);
  const plain =
    result === null ||
    typeof result === 'number' ||
    typeof result === 'boolean' ||
    typeof result === 'string';
  return { value: plain ? (result as Json) : (JSON.parse(text) as Json), text };
}

/** Bytes are counted only where it depends on them. */
function isLonger(text: string, most: number): boolean {
  return text.length > most || (text.length * 3 > most && Buffer.byteLength(text) > most);
}

function tooLarge(text: string, most: number): TerminalError {
  const bytes = Buffer.byteLength(text);
  return new TerminalError('unprocessable', 'step.output_too_large', `the output is ${bytes} bytes long`, {
    hint: `At most ${most} are kept (engine.max_output_bytes). Take what you need of it, or write it to a file.`,
  });
}

/** How long to wait before the next attempt; undefined when there is none. */
function pauseBeforeRetry(
  retry: CompiledRetry | undefined,
  course: Course,
  error: unknown,
): number | undefined {
  if (!retry || !(error instanceof RetryableError)) return undefined;
  // Only the last of many failures are kept: beyond those the attempt's number counts.
  const kept = course.history.length;
  const failed = kept < MOST_HISTORY ? kept + 1 : Math.max(kept + 1, course.attempt);
  if (failed >= retry.maxAttempts) return undefined;
  const backoff = Math.min(retry.maxDelayMs, retry.delayMs * retry.factor ** (failed - 1));
  const wanted = retry.jitter ? Math.random() * backoff : backoff;
  return Math.round(Math.max(wanted, Math.min(error.retryAfterMs ?? 0, LONGEST_RETRY_AFTER_MS)));
}

async function pause(execution: Execution, course: Course, error: unknown, pauseMs: number): Promise<void> {
  const { journal, deps } = execution;
  const { at } = course;
  const now = deps.clock.now();
  const record = course.secrets.record(error);
  course.history.push({ attempt: course.attempt, at: now, error: record });
  const history = JSON.stringify(course.history.slice(-MOST_HISTORY));
  const dueTick = deps.ticks.now() + pauseMs;
  journal.pause(at.strand.unit, named(course), record, history, pauseMs, dueTick, now);
  await waitOut(execution, course, dueTick);
}

async function waitOut(execution: Execution, course: Course, dueTick: number): Promise<void> {
  const { at } = course;
  execution.activity.enterWait(at.strand.unit, true);
  try {
    await execution.flush(at.strand);
    execution.settle();
    await execution.deps.ticks.until(dueTick, at.strand.signal);
  } finally {
    execution.activity.leaveWait(at.strand.unit, true);
  }
  if (execution.isHeld) await execution.turn(at.strand);
  course.attempt++;
  execution.journal.again(at.strand.unit, at.path, course.attempt);
}

function fail(execution: Execution, course: Course, error: unknown): StepFailure {
  const record = course.secrets.record(error);
  execution.journal.fail(course.at.strand.unit, named(course), record, execution.deps.clock.now());
  return new StepFailure(record, course.at.path);
}

function named(course: Course): {
  id: string;
  type: string;
  path: string;
  attempt: number;
  startedAt: number;
} {
  const { step, path } = course.at;
  return { id: step.id, type: step.type, path, attempt: course.attempt, startedAt: course.startedAt };
}

/** Made per attempt; what costs something is made when it is asked for. */
class TaskContext implements StepContext {
  readonly signal: AbortSignal;
  readonly timeoutMs: number | undefined;
  readonly #execution: Execution;
  readonly #course: Course;

  constructor(execution: Execution, course: Course, signal: AbortSignal, timeoutMs: number | undefined) {
    this.#execution = execution;
    this.#course = course;
    this.signal = signal;
    this.timeoutMs = timeoutMs;
  }

  get runId(): string {
    return this.#execution.journal.run.id;
  }
  get path(): string {
    return this.#course.at.path;
  }
  get attempt(): number {
    return this.#course.attempt;
  }
  get idempotencyKey(): string {
    return `${this.runId}/${this.path}`;
  }
  get actor(): Actor {
    return { kind: 'run', id: this.runId };
  }
  get log(): Log {
    const log = this.#execution.log.child({ step: this.path });
    this.#course.lines ??= new StepLines(this.clock);
    return this.#course.secrets.log(this.#course.lines.log(log));
  }
  conceal(name: string, texts: readonly string[]): void {
    this.#course.secrets.conceal(name, texts);
  }
  get clock(): Clock {
    return this.#execution.deps.clock;
  }
  get written(): JsonObject {
    return this.#course.at.step.written;
  }
  async idle<T>(wait: Promise<T>): Promise<T> {
    this.#execution.acting--;
    try {
      return await wait;
    } finally {
      this.#execution.acting++;
    }
  }
  late(field: string, seen: JsonObject): Json | undefined {
    const { scope, step } = this.#course.at;
    const expression = step.late?.get(field);
    return expression?.evaluate(Object.assign(Object.create(scope) as typeof scope, seen));
  }
}
