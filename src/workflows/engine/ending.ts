import type { ErrorRecord } from '#core/errors.ts';
import { statement } from '#store/statement.ts';

/** How a run ends once it has cleaned up. */
export interface Ending {
  readonly status: 'failed' | 'cancelled';
  /** What undos and `finally` see as `error`. */
  readonly error: ErrorRecord;
  readonly by: { readonly actor: string; readonly reason: string } | null;
}

/** Once in a run's life, until it is retried. */
export const keepEnding = statement((db, p: { key: number; ending: string }) =>
  db.updateTable('runs').set({ ending: p.ending }).where('key', '=', p.key).where('ending', 'is', null),
);
