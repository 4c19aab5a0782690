import type { ErrorRecord } from '#core/errors.ts';
import type { Json, JsonObject } from '#core/json.ts';
import { priorityOf } from '../definition/concurrency.ts';
import type { RunDetail, RunStatus, RunSummary, StepRecord, StepStatus } from '../runs-port.ts';
import { wasUndone } from './reopen.ts';
import { legalVerbs } from './run-state.ts';
import type { RunRow } from './run-table.ts';
import type { StepRow } from './steps-table.ts';

/** A row as the port shows it. */
export function runSummary(row: RunRow): RunSummary {
  return {
    id: row.id,
    workflow: row.workflow,
    version: row.version,
    status: row.status as RunStatus,
    actor: row.actor,
    trigger: JSON.parse(row.trigger_data) as JsonObject,
    priority: priorityOf(row.priority),
    startAt: row.start_at,
    forkedFrom: row.forked_from,
    createdAt: row.created_at,
    startedAt: row.started_at,
    endedAt: row.ended_at,
    error: parsed<ErrorRecord>(row.error),
  };
}

/** The run with its steps in the order they began. */
export function runDetail(row: RunRow, steps: readonly StepRow[]): RunDetail {
  return {
    ...runSummary(row),
    input: JSON.parse(row.input) as Json,
    output: parsed<Json>(row.output),
    steps: steps.toSorted((a, b) => a.ordinal - b.ordinal).map(stepRecord),
    verbs: legalVerbs(row.status as RunStatus).filter((verb) => verb !== 'retry' || !wasUndone(steps)),
  };
}

function stepRecord(row: StepRow): StepRecord {
  return {
    path: row.path,
    id: row.id,
    type: row.type,
    status: row.status as StepStatus,
    attempts: row.attempts,
    output: parsed<Json>(row.output),
    error: parsed<ErrorRecord>(row.error),
    history: parsed<StepRecord['history']>(row.history) ?? [],
    startedAt: row.started_at,
    endedAt: row.ended_at,
  };
}

/** JSON text of a column, or null. */
export function parsed<T>(text: string | null): T | null {
  return text === null ? null : (JSON.parse(text) as T);
}
