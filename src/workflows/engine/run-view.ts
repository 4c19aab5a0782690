import type { ErrorRecord } from '#core/errors.ts';
import type { JsonObject } from '#core/json.ts';
import type { RunStatus, RunSummary } from '../port.ts';
import type { RunRow } from './run-table.ts';

/** A row as the port shows it. */
export function runSummary(row: RunRow): RunSummary {
  return {
    id: row.id,
    workflow: row.workflow,
    version: row.version,
    status: row.status as RunStatus,
    actor: row.actor,
    trigger: JSON.parse(row.trigger_data) as JsonObject,
    createdAt: row.created_at,
    startedAt: row.started_at,
    endedAt: row.ended_at,
    error: parsed<ErrorRecord>(row.error),
  };
}

/** JSON text of a column, or null. */
export function parsed<T>(text: string | null): T | null {
  return text === null ? null : (JSON.parse(text) as T);
}
