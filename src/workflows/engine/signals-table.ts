import { query, statement } from '#store/statement.ts';
import { LIVE_IN_DATABASE } from './run-table.ts';

/** Statements of the table signals. */

/** A signal for a run that is live; no row when it is not. */
export const insertSignal = statement(
  (db, p: { run: number; name: string; payload: string; created_at: number }) =>
    db
      .insertInto('signals')
      .columns(['run', 'name', 'payload', 'created_at'])
      .expression((e) =>
        e
          .selectFrom('runs')
          .select((s) => [
            'runs.key',
            s.val(p.name).as('name'),
            s.val(p.payload).as('payload'),
            s.val(p.created_at).as('created_at'),
          ])
          .where('runs.key', '=', p.run)
          .where('runs.status', 'in', LIVE_IN_DATABASE),
      ),
);

/** What nobody took when the run has completed. */
export const deleteSignals = statement((db, p: { run: number }) =>
  db.deleteFrom('signals').where('run', '=', p.run),
);

export const oldestSignal = query((db, p: { run: number; name: string; after: number }) =>
  db
    .selectFrom('signals')
    .select(['key', 'payload'])
    .where('run', '=', p.run)
    .where('name', '=', p.name)
    .where('key', '>', p.after)
    .orderBy('key')
    .limit(1),
);

export const countSignals = query((db, p: { run: number }) =>
  db
    .selectFrom('signals')
    .select((e) => e.fn.countAll<number>().as('count'))
    .where('run', '=', p.run),
);

export const deleteSignal = statement((db, p: { key: number }) =>
  db.deleteFrom('signals').where('key', '=', p.key),
);
