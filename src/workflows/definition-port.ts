import type { Json, JsonObject } from '#core/json.ts';
import type { TriggerDefinition } from './trigger-port.ts';

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
