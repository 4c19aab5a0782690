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
  /** Run in reverse order of completion when the run fails or is cancelled after this step had completed. */
  readonly undo?: readonly StepDefinition[] | undefined;
  readonly [field: string]: unknown;
}

/** What every trigger but `manual` may have. */
interface TriggerCommon {
  /** false: it is kept, and starts nothing. */
  readonly enabled?: boolean | undefined;
  /** CEL; sees `trigger`. False starts nothing. */
  readonly when?: string | undefined;
  readonly input?: Json | undefined;
  /** Waits until nothing more has come for this long, at most `max` in all; then one run for all of it. */
  readonly debounce?: Duration | { readonly for: Duration; readonly max?: Duration | undefined } | undefined;
  /** At most one run in this long; what comes in between starts nothing. */
  readonly throttle?: Duration | undefined;
}

type Duration = string | number;
type Scalar = boolean | number | string;

export interface ScheduleTrigger extends TriggerCommon {
  readonly type: 'schedule';
  /** This or `every`. */
  readonly cron?: string | undefined;
  /** An interval, aligned to the clock of ticks: the wall clock may jump. */
  readonly every?: Duration | undefined;
  /** Of `cron`. */
  readonly timezone?: string | undefined;
  /** What becomes of times that passed while nobody could keep them; absent: skip. */
  readonly missed?: 'skip' | 'once' | 'all' | undefined;
  /** The newest so many of `missed: all`. */
  readonly limit?: number | undefined;
}

/** POST /api/chainbot/hooks/{name}. One of `secret`, `token` and `token_sha256`. */
export interface WebhookTrigger extends TriggerCommon {
  readonly type: 'webhook';
  /** Absent: the workflow's name. */
  readonly name?: string | undefined;
  /** Name of the vault's secret that bodies are signed with. */
  readonly secret?: string | undefined;
  /** Absent: standard (Standard Webhooks). */
  readonly signature?: 'standard' | 'github' | undefined;
  /** Name of the vault's secret that is sent as a bearer token. */
  readonly token?: string | undefined;
  /** The same, as its SHA-256 in hexadecimal digits. */
  readonly token_sha256?: string | undefined;
  readonly methods?: readonly ('POST' | 'PUT' | 'GET')[] | undefined;
  /** Headers of the request that `trigger.headers` has. */
  readonly headers?: readonly string[] | undefined;
  /** Deliveries in a minute. */
  readonly rate?: number | undefined;
}

/** Becoming `to`, going above or below a level, or falling silent; none of these: any change. */
export interface DeviceTrigger extends TriggerCommon {
  readonly type: 'device';
  readonly device: string;
  readonly to?: Scalar | readonly Scalar[] | undefined;
  readonly from?: Scalar | readonly Scalar[] | undefined;
  readonly above?: number | undefined;
  readonly below?: number | undefined;
  /** How far back over the level it must go before it can go above or below it again. */
  readonly hysteresis?: number | undefined;
  readonly stale?: true | undefined;
  /** It must have been so for this long. */
  readonly for?: Duration | undefined;
}

export interface FileTrigger extends TriggerCommon {
  readonly type: 'file';
  /** Below the folder `files_dir` of the configuration. */
  readonly folder: string;
  /** `*` and `?` in the file's name. */
  readonly pattern?: string | undefined;
  /** Its size must have stood still for this long; absent: 2s. */
  readonly settle?: Duration | undefined;
}

export interface RunEndTrigger extends TriggerCommon {
  readonly type: 'run';
  readonly workflow: string;
  /** Absent: however it ended. */
  readonly status?: readonly ('completed' | 'failed' | 'cancelled')[] | undefined;
}

export type TriggerDefinition =
  | { readonly type: 'manual' }
  | ScheduleTrigger
  | ({ readonly type: 'mqtt'; readonly topic: string } & TriggerCommon)
  | ({ readonly type: 'event'; readonly event: string } & TriggerCommon)
  | WebhookTrigger
  | DeviceTrigger
  | ({ readonly type: 'startup' } & TriggerCommon)
  | FileTrigger
  | RunEndTrigger;

/** A trigger of a workflow in use, with how it stands. Times are Unix milliseconds. */
export interface TriggerStatus {
  readonly workflow: string;
  /** Its place in the definition's `triggers`, from 0. */
  readonly index: number;
  readonly definition: TriggerDefinition;
  readonly enabled: boolean;
  /** When it fires next, where that is known. */
  readonly next: number | null;
  readonly lastFired: number | null;
  /** Why it can't fire now. */
  readonly held: string | null;
  /** It waits out its `debounce`, until then. */
  readonly pending: number | null;
}

export interface TriggersPort {
  /** By workflow, in the order of their definitions. */
  list(): readonly TriggerStatus[];
}

/** A request to /api/chainbot/hooks/{name}, as it came. */
export interface HookRequest {
  readonly name: string;
  readonly method: string;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly query: Readonly<Record<string, string>>;
  /** Exactly the bytes that came, which were UTF-8. */
  readonly body: string;
}

