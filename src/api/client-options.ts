import type { Json } from '#core/json.ts';
import type { BulkVerbAnswer, RunPriorityAnswer, RunStatusAnswer } from './contract/run.ts';

export interface StartOptions {
  readonly input?: Json | undefined;
  readonly version?: number | undefined;
  /** The same key and input answer with the same run for 24 h. */
  readonly idempotencyKey?: string | undefined;
  readonly priority?: RunPriorityAnswer | undefined;
  /** RFC 3339: begin at this time. */
  readonly start_at?: string | undefined;
  /** Begin after this long: `10m`, or seconds. */
  readonly in?: string | number | undefined;
}

export interface ForkOptions {
  /** The path of the step that is to run again; absent: from the beginning. */
  readonly step?: string | undefined;
  readonly input?: Json | undefined;
  readonly version?: number | undefined;
}

export interface BulkOptions {
  readonly verb: BulkVerbAnswer;
  readonly workflow?: string | undefined;
  readonly status?: readonly RunStatusAnswer[] | undefined;
  /** Of `migrate`. */
  readonly version?: number | undefined;
  readonly limit?: number | undefined;
}

export interface RunQuery {
  readonly workflow?: string | undefined;
  readonly status?: readonly RunStatusAnswer[] | undefined;
  readonly limit?: number | undefined;
  readonly cursor?: string | undefined;
}

export interface EventQuery {
  readonly after?: number | undefined;
  readonly before?: number | undefined;
  readonly limit?: number | undefined;
  readonly types?: readonly string[] | undefined;
  readonly subject?: string | undefined;
}

export interface HistoryQuery {
  /** RFC 3339. */
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly limit?: number | undefined;
}
