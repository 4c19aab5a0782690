import { sql } from 'kysely';
import type { ErrorRecord } from '#core/errors.ts';
import type { Json, JsonObject } from '#core/json.ts';
import { query } from '#store/statement.ts';
import type { RunDetail, RunStatus, StepRecord, StepStatus } from '../port.ts';
import { legalVerbs } from './run-state.ts';

/**
 * A run with its steps as one JSON text: SQLite puts it together and one JSON.parse takes it apart, which
 * costs a third of fetching some hundred columns one by one.
 */
export const runDetailById = query((db, p: { id: string; steps: number }) =>
  db
    .selectFrom('runs')
    .innerJoin('workflow_versions', 'workflow_versions.key', 'runs.version_key')
    .select([
      sql<string>`json_array(runs.id, workflow_versions.workflow, workflow_versions.version, runs.status, runs.actor,
        json(runs.trigger_data), json(runs.input), json(runs.output), json(runs.error), runs.created_at,
        runs.started_at, runs.ended_at,
        (SELECT json_group_array(json_array(path, id, type, status, attempts, json(output), json(error),
          json(history), started_at, ended_at))
         FROM (SELECT * FROM steps WHERE run = runs.key ORDER BY ordinal LIMIT ${p.steps})))`.as('text'),
    ])
    .where('runs.id', '=', p.id),
);

type Row = [
  id: string,
  workflow: string,
  version: number,
  status: RunStatus,
  actor: string,
  trigger: JsonObject,
  input: Json,
  output: Json,
  error: ErrorRecord | null,
  createdAt: number,
  startedAt: number | null,
  endedAt: number | null,
  steps: StepRow[],
];

type StepRow = [
  path: string,
  id: string,
  type: string,
  status: StepStatus,
  attempts: number,
  output: Json,
  error: ErrorRecord | null,
  history: StepRecord['history'] | null,
  startedAt: number,
  endedAt: number | null,
];

/** The text of {@link runDetailById} as the port shows it. */
export function runDetailOf(text: string): RunDetail {
  const row = JSON.parse(text) as Row;
  const [id, workflow, version, status, actor, trigger, input, output, error] = row;
  const [createdAt, startedAt, endedAt, steps] = [row[9], row[10], row[11], row[12]];
  return {
    ...{ id, workflow, version, status, actor, trigger, createdAt, startedAt, endedAt, error },
    input,
    output,
    steps: steps.map(stepOf),
    verbs: legalVerbs(status),
  };
}

function stepOf(row: StepRow): StepRecord {
  const [path, id, type, status, attempts, output, error, history, startedAt, endedAt] = row;
  return { path, id, type, status, attempts, output, error, history: history ?? [], startedAt, endedAt };
}
