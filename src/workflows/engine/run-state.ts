import { TerminalError } from '#core/errors.ts';
import type { RunStatus, RunVerb } from '../runs-port.ts';

export const LIVE: readonly RunStatus[] = ['queued', 'running', 'waiting', 'paused'];

/** What may be done to a run in which state; the API, the CLI and the panel read this table. */
export const LEGAL: Readonly<Record<RunVerb, readonly RunStatus[]>> = Object.freeze({
  cancel: LIVE,
  pause: ['running', 'waiting'],
  resume: ['paused'],
  retry: ['failed', 'cancelled'],
  signal: LIVE,
  fork: ['running', 'waiting', 'paused', 'completed', 'failed', 'cancelled'],
  migrate: ['queued', 'waiting', 'paused'],
  delete: ['completed', 'failed', 'cancelled'],
});

const VERBS = Object.keys(LEGAL) as RunVerb[];

/** The verbs that a run in this state allows. */
export function legalVerbs(status: RunStatus): readonly RunVerb[] {
  return VERBS.filter((verb) => LEGAL[verb].includes(status));
}

/** @throws TerminalError `run.illegal` (conflict) */
export function assertLegal(verb: RunVerb, status: RunStatus, id: string): void {
  if (LEGAL[verb].includes(status)) return;
  throw new TerminalError('conflict', 'run.illegal', `run ${id} is ${status}: it can't be ${PAST[verb]}`, {
    hint: `A run can be ${PAST[verb]} while it is ${LEGAL[verb].join(', ')}.`,
  });
}

const PAST: Readonly<Record<RunVerb, string>> = {
  cancel: 'cancelled',
  pause: 'paused',
  resume: 'resumed',
  retry: 'retried',
  signal: 'signalled',
  fork: 'forked',
  migrate: 'migrated',
  delete: 'deleted',
};

/** Where a verb or an end takes a run; one place, exhaustive. */
export function isLive(status: RunStatus): boolean {
  return LIVE.includes(status);
}
