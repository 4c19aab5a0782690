import type { Actor } from '#core/actor.ts';
import type { Clock } from '#core/clock.ts';
import type { Json, JsonObject } from '#core/json.ts';
import type { Log } from '#core/log.ts';
import type { Concealer } from '#vault/port.ts';
import type { OnInterrupt } from './definition-port.ts';

/** What a person is to be told; `at` in Unix milliseconds. */
export interface Notice {
  readonly id: string;
  readonly severity: 'info' | 'warning' | 'error' | 'critical';
  readonly title: string;
  readonly body: string;
  readonly key: string | null;
  readonly run: string;
  readonly at: number;
}

/** A way to reach people: one of the `targets` of a notification. Rooms register theirs. */
export interface NotificationChannel {
  /** As it stands in `targets`: `mqtt`, or `mqtt: garden/alarm` with an option. */
  readonly name: string;
  /** What is wrong with the option as it is written (null: none); undefined when it is well. */
  fault(option: Json): string | undefined;
  /**
   * Resolves when somebody else keeps it. `key` is the same in every attempt: doing it again must be harmless, or
   * known by it.
   */
  deliver(notice: Notice, option: Json, key: string, signal: AbortSignal): Promise<void>;
}

/** What an `approval` step asks. Times are Unix milliseconds. */
export interface ApprovalRecord {
  readonly id: string;
  readonly run: string;
  readonly workflow: string;
  readonly path: string;
  readonly title: string;
  readonly body: string;
  /** Who may answer; null: anyone. */
  readonly roles: readonly string[] | null;
  /** withdrawn: its run ended or went on without it. */
  readonly status: 'open' | 'approved' | 'rejected' | 'expired' | 'withdrawn';
  readonly deadlineAt: number | null;
  /** The answer when nobody has answered in time; null: the step fails then. */
  readonly default: 'approve' | 'reject' | null;
  readonly createdAt: number;
  readonly decidedAt: number | null;
  readonly decidedBy: string | null;
  readonly comment: string | null;
}

export interface ApprovalsPort {
  /** Those that wait for an answer, oldest first; `all`: all there are, newest first. */
  list(filter: { readonly all: boolean; readonly limit: number }): readonly ApprovalRecord[];
  /** @throws TerminalError `approval.not_found` */
  get(id: string): ApprovalRecord;
  /**
   * Resolves when the answer is on disk.
   * @throws TerminalError `approval.not_found`, `approval.answered`, `approval.expired`, `approval.withdrawn` (conflict)
   */
  approve(id: string, comment: string | null, actor: Actor): Promise<ApprovalRecord>;
  reject(id: string, comment: string | null, actor: Actor): Promise<ApprovalRecord>;
}

/**
 * What a step type may use while it runs. It is handed to the vault with every question for a secret; texts that
 * are secret for other reasons are named with `conceal`.
 */
export interface StepContext extends Concealer {
  readonly runId: string;
  readonly path: string;
  readonly attempt: number;
  /** `<run id>/<path>`: the same for every attempt of this step. */
  readonly idempotencyKey: string;
  readonly actor: Actor;
  /** Aborts on cancel, timeout and shutdown. */
  readonly signal: AbortSignal;
  readonly log: Log;
  readonly clock: Clock;
  /** How long this attempt may take, milliseconds, when the step's `timeout` says; `signal` keeps it. */
  readonly timeoutMs?: number | undefined;
  /** The fields as they stand in the stored definition, before any `{{ … }}` was evaluated. */
  readonly written: JsonObject;
  /**
   * Evaluates one of the type's `late` fields, with `seen` beside the names the step sees; undefined when the
   * definition does not have the field. @throws TerminalError `expression.failed`
   */
  late?(field: string, seen: JsonObject): Json | undefined;
  /** Waits for what goes on without this step: a stop of the daemon does not give it time to end. */
  idle?<T>(wait: Promise<T>): Promise<T>;
}

/** A retry policy with its pauses in milliseconds. */
export interface CompiledRetry {
  /** Tries in all, the first one included. */
  readonly maxAttempts: number;
  readonly delayMs: number;
  readonly factor: number;
  readonly maxDelayMs: number;
  readonly jitter: boolean;
}

export interface LateFields {
  /** `success`, `paginate.next`. */
  readonly fields: readonly string[];
  /** Top-level names that only these expressions see. */
  readonly names: readonly string[];
}

/**
 * A kind of step. `check` is called when a definition is stored, with the fields as written; `run` gets them
 * with every `{{ … }}` evaluated.
 */
export interface StepType {
  readonly type: string;
  /** Own fields in which `{{ secret('name') }}` may stand; in all others it is a fault. */
  readonly secretFields?: readonly string[] | undefined;
  /** Faults of the written fields (types, missing, unknown); templates may stand anywhere. */
  check(fields: JsonObject): readonly {
    readonly path: string;
    readonly message: string;
    readonly hint?: string;
  }[];
  /** What happens when the power went while it was under way and the definition does not say. */
  onInterrupt(fields: JsonObject): OnInterrupt;
  /** What `retry` is when the definition says nothing; durations in milliseconds. Absent: one attempt. */
  readonly retry?: CompiledRetry | undefined;
  /** How long an attempt may take when the definition says nothing, milliseconds; absent: the engine's default. */
  readonly attemptMs?: number | undefined;
  /** Expressions asked while the step runs; their fields (dotted) are not evaluated before, and see `names` too. */
  readonly late?: LateFields | undefined;
  /** Throws TerminalError or RetryableError; anything else counts as terminal. The result is normalised to JSON. */
  run(fields: JsonObject, context: StepContext): Promise<unknown>;
  /** JSON Schema of the own fields as they are written, for editors. */
  schema?(): JsonObject;
  /** JSON Schema of the output, as far as it is known; `workflows check` looks at what expressions take of it. */
  readonly output?: JsonObject;
  /** `none`: it changes nothing and asks nobody, so a trial runs it as it is. Absent: a trial records it. */
  readonly effect?: 'none' | 'read' | 'write';
  /** The output in a trial whose case has no answer; absent: made from `output`. undefined: the case must answer. */
  pretend?(fields: JsonObject): Json | undefined;
}
