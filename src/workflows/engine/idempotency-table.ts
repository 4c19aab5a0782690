import { query, statement } from '#store/statement.ts';

/** Statements of the table idempotency: which run a client's key has started. */

export const insertIdempotency = statement(
  (db, p: { key: string; fingerprint: string; run: number; created_at: number }) =>
    db
      .insertInto('idempotency')
      .values({ key: p.key, fingerprint: p.fingerprint, run: p.run, created_at: p.created_at }),
);

/** A key whose run was deleted may be used anew. */
export const deleteIdempotency = statement((db, p: { key: string }) =>
  db.deleteFrom('idempotency').where('key', '=', p.key),
);

/** `id` is null when the run was deleted. */
export const idempotencyByKey = query((db, p: { key: string }) =>
  db
    .selectFrom('idempotency')
    .leftJoin('runs', 'runs.key', 'idempotency.run')
    .select(['idempotency.fingerprint', 'runs.id'])
    .where('idempotency.key', '=', p.key),
);

export const dropIdempotencyBefore = statement((db, p: { time: number }) =>
  db.deleteFrom('idempotency').where('created_at', '<', p.time),
);
