import { query, statement } from '#store/statement.ts';

/** What each device was last told to be, and by whom; the devices themselves are declared in config. */
export const upsertDesired = statement<{ id: string; desired: string; at: number; actor: string }>((db, p) =>
  db
    .insertInto('devices')
    .values({ id: p.id, desired: p.desired, desired_at: p.at, actor: p.actor })
    .onConflict((conflict) =>
      conflict.column('id').doUpdateSet({ desired: p.desired, desired_at: p.at, actor: p.actor }),
    ),
);

export const desiredById = query((db, p: { id: string }) =>
  db.selectFrom('devices').select(['desired', 'desired_at', 'actor']).where('id', '=', p.id),
);
