import { query, statement } from '#store/statement.ts';

/** Tokens in chainbot.db: a revoked one keeps its row, so that events of it can be told apart for ever. */

export const activeTokens = query((db, p: { limit: number }) =>
  db
    .selectFrom('tokens')
    .select(['id', 'name', 'hash', 'created_at', 'last_used_at'])
    .where('revoked_at', 'is', null)
    .orderBy('created_at')
    .orderBy('id')
    .limit(p.limit),
);

export const insertToken = statement((db, p: { id: string; name: string; hash: string; now: number }) =>
  db.insertInto('tokens').values({
    id: p.id,
    name: p.name,
    hash: p.hash,
    created_at: p.now,
    last_used_at: null,
    revoked_at: null,
  }),
);

export const revokeToken = statement((db, p: { id: string; now: number }) =>
  db.updateTable('tokens').set({ revoked_at: p.now }).where('id', '=', p.id).where('revoked_at', 'is', null),
);

export const touchToken = statement((db, p: { id: string; now: number }) =>
  db
    .updateTable('tokens')
    .set({ last_used_at: p.now })
    .where('id', '=', p.id)
    .where('revoked_at', 'is', null),
);
