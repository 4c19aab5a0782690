import type { ErrorRecord } from '#core/errors.ts';
import { Unit } from '#store/unit.ts';
import { endEvent, runEvent } from './run-events.ts';
import { beginQueuedRun, finishRun, type RunRow } from './run-table.ts';
import { deleteWakes } from './steps-table.ts';

/** What happens to runs that are in no execution, each a unit: the row, its wakes, the event. */

interface Named {
  readonly key: number;
  readonly id: string;
  readonly workflow: string;
  readonly version: number;
}

/** A run whose definition can no longer be read. */
export function failedRun(row: RunRow, error: ErrorRecord, now: number): Unit {
  const { key } = row;
  return new Unit()
    .add(deleteWakes, { run: key })
    .add(finishRun, { key, status: 'failed', output: null, error: JSON.stringify(error), ended_at: now }, 1)
    .event(endEvent(row, row.created_at, { status: 'failed', error }, now));
}

/** The turn, or the time, of a run has come; goes with its first step's intent. */
export function begunQueued(run: Named, actor: string, hasWake: boolean, now: number): Unit {
  const unit = new Unit().add(beginQueuedRun, { key: run.key, started_at: now }, 1);
  if (hasWake) unit.add(deleteWakes, { run: run.key });
  return unit.event(runEvent('chainbot.workflow.started', run, actor, now));
}

/** A run whose turn, or whose time, can no longer come. */
export function cancelledQueued(
  run: Named,
  by: { readonly actor: string; readonly reason: string },
  now: number,
): Unit {
  return new Unit()
    .add(deleteWakes, { run: run.key })
    .add(finishRun, { key: run.key, status: 'cancelled', output: null, error: null, ended_at: now }, 1)
    .event(endEvent(run, now, { status: 'cancelled', by }, now));
}

/** A run that was put into a unit which is not committed yet, and will not begin. */
export function cancelledBegin(run: Named, createdAt: number, now: number, pending: Unit): void {
  const by = { actor: 'system:chainbot', reason: 'the run that started it gave up' };
  pending.add(finishRun, { key: run.key, status: 'cancelled', output: null, error: null, ended_at: now });
  pending.event(endEvent(run, createdAt, { status: 'cancelled', by }, now));
}
