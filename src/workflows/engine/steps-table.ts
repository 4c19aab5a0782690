import { query, statement } from '#store/statement.ts';

/** Statements of the tables steps and wakes: a run's journal. */

export const insertStep = statement(
  (
    db,
    p: {
      run: number;
      path: string;
      ordinal: number;
      id: string;
      type: string;
      status: string;
      attempts: number;
      detail: string | null;
      output: string | null;
      error: string | null;
      started_at: number;
      ended_at: number | null;
    },
  ) =>
    db.insertInto('steps').values({
      run: p.run,
      path: p.path,
      ordinal: p.ordinal,
      id: p.id,
      type: p.type,
      status: p.status,
      attempts: p.attempts,
      detail: p.detail,
      output: p.output,
      error: p.error,
      started_at: p.started_at,
      ended_at: p.ended_at,
    }),
);

const COPIED = [
  'path',
  'ordinal',
  'id',
  'type',
  'status',
  'attempts',
  'detail',
  'output',
  'error',
  'history',
  'started_at',
  'ended_at',
] as const;

/** The steps of one run as another's; `paths` is a JSON array. Nothing of them leaves the database. */
export const copySteps = statement((db, p: { from: number; to: number; paths: string }) =>
  db
    .insertInto('steps')
    .columns(['run', ...COPIED])
    .expression((e) =>
      e
        .selectFrom('steps')
        .select((s) => [s.val(p.to).as('run'), ...COPIED])
        .where('run', '=', p.from)
        .where('path', 'in', (s) =>
          s
            .selectFrom(s.fn<{ value: string }>('json_each', [s.val(p.paths)]).as('kept'))
            .select('kept.value'),
        ),
    ),
);

export const stepAgain = statement((db, p: { run: number; path: string; attempts: number }) =>
  db
    .updateTable('steps')
    .set({ status: 'running', attempts: p.attempts })
    .where('run', '=', p.run)
    .where('path', '=', p.path),
);

export const endStep = statement(
  (
    db,
    p: {
      run: number;
      path: string;
      status: string;
      output: string | null;
      error: string | null;
      ended_at: number;
    },
  ) =>
    db
      .updateTable('steps')
      .set({ status: p.status, output: p.output, error: p.error, ended_at: p.ended_at })
      .where('run', '=', p.run)
      .where('path', '=', p.path)
      .where('status', 'in', ['running', 'waiting']),
);

export const stepPauses = statement((db, p: { run: number; path: string; history: string; error: string }) =>
  db
    .updateTable('steps')
    .set({ status: 'waiting', history: p.history, error: p.error })
    .where('run', '=', p.run)
    .where('path', '=', p.path),
);

export const setStepDetail = statement((db, p: { run: number; path: string; detail: string }) =>
  db.updateTable('steps').set({ detail: p.detail }).where('run', '=', p.run).where('path', '=', p.path),
);

export const cancelSteps = statement((db, p: { run: number; ended_at: number }) =>
  db
    .updateTable('steps')
    .set({ status: 'cancelled', ended_at: p.ended_at })
    .where('run', '=', p.run)
    .where('status', 'in', ['running', 'waiting']),
);

export const cancelStepsBelow = statement(
  (db, p: { run: number; from: string; to: string; ended_at: number }) =>
    db
      .updateTable('steps')
      .set({ status: 'cancelled', ended_at: p.ended_at })
      .where('run', '=', p.run)
      .where('path', '>=', p.from)
      .where('path', '<', p.to)
      .where('status', 'in', ['running', 'waiting']),
);

export const deleteWakesBelow = statement((db, p: { run: number; from: string; to: string }) =>
  db.deleteFrom('wakes').where('run', '=', p.run).where('path', '>=', p.from).where('path', '<', p.to),
);

export const deleteStep = statement((db, p: { run: number; path: string }) =>
  db.deleteFrom('steps').where('run', '=', p.run).where('path', '=', p.path),
);

export const reopenStep = statement((db, p: { run: number; path: string; started_at: number }) =>
  db
    .updateTable('steps')
    .set({ status: 'running', error: null, ended_at: null, started_at: p.started_at })
    .where('run', '=', p.run)
    .where('path', '=', p.path),
);

export const insertWake = statement(
  (
    db,
    p: {
      run: number;
      path: string;
      kind: string;
      due_tick: number | null;
      due_at: number | null;
      match: string | null;
      after_seq: number | null;
      deadline_at: number | null;
    },
  ) =>
    db.insertInto('wakes').values({
      run: p.run,
      path: p.path,
      kind: p.kind as 'timer',
      due_tick: p.due_tick,
      due_at: p.due_at,
      match: p.match,
      after_seq: p.after_seq,
      deadline_at: p.deadline_at,
    }),
);

export const deleteWake = statement((db, p: { run: number; path: string }) =>
  db.deleteFrom('wakes').where('run', '=', p.run).where('path', '=', p.path),
);

export const deleteWakes = statement((db, p: { run: number }) =>
  db.deleteFrom('wakes').where('run', '=', p.run),
);

// ---- reading -----------------------------------------------------------------------------------------------

/** Was this step given up, or did it fail? A run that it had started for itself has lost its reader then. */
export const lostStep = query((db, p: { run: number; path: string }) =>
  db
    .selectFrom('steps')
    .select('path')
    .where('run', '=', p.run)
    .where('path', '=', p.path)
    .where('status', 'in', ['cancelled', 'failed', 'skipped']),
);

/** A journal's columns; `run` is known to whoever asks. */
const STEP_COLUMNS = [
  'path',
  'ordinal',
  'id',
  'type',
  'status',
  'attempts',
  'detail',
  'output',
  'error',
  'history',
  'started_at',
  'ended_at',
] as const;

/** All of a journal, in the order of its paths; sorting by `ordinal` is cheaper outside. */
export const stepsOfRun = query((db, p: { run: number }) =>
  db.selectFrom('steps').select(STEP_COLUMNS).where('run', '=', p.run).limit(1_000_000),
);

/** As much of it as is shown. */
export const stepsShown = query((db, p: { run: number }) =>
  db.selectFrom('steps').select(STEP_COLUMNS).where('run', '=', p.run).limit(10_000),
);

export const wakesOfRun = query((db, p: { run: number }) =>
  db.selectFrom('wakes').selectAll().where('run', '=', p.run).limit(10_000),
);

export interface StepRow {
  readonly path: string;
  readonly ordinal: number;
  readonly id: string;
  readonly type: string;
  readonly status: string;
  readonly attempts: number;
  readonly detail: string | null;
  readonly output: string | null;
  readonly error: string | null;
  readonly history: string | null;
  readonly started_at: number;
  readonly ended_at: number | null;
}

export interface WakeRow {
  readonly run: number;
  readonly path: string;
  readonly kind: string;
  readonly due_tick: number | null;
  readonly due_at: number | null;
  readonly match: string | null;
  readonly after_seq: number | null;
  readonly deadline_at: number | null;
}
