import type { Actor } from '#core/actor.ts';
import type { Clock } from '#core/clock.ts';
import type { ErrorRecord } from '#core/errors.ts';
import type { Json, JsonObject } from '#core/json.ts';
import type { Log } from '#core/log.ts';
import type { Concealer } from '#vault/port.ts';

// ---- definitions -------------------------------------------------------------------------------------------

export type OnInterrupt = 'retry' | 'fail' | 'skip';

export interface RetryPolicy {
  /** Tries in all, the first one included. */
  readonly max_attempts: number;
  /** First pause; a duration. */
  readonly delay: string | number;
  /** Each pause is the last one times this. */
  readonly factor: number;
  /** No pause is longer; a duration. */
  readonly max_delay: string | number;
  /** Full jitter: a random part of the pause. */
  readonly jitter: boolean;
}

/** What every step has; a step type's own fields stand flat beside these. */
export interface StepDefinition {
  readonly id: string;
  readonly type: string;
  readonly name?: string | undefined;
  /** CEL; false skips the step. */
  readonly when?: string | boolean | undefined;
  readonly retry?: RetryPolicy | undefined;
  readonly timeout?: string | number | undefined;
  /** What a failure does: fail the run, go on, or run these steps and then go on. */
  readonly on_error?: 'fail' | 'continue' | readonly StepDefinition[] | undefined;
  readonly on_interrupt?: OnInterrupt | undefined;
  readonly [field: string]: unknown;
}

export type TriggerDefinition =
  | { readonly type: 'manual' }
  | {
      readonly type: 'schedule';
      readonly cron: string;
      readonly timezone?: string | undefined;
      readonly input?: Json | undefined;
    }
  | {
      readonly type: 'mqtt';
      readonly topic: string;
      readonly when?: string | undefined;
      readonly input?: Json | undefined;
    }
  | {
      readonly type: 'event';
      readonly event: string;
      readonly when?: string | undefined;
      readonly input?: Json | undefined;
    };

export interface WorkflowDefinition {
  readonly name: string;
  readonly description?: string | undefined;
  readonly mode: 'sequential' | 'parallel' | 'conditional';
  /** JSON Schema 2020-12 of the input; defaults in it are filled in. */
  readonly input?: JsonObject | undefined;
  readonly vars?: JsonObject | undefined;
  readonly triggers: readonly TriggerDefinition[];
  /** Runs of this workflow at once; what a further start does. */
  readonly concurrency?:
    | { readonly max: number; readonly on_limit: 'queue' | 'skip' | 'replace' }
    | undefined;
  readonly timeout?: string | number | undefined;
  readonly steps: readonly StepDefinition[];
  /** Template for the run's output; absent: the last step's output. */
  readonly output?: Json | undefined;
  readonly on_error?: readonly StepDefinition[] | undefined;
}

// ---- workflows ---------------------------------------------------------------------------------------------

export interface WorkflowSummary {
  readonly id: string;
  readonly name: string;
  readonly version: number;
  readonly description: string | null;
  readonly triggers: readonly TriggerDefinition[];
  readonly createdAt: number;
  readonly updatedAt: number;
}

export interface WorkflowDetail extends WorkflowSummary {
  readonly definition: WorkflowDefinition;
  /** The text as it was given, comments and all. */
  readonly source: string;
  readonly sourceType: 'yaml' | 'json';
}

export interface WorkflowsPort {
  /**
   * Validates and stores a definition as the next version; the same definition again makes no new version.
   * @throws TerminalError `workflow.invalid` with every fault and its line and column
   */
  save(
    source: string,
    type: 'yaml' | 'json',
    actor: Actor,
  ): Promise<WorkflowSummary & { readonly created: boolean }>;
  list(): readonly WorkflowSummary[];
  /** @throws TerminalError `workflow.not_found` */
  get(name: string, version?: number): WorkflowDetail;
  versions(name: string): readonly {
    readonly version: number;
    readonly createdAt: number;
    readonly actor: string;
  }[];
  /** Takes it out of use; its runs and versions stay. @throws TerminalError `workflow.not_found` */
  remove(name: string, actor: Actor): Promise<void>;
}

// ---- runs --------------------------------------------------------------------------------------------------

export type RunStatus = 'queued' | 'running' | 'waiting' | 'paused' | 'completed' | 'failed' | 'cancelled';
export type StepStatus = 'running' | 'waiting' | 'completed' | 'failed' | 'skipped' | 'cancelled';
export type RunVerb = 'cancel' | 'pause' | 'resume' | 'retry' | 'signal';

export interface StepRecord {
  /** `each/2/tell`: ids of the containers, with the iteration or branch between. */
  readonly path: string;
  readonly id: string;
  readonly type: string;
  readonly status: StepStatus;
  readonly attempts: number;
  readonly output: Json;
  readonly error: ErrorRecord | null;
  /** Failed attempts before the last: when and why. */
  readonly history: readonly {
    readonly attempt: number;
    readonly at: number;
    readonly error: ErrorRecord;
  }[];
  readonly startedAt: number;
  readonly endedAt: number | null;
}

export interface RunSummary {
  readonly id: string;
  readonly workflow: string;
  readonly version: number;
  readonly status: RunStatus;
  readonly actor: string;
  readonly trigger: JsonObject;
  readonly createdAt: number;
  readonly startedAt: number | null;
  readonly endedAt: number | null;
  readonly error: ErrorRecord | null;
}

export interface RunDetail extends RunSummary {
  readonly input: Json;
  readonly output: Json;
  readonly steps: readonly StepRecord[];
  /** What may be done now, from the legality table. */
  readonly verbs: readonly RunVerb[];
}

export interface StartRun {
  readonly workflow: string;
  readonly version?: number | undefined;
  readonly input?: Json | undefined;
  readonly actor: Actor;
  readonly trigger?: JsonObject | undefined;
  /** The client's Idempotency-Key: the same key and input answer with the same run for 24 h. */
  readonly idempotencyKey?: string | undefined;
}

export interface RunFilter {
  readonly workflow?: string | undefined;
  readonly status?: readonly RunStatus[] | undefined;
  /** Opaque, from the page before. */
  readonly cursor?: string | undefined;
  readonly limit: number;
}

export interface RunsPort {
  /**
   * Resolves when the run is on disk.
   * @throws TerminalError `workflow.not_found`, `run.input_invalid`, `idempotency.mismatch` (unprocessable),
   *   `idempotency.in_progress` (conflict)
   * @throws RetryableError `engine.busy`, `store.*`
   */
  start(start: StartRun): Promise<RunSummary & { readonly replayed: boolean }>;
  list(filter: RunFilter): {
    readonly runs: readonly RunSummary[];
    readonly next: string | null;
  };
  /** @throws TerminalError `run.not_found` */
  get(id: string): RunDetail;
  /** @throws TerminalError `run.not_found`, `run.illegal` (conflict) when its status does not allow the verb */
  cancel(id: string, actor: Actor): Promise<RunSummary>;
  pause(id: string, actor: Actor): Promise<RunSummary>;
  resume(id: string, actor: Actor): Promise<RunSummary>;
  /** Starts a failed or cancelled run again where it stopped; committed steps keep their results. */
  retry(id: string, actor: Actor): Promise<RunSummary>;
  /** Wakes a `wait` for this signal; one that comes before its wait is kept. */
  signal(id: string, name: string, payload: Json, actor: Actor): Promise<RunSummary>;
}

// ---- step types --------------------------------------------------------------------------------------------

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
