import type { ApiClient } from '#api/client.ts';
import type { RunAnswer } from '#api/contract/run.ts';
import { sleep } from '#core/clock.ts';
import { RetryableError, TerminalError } from '#core/errors.ts';
import { Bell } from './bell.ts';
import { hasEnded } from './run-status.ts';
import type { Session } from './session.ts';
import { StepLog } from './view/step-log.ts';

/** Looks at the run at most this often: a loop of thousands of rounds must not keep the daemon busy with us. */
const LOOK_EVERY_MS = 150;
/** Looks again without an event after this, in case the log itself is ill. */
const SILENCE_MS = 10_000;
/** Events that are read from the log at once. */
const PAGE = 1000;

/**
 * Prints each step of a run as it happens and resolves with the run when it has ended. Events say *when* to
 * look; what is printed comes from the run itself, so that a restart of the daemon or a gap in the log leaves
 * nothing out. Rejects with the signal's reason when that aborts.
 */
export async function followSteps(session: Session, id: string, signal: AbortSignal): Promise<RunAnswer> {
  const api = await session.api();
  const log = new StepLog(session.screen, session.progress, session.io.clock);
  const bell = new Bell(session.io.clock);
  const done = new AbortController();
  const both = AbortSignal.any([signal, done.signal]);
  const listening = listen(session, api, id, bell, both);
  listening.catch((error) => bell.fail(error));
  try {
    for (;;) {
      const run = await look(api, id);
      if (run !== undefined) log.show(run);
      if (run !== undefined && hasEnded(run.status)) return run;
      await sleep(session.io.clock, LOOK_EVERY_MS, signal);
      await bell.heard(SILENCE_MS, signal);
    }
  } finally {
    done.abort();
    await listening.catch(() => {});
  }
}

/** The run now, or undefined while the daemon is away. */
async function look(api: ApiClient, id: string): Promise<RunAnswer | undefined> {
  try {
    return await api.run(id);
  } catch (error) {
    if (error instanceof RetryableError) return undefined;
    throw error;
  }
}

async function listen(
  session: Session,
  api: ApiClient,
  id: string,
  bell: Bell,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    try {
      for await (const frame of api.follow({ subject: `run/${id}`, signal })) {
        if (frame.kind === 'lost') session.progress.show('the connection was lost; waiting for the daemon');
        else bell.ring();
      }
    } catch (error) {
      // The log no longer reaches back to where we were; the run itself still tells everything.
      if (!(error instanceof TerminalError && error.code === 'events.gone')) throw error;
      bell.ring();
    }
  }
}

/**
 * As {@link followSteps} for programs: each event of the run after `after` as one line of JSON. What the stream
 * has not brought when the run is seen to have ended is read from the log, so that no event is left out.
 */
export async function followEvents(
  session: Session,
  id: string,
  after: number,
  signal: AbortSignal,
): Promise<RunAnswer> {
  const api = await session.api();
  const done = new AbortController();
  const both = AbortSignal.any([signal, done.signal]);
  let seen = after;
  try {
    for await (const frame of api.follow({ subject: `run/${id}`, after, signal: both })) {
      if (frame.kind === 'lost') continue;
      if (frame.kind === 'event') {
        session.screen.jsonLine(frame.event);
        seen = frame.event.seq;
        if (!ENDS.test(frame.event.type)) continue;
      }
      const run = await look(api, id);
      if (run === undefined || !hasEnded(run.status)) continue;
      await printRest(session, api, id, seen);
      return run;
    }
  } finally {
    done.abort();
  }
  throw signal.reason ?? new Error('the stream ended');
}

const ENDS = /^chainbot\.workflow\.(completed|failed|cancelled)$/;

/** The run's events after `seen`, up to where the log ends now. */
async function printRest(session: Session, api: ApiClient, id: string, seen: number): Promise<void> {
  let after = seen;
  let head = Number.POSITIVE_INFINITY;
  while (after < head) {
    const page = await api.events({ subject: `run/${id}`, after, limit: PAGE });
    for (const event of page.events) session.screen.jsonLine(event);
    if (page.next <= after) return;
    head = Math.min(head, page.head);
    after = page.next;
  }
}
