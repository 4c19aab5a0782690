import type { BulkVerbAnswer, RunPriorityAnswer, RunStatusAnswer, RunVerbAnswer } from '#api/contract/run.ts';

// The contract's own lists are zod schemas: loading zod would cost every `--help` its 200 ms. The types hold
// these to it.
type Listed = { readonly [status in RunStatusAnswer]: 'going' | 'ended' };
const STATUS: Listed = {
  queued: 'going',
  running: 'going',
  waiting: 'going',
  paused: 'going',
  completed: 'ended',
  failed: 'ended',
  cancelled: 'ended',
};

export const RUN_STATUSES = Object.keys(STATUS) as readonly RunStatusAnswer[];

/** The verbs that need nothing but the run. */
export type SteeringVerb = Extract<RunVerbAnswer, 'cancel' | 'pause' | 'resume' | 'retry'>;

/** The verbs that can be used on many runs at once. */
export const BULK_VERBS = [
  'cancel',
  'retry',
  'delete',
  'migrate',
] as const satisfies readonly BulkVerbAnswer[];

export const PRIORITIES = ['low', 'normal', 'high'] as const satisfies readonly RunPriorityAnswer[];

/** Has this run ended, for good or until somebody retries it? */
export function hasEnded(status: RunStatusAnswer): boolean {
  return STATUS[status] === 'ended';
}
