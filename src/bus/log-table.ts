import { query, statement } from '#store/statement.ts';

/** The event log's statements: chainbot.db tables `events` and `cursors`. */

const COLUMNS = ['seq', 'type', 'subject', 'actor', 'time', 'data'] as const;

export const eventsAfter = query((db, p: { seq: number; limit: number }) =>
  db.selectFrom('events').select(COLUMNS).where('seq', '>', p.seq).orderBy('seq').limit(p.limit),
);

export const eventsBefore = query((db, p: { seq: number; limit: number }) =>
  db.selectFrom('events').select(COLUMNS).where('seq', '<', p.seq).orderBy('seq', 'desc').limit(p.limit),
);

export const firstEvent = query((db, _p: Record<never, never>) =>
  db.selectFrom('events').select(['seq']).orderBy('seq').limit(1),
);

/**
 * The first event that is not older than a time, to trim by age: it looks at what is to go and no further. A
 * clock that was wrong for a while can only keep events longer, never take younger ones along.
 */
export const firstEventSince = query((db, p: { time: number }) =>
  db.selectFrom('events').select(['seq']).where('time', '>=', p.time).orderBy('seq').limit(1),
);

export const trimEvents = statement((db, p: { seq: number }) =>
  db.deleteFrom('events').where('seq', '<=', p.seq),
);

export const allCursors = query((db, _p: Record<never, never>) =>
  db.selectFrom('cursors').select(['name', 'seq', 'durable']).limit(1000),
);

export const cursorByName = query((db, p: { name: string }) =>
  db.selectFrom('cursors').select(['seq']).where('name', '=', p.name),
);

/** Moves a cursor forward, never back; makes it when it is new. */
export const advanceCursor = statement((db, p: { name: string; seq: number; now: number }) =>
  db
    .insertInto('cursors')
    .values({ name: p.name, seq: p.seq, durable: 1, updated_at: p.now })
    .onConflict((conflict) =>
      conflict.column('name').doUpdateSet({ seq: p.seq, updated_at: p.now }).where('cursors.seq', '<', p.seq),
    ),
);

export const forgetCursor = statement((db, p: { name: string }) =>
  db.deleteFrom('cursors').where('name', '=', p.name),
);
