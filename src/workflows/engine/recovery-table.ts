import { type ExpressionBuilder, sql } from 'kysely';
import { query } from '#store/statement.ts';
import type { Database } from '#store/tables.ts';

/** What a start of the daemon reads of the runs that have not ended; `keys` is a JSON array. */

/**
 * The newest first. The states stand in the text: an index of some states is of use only to a query that says
 * the same ones.
 */
export const liveKeys = query((db, _p: Record<never, never>) =>
  db
    .selectFrom('runs')
    .select(['key', 'status'])
    .where(sql<boolean>`status in ('queued', 'running', 'waiting', 'paused')`)
    .orderBy('key', 'desc')
    .limit(10_000_000),
);

function listed(e: ExpressionBuilder<Database, keyof Database>, keys: string) {
  return e
    .selectFrom(e.fn<{ value: number }>('json_each', [e.val(keys)]).as('listed'))
    .select('listed.value');
}

/** No input and no output: of most of these nothing more is wanted. The newest first. */
export const liveRunsOf = query((db, p: { keys: string }) =>
  db
    .selectFrom('runs')
    .select(['key', 'id', 'version_key', 'status', 'line', 'priority', 'parent_run', 'parent_path'])
    .select((e) => [
      e
        .exists(e.selectFrom('signals').select('signals.key').whereRef('signals.run', '=', 'runs.key'))
        .as('is_signalled'),
      e
        .exists(
          e
            .selectFrom('steps')
            .select('steps.path')
            .whereRef('steps.run', '=', 'runs.key')
            .where('steps.type', '=', 'run_workflow')
            .where('steps.status', '=', 'running'),
        )
        .as('has_open_run'),
      e
        .exists(
          e
            .selectFrom('approvals')
            .innerJoin('steps', (join) =>
              join.onRef('steps.run', '=', 'approvals.run').onRef('steps.path', '=', 'approvals.path'),
            )
            .select('approvals.id')
            .whereRef('approvals.run', '=', 'runs.key')
            .where('approvals.status', '!=', 'open')
            .where('steps.status', '=', 'waiting'),
        )
        .as('has_answer'),
    ])
    .where('key', 'in', (e) => listed(e as never, p.keys))
    .orderBy('key', 'desc')
    .limit(1000),
);

export const wakesOfRuns = query((db, p: { keys: string }) =>
  db
    .selectFrom('wakes')
    .selectAll()
    .where('run', 'in', (e) => listed(e as never, p.keys))
    .limit(1_000_000),
);
