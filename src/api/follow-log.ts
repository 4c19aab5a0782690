import { setImmediate as breathe, setTimeout as pause } from 'node:timers/promises';
import { eventMatcher } from '#bus/event-filter.ts';
import type { EventFilter, EventLogPort, LogEvent } from '#bus/port.ts';
import { gone } from './event-position.ts';

/** What a follower got: events that pass, and how far it has looked. No events: a heartbeat is due. */
export interface Batch {
  readonly events: readonly LogEvent[];
  readonly position: number;
}

export interface FollowLogOptions {
  /** From {@link startPosition}. */
  readonly after: number;
  readonly filter: EventFilter;
  readonly heartbeatMs: number;
  readonly signal: AbortSignal;
}

const PAGE = 200;
/** Commits closer together than this are looked at together: at most 100 looks a second for each reader. */
const GATHER_MS = 10;

/**
 * Follows the log from a position until the signal aborts. The log is read only when the caller wants more,
 * so a slow reader costs no memory; pages are read unfiltered and in small pieces, so that a rare event in a
 * long log does not hold the event loop.
 * @throws TerminalError `events.gone` when the log was trimmed past where this reader is
 */
export async function* followLog(log: EventLogPort, options: FollowLogOptions): AsyncGenerator<Batch, void> {
  const { filter, signal } = options;
  const passes = eventMatcher(filter);
  let position = options.after;
  while (!signal.aborted) {
    if (position + 1 < log.tail()) throw gone(log, `the log was trimmed to ${log.tail()}, after ${position}`);
    const page = log.after(position, PAGE);
    position = page.at(-1)?.seq ?? position;
    const events = page.filter(passes);
    if (events.length > 0) yield { events, position };
    if (page.length === PAGE) await breathe();
    else if (await quiet(log, position, options)) yield { events: [], position };
  }
}

/** Waits for more; true when nothing came within the heartbeat's time. */
async function quiet(log: EventLogPort, position: number, options: FollowLogOptions): Promise<boolean> {
  const waiting = new AbortController();
  const stop = (): void => waiting.abort();
  const timer = setTimeout(stop, options.heartbeatMs);
  options.signal.addEventListener('abort', stop, { once: true });
  try {
    await log.waitBeyond(position, waiting.signal);
    if (waiting.signal.aborted) return !options.signal.aborted;
    await pause(GATHER_MS, undefined, { signal: options.signal }).catch(() => {});
    return false;
  } finally {
    clearTimeout(timer);
    options.signal.removeEventListener('abort', stop);
  }
}
