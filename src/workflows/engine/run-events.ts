import { eventRow } from '#bus/event-row.ts';
import type { ErrorRecord } from '#core/errors.ts';
import type { EventRow } from '#store/unit.ts';
import type { RunIdentity } from './journal.ts';

type Named = Pick<RunIdentity, 'id' | 'workflow' | 'version'>;

/** How a run ended; `by` is who cancelled it, and why. */
export interface EndOfRun {
  readonly status: 'completed' | 'failed' | 'cancelled';
  readonly error?: ErrorRecord | null;
  readonly by?: { readonly actor: string; readonly reason: string } | undefined;
}

/** Something that happened to a run and has nothing to tell but which run. */
export function runEvent(
  type:
    | 'chainbot.workflow.queued'
    | 'chainbot.workflow.started'
    | 'chainbot.workflow.paused'
    | 'chainbot.workflow.resumed'
    | 'chainbot.workflow.retried'
    | 'chainbot.workflow.deleted',
  { id, workflow, version }: Named,
  actor: string,
  now: number,
): EventRow {
  return eventRow(type, `run/${id}`, actor, { run: id, workflow, version }, now);
}

/** A run that begins later; `startAt` in Unix milliseconds. */
export function laterEvent(
  { id, workflow, version }: Named,
  actor: string,
  startAt: number,
  now: number,
): EventRow {
  const data = { run: id, workflow, version, start_at: new Date(startAt).toISOString() };
  return eventRow('chainbot.workflow.scheduled', `run/${id}`, actor, data, now);
}

/** A run that goes on from the journal of another; `step` is where, null for its beginning. */
export function forkEvent(
  { id, workflow, version }: Named,
  actor: string,
  fork: { readonly from: string; readonly step: string | null },
  now: number,
): EventRow {
  const data = { run: id, workflow, version, ...fork };
  return eventRow('chainbot.workflow.forked', `run/${id}`, actor, data, now);
}

/** A run was moved to another version of its workflow; `from` is the version it had. */
export function migrateEvent(
  { id, workflow, version }: Named,
  from: number,
  actor: string,
  now: number,
): EventRow {
  return eventRow(
    'chainbot.workflow.migrated',
    `run/${id}`,
    actor,
    { run: id, workflow, version, from },
    now,
  );
}

/** A run that was under way when the daemon ended; `interrupted` are the paths of its steps that were. */
export function recoveredEvent(
  { id, workflow, version }: Named,
  interrupted: string[],
  now: number,
): EventRow {
  const data = { run: id, workflow, version, interrupted };
  return eventRow('chainbot.workflow.recovered', `run/${id}`, 'system:chainbot', data, now);
}

/** The one event that a run ends with; `from` is when it began (Unix milliseconds). */
export function endEvent(run: Named, from: number, end: EndOfRun, now: number): EventRow {
  const { id, workflow, version } = run;
  const own = `run:${id}`;
  const subject = `run/${id}`;
  const data = { run: id, workflow, version, duration_ms: now - from };
  switch (end.status) {
    case 'completed':
      return eventRow('chainbot.workflow.completed', subject, own, data, now);
    case 'failed':
      return eventRow(
        'chainbot.workflow.failed',
        subject,
        own,
        { ...data, error: end.error as ErrorRecord },
        now,
      );
    case 'cancelled': {
      const { actor, reason } = end.by ?? { actor: own, reason: 'cancelled' };
      return eventRow('chainbot.workflow.cancelled', subject, actor, { ...data, reason }, now);
    }
  }
}
