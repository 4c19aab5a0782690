import { query, statement } from '#store/statement.ts';

/** Secrets in chainbot.db, sealed, and the root keys that wrap them (their ids, never the keys). */

export const MOST_SECRETS = 1000;
const COLUMNS = [
  'name',
  'version',
  'kind',
  'key_id',
  'wrapped',
  'sealed',
  'created_at',
  'updated_at',
] as const;

export interface SecretRow {
  readonly name: string;
  readonly version: number;
  readonly kind: string;
  readonly key_id: string;
  readonly wrapped: string;
  readonly sealed: string;
  readonly created_at: number;
  readonly updated_at: number;
}

export interface KeyRow {
  readonly id: string;
  readonly source: string;
  readonly params: string | null;
  readonly created_at: number;
}

export const allSecrets = query((db, _: Record<string, never>) =>
  db.selectFrom('secrets').select(COLUMNS).orderBy('name').limit(MOST_SECRETS),
);

export const secretNames = query((db, _: Record<string, never>) =>
  db.selectFrom('secrets').select('name').orderBy('name').limit(MOST_SECRETS),
);

export const secretByName = query((db, p: { name: string }) =>
  db.selectFrom('secrets').select(COLUMNS).where('name', '=', p.name),
);

export const secretsByKey = query((db, _: Record<string, never>) =>
  db
    .selectFrom('secrets')
    .select(({ fn }) => ['key_id', fn.countAll<number>().as('count')])
    .groupBy('key_id')
    .limit(MOST_SECRETS),
);

export const insertSecret = statement(
  (db, p: { name: string; kind: string; key_id: string; wrapped: string; sealed: string; now: number }) =>
    db.insertInto('secrets').values({
      name: p.name,
      version: 1,
      kind: p.kind,
      key_id: p.key_id,
      wrapped: p.wrapped,
      sealed: p.sealed,
      created_at: p.now,
      updated_at: p.now,
    }),
);

/** The next version takes the place of the one before. */
export const replaceSecret = statement(
  (
    db,
    p: {
      name: string;
      before: number;
      version: number;
      kind: string;
      key_id: string;
      wrapped: string;
      sealed: string;
      now: number;
    },
  ) =>
    db
      .updateTable('secrets')
      .set({
        version: p.version,
        kind: p.kind,
        key_id: p.key_id,
        wrapped: p.wrapped,
        sealed: p.sealed,
        updated_at: p.now,
      })
      .where('name', '=', p.name)
      .where('version', '=', p.before),
);

export const rewrapSecret = statement(
  (db, p: { name: string; version: number; before: string; key_id: string; wrapped: string }) =>
    db
      .updateTable('secrets')
      .set({ key_id: p.key_id, wrapped: p.wrapped })
      .where('name', '=', p.name)
      .where('version', '=', p.version)
      .where('key_id', '=', p.before),
);

export const removeSecret = statement((db, p: { name: string }) =>
  db.deleteFrom('secrets').where('name', '=', p.name),
);

export const allKeys = query((db, p: { limit: number }) =>
  db
    .selectFrom('vault_keys')
    .select(['id', 'source', 'params', 'created_at'])
    .orderBy('created_at', 'desc')
    .orderBy('id')
    .limit(p.limit),
);

export const putKey = statement((db, p: { id: string; source: string; params: string | null; now: number }) =>
  db
    .insertInto('vault_keys')
    .values({ id: p.id, source: p.source, params: p.params, created_at: p.now })
    .onConflict((conflict) => conflict.column('id').doNothing()),
);

/** Forgets keys that wrap nothing any more, but not the one in use. */
export const dropUnusedKeys = statement((db, p: { id: string }) =>
  db
    .deleteFrom('vault_keys')
    .where('id', '!=', p.id)
    .where('id', 'not in', (inner) => inner.selectFrom('secrets').select('key_id')),
);
