import { query } from '#store/statement.ts';

/** Reading what a trace is made of, without what is large. */

export const runForHistory = query((db, p: { id: string }) =>
  db.selectFrom('runs').select(['key', 'id', 'status', 'version_key', 'output']).where('id', '=', p.id),
);

export const stepOutput = query((db, p: { run: number; path: string }) =>
  db
    .selectFrom('steps')
    .select(['status', 'output'])
    .where('run', '=', p.run)
    .where('path', '=', p.path)
    .limit(1),
);

export const stepStates = query((db, p: { run: number }) =>
  db.selectFrom('steps').select(['id', 'type', 'status', 'attempts']).where('run', '=', p.run).limit(100_000),
);
