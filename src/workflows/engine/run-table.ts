import type { ExpressionBuilder, Kysely } from 'kysely';
import { query, statement } from '#store/statement.ts';
import type { Database } from '#store/tables.ts';

/** Statements of the table runs. Keys are the internal integers. */

/** States of a run that has not ended. */
export const LIVE_IN_DATABASE = ['queued', 'running', 'waiting', 'paused'];

export interface NewRunRow {
  readonly [column: string]: string | number | null;
  readonly key: number;
  readonly id: string;
  readonly version_key: number;
  readonly status: string;
  readonly actor: string;
  readonly trigger_data: string;
  readonly input: string;
  readonly parent_run: number | null;
  readonly parent_path: string | null;
  readonly line: string | null;
  readonly priority: number;
  readonly start_at: number | null;
  readonly forked_from: string | null;
  readonly created_at: number;
  readonly started_at: number | null;
}

export const insertRun = statement((db, p: NewRunRow) =>
  db.insertInto('runs').values({
    key: p.key,
    id: p.id,
    version_key: p.version_key,
    status: p.status,
    actor: p.actor,
    trigger_data: p.trigger_data,
    input: p.input,
    parent_run: p.parent_run,
    parent_path: p.parent_path,
    line: p.line,
    priority: p.priority,
    start_at: p.start_at,
    forked_from: p.forked_from,
    created_at: p.created_at,
    started_at: p.started_at,
  }),
);

/** Between running and waiting; a paused run stays paused. */
export const setActivity = statement((db, p: { key: number; status: string }) =>
  db
    .updateTable('runs')
    .set({ status: p.status })
    .where('key', '=', p.key)
    .where('status', 'in', ['running', 'waiting']),
);

export const beginQueuedRun = statement((db, p: { key: number; started_at: number }) =>
  db
    .updateTable('runs')
    .set({ status: 'running', started_at: p.started_at })
    .where('key', '=', p.key)
    .where('status', '=', 'queued'),
);

export const pauseRun = statement((db, p: { key: number }) =>
  db
    .updateTable('runs')
    .set({ status: 'paused' })
    .where('key', '=', p.key)
    .where('status', 'in', ['running', 'waiting']),
);

export const resumeRun = statement((db, p: { key: number; status: string }) =>
  db.updateTable('runs').set({ status: p.status }).where('key', '=', p.key).where('status', '=', 'paused'),
);

/** To another version, while nothing of it is under way. */
export const setRunVersion = statement((db, p: { key: number; version_key: number; status: string }) =>
  db
    .updateTable('runs')
    .set({ version_key: p.version_key })
    .where('key', '=', p.key)
    .where('status', '=', p.status),
);

/** An ended run, with its steps (cascade). */
export const deleteRun = statement((db, p: { key: number }) =>
  db.deleteFrom('runs').where('key', '=', p.key).where('status', 'in', ['completed', 'failed', 'cancelled']),
);

export const reopenRun = statement((db, p: { key: number; started_at: number }) =>
  db
    .updateTable('runs')
    .set({
      ...{ status: 'running', error: null, output: null, ended_at: null, ending: null },
      started_at: p.started_at,
    })
    .where('key', '=', p.key)
    .where('status', 'in', ['failed', 'cancelled']),
);

export const finishRun = statement(
  (db, p: { key: number; status: string; output: string | null; error: string | null; ended_at: number }) =>
    db
      .updateTable('runs')
      .set({ status: p.status, output: p.output, error: p.error, ended_at: p.ended_at })
      .where('key', '=', p.key)
      .where('status', 'in', LIVE_IN_DATABASE),
);

/** The run that a step had started is no longer that step's: the step may start another. */
export const detachChild = statement((db, p: { run: number; path: string }) =>
  db
    .updateTable('runs')
    .set({ parent_path: null })
    .where('parent_run', '=', p.run)
    .where('parent_path', '=', p.path),
);

/** The workflow's name and version by subselects: a join costs 7 µs more than the whole rest of the query. */
function runRows(db: Kysely<Database>) {
  return db
    .selectFrom('runs')
    .select([
      'runs.key',
      'runs.id',
      'runs.version_key',
      'runs.status',
      'runs.actor',
      'runs.trigger_data',
      'runs.input',
      'runs.output',
      'runs.error',
      'runs.parent_run',
      'runs.parent_path',
      'runs.line',
      'runs.priority',
      'runs.start_at',
      'runs.forked_from',
      'runs.created_at',
      'runs.started_at',
      'runs.ended_at',
      'runs.ending',
    ])
    .select((e) => [
      e
        .selectFrom('workflow_versions')
        .select('workflow')
        .whereRef('workflow_versions.key', '=', 'runs.version_key')
        .$asScalar()
        .$notNull()
        .as('workflow'),
      e
        .selectFrom('workflow_versions')
        .select('version')
        .whereRef('workflow_versions.key', '=', 'runs.version_key')
        .$asScalar()
        .$notNull()
        .as('version'),
    ]);
}

export const runById = query((db, p: { id: string }) => runRows(db).where('runs.id', '=', p.id));

export const runByKey = query((db, p: { key: number }) => runRows(db).where('runs.key', '=', p.key));

export const runByParent = query((db, p: { run: number; path: string }) =>
  runRows(db).where('runs.parent_run', '=', p.run).where('runs.parent_path', '=', p.path),
);

/** Newest first. `statuses` is a JSON array; null means any. */
export const pageOfRuns = query((db, p: { before: number; statuses: string | null; limit: number }) =>
  runRows(db)
    .where('runs.key', '<', p.before)
    .where((e) => statusIn(e, p.statuses))
    .orderBy('runs.key', 'desc')
    .limit(p.limit),
);

/** The same of one workflow. */
export const pageOfWorkflow = query(
  (db, p: { workflow: string; before: number; statuses: string | null; limit: number }) =>
    runRows(db)
      .where('runs.version_key', 'in', (e) =>
        e.selectFrom('workflow_versions').select('key').where('workflow', '=', p.workflow),
      )
      .where('runs.key', '<', p.before)
      .where((e) => statusIn(e, p.statuses))
      .orderBy('runs.key', 'desc')
      .limit(p.limit),
);

function statusIn(e: ExpressionBuilder<Database, 'runs'>, statuses: string | null) {
  const listed = e.fn<{ value: string }>('json_each', [e.val(statuses)]).as('listed');
  return e.or([
    e(e.val(statuses), 'is', null),
    e('runs.status', 'in', e.selectFrom(listed).select('listed.value')),
  ]);
}

export const lastRunKey = query((db, _p: Record<never, never>) =>
  db.selectFrom('runs').select((e) => e.fn.max('key').as('key')),
);

export const runCounts = query((db, _p: Record<never, never>) =>
  db
    .selectFrom('runs')
    .select((e) => ['status', e.fn.countAll<number>().as('count')])
    .groupBy('status'),
);

/** A row of {@link runById} and its like. */
export interface RunRow {
  readonly key: number;
  readonly id: string;
  readonly version_key: number;
  readonly status: string;
  readonly actor: string;
  readonly trigger_data: string;
  readonly input: string;
  readonly output: string | null;
  readonly error: string | null;
  readonly parent_run: number | null;
  readonly parent_path: string | null;
  readonly line: string | null;
  readonly priority: number;
  readonly start_at: number | null;
  readonly forked_from: string | null;
  readonly created_at: number;
  readonly started_at: number | null;
  readonly ended_at: number | null;
  /** See the table. */
  readonly ending: string | null;
  readonly workflow: string;
  readonly version: number;
}
