import { query, statement } from '#store/statement.ts';

/** What a person is to be told. At most one unacknowledged row has a given `key` (a unique index keeps that). */
export const insertNotification = statement<{
  id: string;
  key: string | null;
  severity: string;
  title: string;
  body: string;
  run: string;
  targets: string;
  at: number;
}>((db, p) =>
  db.insertInto('notifications').values({
    id: p.id,
    key: p.key,
    severity: p.severity,
    title: p.title,
    body: p.body,
    run: p.run,
    targets: p.targets,
    created_at: p.at,
    acknowledged_at: null,
  }),
);

export const notificationById = query((db, p: { id: string }) =>
  db.selectFrom('notifications').select('id').where('id', '=', p.id),
);

export const openNotificationByKey = query((db, p: { key: string }) =>
  db.selectFrom('notifications').select('id').where('key', '=', p.key).where('acknowledged_at', 'is', null),
);

const COLUMNS = [
  'id',
  'severity',
  'title',
  'body',
  'run',
  'targets',
  'created_at',
  'acknowledged_at',
] as const;

export const newestNotifications = query((db, p: { limit: number }) =>
  db
    .selectFrom('notifications')
    .select(COLUMNS)
    .orderBy('created_at', 'desc')
    .orderBy('id', 'desc')
    .limit(p.limit),
);

export const wholeNotification = query((db, p: { id: string }) =>
  db.selectFrom('notifications').select(COLUMNS).where('id', '=', p.id),
);

export const acknowledgeNotification = statement((db, p: { id: string; now: number }) =>
  db
    .updateTable('notifications')
    .set({ acknowledged_at: p.now })
    .where('id', '=', p.id)
    .where('acknowledged_at', 'is', null),
);