export interface HooksPort {
  /**
   * Checks who sent it; resolves when what it started is on disk.
   * @throws TerminalError `hook.not_found`, `hook.method` (invalid), `hook.unsigned`, `hook.signature_wrong`,
   *   `hook.token_wrong` (unauthenticated), `hook.too_old` (invalid), `hook.malformed` (invalid)
   * @throws RetryableError `hook.too_many` (429), `hook.clock_unknown`, `hook.secret_missing`, `store.*`
   */
  deliver(request: HookRequest): Promise<{ readonly id: string; readonly duplicate: boolean }>;
}

export type RunPriority = 'low' | 'normal' | 'high';

/** Normalised: modes are written out. */
export interface ConcurrencyDefinition {
  readonly max: number;
  readonly on_limit: 'queue' | 'skip' | 'replace';
  /** More than this many that queue are refused with 429. */
  readonly max_queued?: number | undefined;
  /** A template over `input` and `trigger`: runs with the same value are counted together. */
  readonly key?: string | undefined;
}

/** How long ended runs are kept; what is not said, the configuration says. */
export interface RetentionDefinition {
  /** At most so many runs: the oldest that have ended go. */
  readonly keep?: number | undefined;
  readonly days?: number | undefined;
  /** Of those that failed. */
  readonly failures_days?: number | undefined;
}

export interface WorkflowDefinition {
  readonly name: string;
  readonly description?: string | undefined;
  readonly retention?: RetentionDefinition | undefined;
  readonly mode: 'sequential' | 'parallel' | 'conditional';
  /** JSON Schema 2020-12 of the input; defaults in it are filled in. */
  readonly input?: JsonObject | undefined;
  readonly vars?: JsonObject | undefined;
  readonly triggers: readonly TriggerDefinition[];
  /** Runs of this workflow at once; what a further start does. */
  readonly concurrency?: ConcurrencyDefinition | undefined;
  /** Who goes first where runs queue; absent: normal. */
  readonly priority?: RunPriority | undefined;
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

export interface FieldChange {
  readonly field: string;
  /** null where there is none. */
  readonly before: Json;
  readonly after: Json;
}

/** Something that is different between two versions. */
export interface DefinitionChange {
  readonly kind: 'added' | 'removed' | 'changed' | 'moved';
  /** null: a field of the workflow itself. */
  readonly step: string | null;
  /** The list of steps it stands in (`steps`, `check/then`), or the workflow's field. */
  readonly at: string;
  readonly fields: readonly FieldChange[];
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
  /** What is different between two versions, step by step. @throws TerminalError `workflow.not_found` */
  diff(name: string, from: number, to: number): readonly DefinitionChange[];
  /**
   * Stores the text of an earlier version as the next one.
   * @throws TerminalError `workflow.not_found`, `workflow.invalid` when it no longer passes the checks
   */
  rollback(
    name: string,
    version: number,
    actor: Actor,
  ): Promise<WorkflowSummary & { readonly created: boolean }>;
  /** Takes it out of use; its runs and versions stay. @throws TerminalError `workflow.not_found` */
  remove(name: string, actor: Actor): Promise<void>;
}

// ---- runs --------------------------------------------------------------------------------------------------

export type RunStatus = 'queued' | 'running' | 'waiting' | 'paused' | 'completed' | 'failed' | 'cancelled';
export type StepStatus = 'running' | 'waiting' | 'completed' | 'failed' | 'skipped' | 'cancelled';
export type RunVerb = 'cancel' | 'pause' | 'resume' | 'retry' | 'signal' | 'fork' | 'migrate' | 'delete';

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
  readonly priority: RunPriority;
  /** When it begins, or was to begin, of a run that was started for later; Unix milliseconds. */
  readonly startAt: number | null;
  /** The run it was forked from. */
  readonly forkedFrom: string | null;
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
  /** Absent: its workflow's. */
  readonly priority?: RunPriority | undefined;
  /** Begin at this time, Unix milliseconds; a time up to a minute ago is now. */
  readonly startAt?: number | undefined;
  /** Begin after so many milliseconds, whatever the wall clock does. Not with `startAt`. */
  readonly startInMs?: number | undefined;
}

export interface ForkRun {
  /** The path of the step that is to run again; absent: from the beginning. */
  readonly step?: string | undefined;
  /** Absent: the input it had. */
  readonly input?: Json | undefined;
  /** Absent: the version it has. */
  readonly version?: number | undefined;
}

export type BulkVerb = 'cancel' | 'retry' | 'delete' | 'migrate';

export interface BulkRequest {
  readonly verb: BulkVerb;
  /** At least one of the two. */
  readonly workflow?: string | undefined;
  readonly status?: readonly RunStatus[] | undefined;
  /** Of `migrate`; absent: the newest. */
  readonly version?: number | undefined;
  /** So many runs at most, the newest first. */
  readonly limit: number;
}

