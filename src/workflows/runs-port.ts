import type { Actor } from '#core/actor.ts';
import type { ErrorRecord } from '#core/errors.ts';
import type { Json, JsonObject } from '#core/json.ts';
import type { RunPriority, WorkflowDefinition } from './definition-port.ts';
import type { TriggerDefinition } from './trigger-port.ts';

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
