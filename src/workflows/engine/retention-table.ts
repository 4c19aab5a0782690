import { query, statement } from '#store/statement.ts';
import { LIVE_IN_DATABASE } from './run-table.ts';

/** Statements for letting old runs go: each walks the index of a version's runs, oldest first. */

export const versionAfter = query((db, p: { key: number }) =>
  db
    .selectFrom('workflow_versions')
    .select(['key', 'workflow'])
    .where('key', '>', p.key)
    .orderBy('key')
    .limit(1),
);

export const versionKeysOf = query((db, p: { workflow: string }) =>
  db
    .selectFrom('workflow_versions')
    .select('key')
    .where('workflow', '=', p.workflow)
    .orderBy('version', 'desc')
    .limit(10_000),
);

export const oldestRunsOf = query((db, p: { version: number; after: number; limit: number }) =>
  db
    .selectFrom('runs')
    .select(['key', 'status', 'created_at', 'ended_at'])
    .where('version_key', '=', p.version)
    .where('key', '>', p.after)
    .orderBy('key')
    .limit(p.limit),
);

/** Keys alone, newest first: the index has them. */
export const newestKeysOf = query((db, p: { version: number; above: number; limit: number }) =>
  db
    .selectFrom('runs')
    .select('key')
    .where('version_key', '=', p.version)
    .where('key', '>', p.above)
    .orderBy('key', 'desc')
    .limit(p.limit),
);

/** At least so many steps does a run have: `limit` or fewer rows. */
export const countSteps = query((db, p: { run: number; limit: number }) =>
  db
    .selectFrom(db.selectFrom('steps').select('path').where('run', '=', p.run).limit(p.limit).as('some'))
    .select((e) => e.fn.countAll<number>().as('count')),
);

/**
 * Ended runs go, with all that hangs on them. `keys` is a JSON array. One that an idempotency key answers with,
 * or that a live run has started, stays for now.
 */
export const dropRuns = statement((db, p: { keys: string }) =>
  db
    .deleteFrom('runs')
    .where('key', 'in', (e) =>
      e.selectFrom(e.fn<{ value: number }>('json_each', [e.val(p.keys)]).as('old')).select('old.value'),
    )
    .where('ended_at', 'is not', null)
    .where((e) =>
      e.not(e.exists(e.selectFrom('idempotency').select('key').whereRef('idempotency.run', '=', 'runs.key'))),
    )
    .where((e) =>
      e.not(
        e.exists(
          e
            .selectFrom('runs as parent')
            .select('parent.key')
            .whereRef('parent.key', '=', 'runs.parent_run')
            .where('parent.status', 'in', LIVE_IN_DATABASE),
        ),
      ),
    ),
);

/** Some of an ended run's steps: one with very many goes bit by bit. */
export const dropSomeSteps = statement((db, p: { run: number; limit: number }) =>
  db
    .deleteFrom('steps')
    .where('run', '=', p.run)
    .where('path', 'in', (e) => e.selectFrom('steps').select('path').where('run', '=', p.run).limit(p.limit)),
);
