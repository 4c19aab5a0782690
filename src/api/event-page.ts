import { setImmediate as breathe } from 'node:timers/promises';
import { eventMatcher } from '#bus/event-filter.ts';
import type { EventFilter, EventLogPort, LogEvent } from '#bus/port.ts';
import type { EventPage } from './contract/event.ts';

const STEP = 200;
/** Events that one request looks at; what lies beyond is for the next page. */
const MOST_SCANNED = 20_000;

/** Up to `limit` events after `after`, oldest first. `next` is exact even when nothing passed the filter. */
export async function pageAfter(
  log: EventLogPort,
  after: number,
  limit: number,
  filter: EventFilter,
): Promise<EventPage> {
  const passes = eventMatcher(filter);
  const found: LogEvent[] = [];
  let next = after;
  for (let scanned = 0; scanned < MOST_SCANNED && found.length < limit; scanned += STEP) {
    const step = log.after(next, STEP);
    for (const event of step) {
      if (found.length === limit) break;
      next = event.seq;
      if (passes(event)) found.push(event);
    }
    if (step.length < STEP) break;
    await breathe();
  }
  return page(log, found, next);
}

/** Up to `limit` events before `before`, oldest first as well. */
export async function pageBefore(
  log: EventLogPort,
  before: number,
  limit: number,
  filter: EventFilter,
): Promise<EventPage> {
  const passes = eventMatcher(filter);
  const found: LogEvent[] = [];
  let first = before;
  for (let scanned = 0; scanned < MOST_SCANNED && found.length < limit; scanned += STEP) {
    const step = log.before(first, STEP);
    for (const event of step) {
      if (found.length === limit) break;
      first = event.seq;
      if (passes(event)) found.push(event);
    }
    if (step.length < STEP) break;
    await breathe();
  }
  return page(log, found.reverse(), before - 1);
}

function page(log: EventLogPort, events: readonly LogEvent[], next: number): EventPage {
  return {
    events: events.map((event) => ({ ...log.toCloudEvent(event) })),
    next,
    head: log.head(),
    tail: log.tail(),
    epoch: log.epoch,
  };
}
