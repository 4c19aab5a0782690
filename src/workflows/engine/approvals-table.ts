import { query, statement } from '#store/statement.ts';

/** Statements of the table approvals. A question is open while its row says so and its step waits. */

export const insertApproval = statement(
  (
    db,
    p: {
      id: string;
      run: number;
      path: string;
      title: string;
      body: string;
      roles: string | null;
      deadline_at: number | null;
      fallback: string | null;
      created_at: number;
    },
  ) =>
    db.insertInto('approvals').values({
      id: p.id,
      run: p.run,
      path: p.path,
      title: p.title,
      body: p.body,
      roles: p.roles,
      deadline_at: p.deadline_at,
      fallback: p.fallback,
      status: 'open',
      created_at: p.created_at,
    }),
);

/** One row when it was open and its step still waits, else none. */
export const decideApproval = statement(
  (
    db,
    p: {
      id: string;
      status: string;
      actor: string | null;
      comment: string | null;
      decided_at: number;
    },
  ) =>
    db
      .updateTable('approvals')
      .set({
        status: p.status as 'approved',
        actor: p.actor,
        comment: p.comment,
        decided_at: p.decided_at,
      })
      .where('id', '=', p.id)
      .where('status', '=', 'open')
      .where((e) =>
        e.exists(
          e
            .selectFrom('steps')
            .select('steps.path')
            .whereRef('steps.run', '=', 'approvals.run')
            .whereRef('steps.path', '=', 'approvals.path')
            .where('steps.status', '=', 'waiting'),
        ),
      ),
);

/** Questions of steps that will be asked anew, or never again. */
export const withdrawApprovals = statement((db, p: { run: number; decided_at: number }) =>
  db
    .updateTable('approvals')
    .set({ status: 'withdrawn', decided_at: p.decided_at })
    .where('run', '=', p.run)
    .where('status', '=', 'open'),
);

/** The newest question of a step. */
export const approvalOfStep = query((db, p: { run: number; path: string }) =>
  db
    .selectFrom('approvals')
    .selectAll()
    .where('run', '=', p.run)
    .where('path', '=', p.path)
    .orderBy('id', 'desc')
    .limit(1),
);

export const approvalById = query((db, p: { id: string }) =>
  db
    .selectFrom('approvals')
    .innerJoin('runs', 'runs.key', 'approvals.run')
    .innerJoin('workflow_versions', 'workflow_versions.key', 'runs.version_key')
    .leftJoin('steps', (join) =>
      join.onRef('steps.run', '=', 'approvals.run').onRef('steps.path', '=', 'approvals.path'),
    )
    .selectAll('approvals')
    .select(['runs.id as run_id', 'workflow_versions.workflow', 'steps.status as step_status'])
    .where('approvals.id', '=', p.id),
);

/** The oldest that wait for an answer. */
export const openApprovals = query((db, p: { limit: number }) =>
  db
    .selectFrom('approvals')
    .innerJoin('steps', (join) =>
      join.onRef('steps.run', '=', 'approvals.run').onRef('steps.path', '=', 'approvals.path'),
    )
    .innerJoin('runs', 'runs.key', 'approvals.run')
    .innerJoin('workflow_versions', 'workflow_versions.key', 'runs.version_key')
    .selectAll('approvals')
    .select(['runs.id as run_id', 'workflow_versions.workflow', 'steps.status as step_status'])
    .where('approvals.status', '=', 'open')
    .where('steps.status', '=', 'waiting')
    .orderBy('approvals.created_at')
    .limit(p.limit),
);

/** All of them, newest first: their ids sort by time. */
export const newestApprovals = query((db, p: { limit: number }) =>
  db
    .selectFrom('approvals')
    .innerJoin('runs', 'runs.key', 'approvals.run')
    .innerJoin('workflow_versions', 'workflow_versions.key', 'runs.version_key')
    .leftJoin('steps', (join) =>
      join.onRef('steps.run', '=', 'approvals.run').onRef('steps.path', '=', 'approvals.path'),
    )
    .selectAll('approvals')
    .select(['runs.id as run_id', 'workflow_versions.workflow', 'steps.status as step_status'])
    .orderBy('approvals.id', 'desc')
    .limit(p.limit),
);

export interface ApprovalRow {
  readonly id: string;
  readonly run: number;
  readonly path: string;
  readonly title: string;
  readonly body: string;
  readonly roles: string | null;
  readonly deadline_at: number | null;
  readonly fallback: string | null;
  readonly status: 'open' | 'approved' | 'rejected' | 'expired' | 'withdrawn';
  readonly actor: string | null;
  readonly comment: string | null;
  readonly created_at: number;
  readonly decided_at: number | null;
}

export interface ApprovalOfRunRow extends ApprovalRow {
  readonly run_id: string;
  readonly workflow: string;
  readonly step_status: string | null;
}