export interface BulkResult {
  readonly id: string;
  readonly workflow: string;
  /** Afterwards; null when it is deleted, or was refused. */
  readonly status: RunStatus | null;
  readonly error: ErrorRecord | null;
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
   *   `idempotency.in_progress` (conflict), `run.limit` (conflict), `run.start_invalid` (unprocessable)
   * @throws RetryableError `engine.busy`, `run.queue_full` (429), `store.*`
   */
  start(start: StartRun): Promise<RunSummary & { readonly replayed: boolean }>;
  list(filter: RunFilter): {
    readonly runs: readonly RunSummary[];
    readonly next: string | null;
  };
  /** @throws TerminalError `run.not_found` */
  get(id: string): RunDetail;
  /** @throws TerminalError `run.not_found`, `run.illegal` (conflict) when its status does not allow the verb */
  /**
   * Resolves when it has ended, or when its undos and `finally` steps have begun, which still run; with `now`
   * they are left out, or cut off.
   */
  cancel(id: string, actor: Actor, how?: { readonly now?: boolean }): Promise<RunSummary>;
  pause(id: string, actor: Actor): Promise<RunSummary>;
  resume(id: string, actor: Actor): Promise<RunSummary>;
  /** Starts a failed or cancelled run again where it stopped; committed steps keep their results. */
  retry(id: string, actor: Actor): Promise<RunSummary>;
  /** Wakes a `wait` for this signal; one that comes before its wait is kept. */
  signal(id: string, name: string, payload: Json, actor: Actor): Promise<RunSummary>;
  /**
   * A new run that has the old one's journal up to before a step, and goes on from there: what the steps
   * before it did is not done again.
   * @throws TerminalError `run.fork_step_unknown`, `run.fork_step_inside`, `run.version_mismatch` (unprocessable),
   *   and as `start`
   */
  fork(id: string, fork: ForkRun, actor: Actor): Promise<RunSummary>;
  /**
   * Moves a run that queues, waits or is paused to another version (absent: the newest) of its workflow.
   * @throws TerminalError `run.version_mismatch` (unprocessable) when what it has done is different there
   * @throws RetryableError `run.acting` while a step of it is under way
   */
  migrate(id: string, version: number | undefined, actor: Actor): Promise<RunSummary>;
  /** An ended run with its steps. @throws TerminalError `run.in_use` (conflict) while a run waits for it */
  delete(id: string, actor: Actor): Promise<void>;
  /** One verb for many runs: each by itself, with its own answer. @throws TerminalError `run.bulk_invalid` */
  bulk(
    request: BulkRequest,
    actor: Actor,
  ): Promise<{ readonly results: readonly BulkResult[]; readonly more: boolean }>;
  /** Which verb is possible in which states. */
  verbs(): Readonly<Record<RunVerb, readonly RunStatus[]>>;
}

// ---- history -----------------------------------------------------------------------------------------------

/** A line that a step logged. `at` in Unix milliseconds. */
export interface StepLine {
  readonly at: number;
  readonly level: 'info' | 'warn' | 'error';
  readonly message: string;
  readonly fields?: Readonly<Record<string, string>> | undefined;
}

/** An output as JSON text: the text itself, or the file it is in. */
export type OutputText =
  | { readonly text: string }
  | { readonly sha256: string; readonly bytes: number; readonly content: AsyncIterable<Uint8Array> };

/** How the runs of a step have gone, in one run of its workflow: loops make several. */
export interface GraphState {
  readonly status: StepStatus;
  readonly counts: Readonly<Partial<Record<StepStatus, number>>>;
  readonly attempts: number;
}

export interface GraphNode {
  /** The step's id; `start` and `end` are named `(start)` and `(end)`. */
  readonly id: string;
  readonly type: string;
  readonly name?: string | undefined;
  /** The step it lies in, and in which part of that: `then`, `left`, `on_error`. */
  readonly parent?: string | undefined;
  readonly part?: string | undefined;
  /** Absent when it has not begun, and in the graph of a definition. */
  readonly state?: GraphState | undefined;
}

export interface GraphEdge {
  readonly from: string;
  readonly to: string;
  readonly label?: string | undefined;
  /** `error`: taken when `from` fails; `undo`: when the run fails later; `back`: the next round. */
  readonly kind: 'next' | 'error' | 'undo' | 'back';
}

export interface WorkflowGraph {
  readonly workflow: string;
  readonly version: number;
  readonly run?: { readonly id: string; readonly status: RunStatus } | undefined;
  readonly nodes: readonly GraphNode[];
  readonly edges: readonly GraphEdge[];
}

/** What was, and how it hangs together. */
export interface HistoryPort {
  /** By the step's path. @throws TerminalError `run.not_found` */
  logs(run: string): ReadonlyMap<string, readonly StepLine[]>;
  /**
   * A step's output, or the run's own.
   * @throws TerminalError `run.not_found`, `step.not_found`, `step.no_output`, `output.file_missing`
   */
  output(run: string, path?: string): Promise<OutputText>;
  /** @throws TerminalError `workflow.not_found` */
  graph(workflow: string, version?: number): WorkflowGraph;
  /** With the state of every step. @throws TerminalError `run.not_found` */
  runGraph(run: string): WorkflowGraph;
}

// ---- notifications -----------------------------------------------------------------------------------------

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

// ---- approvals ---------------------------------------------------------------------------------------------

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
