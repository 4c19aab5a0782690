import { eventMatcher } from '#bus/event-filter.ts';
import type { EventLogPort, LogEvent } from '#bus/port.ts';
import type { Json } from '#core/json.ts';
import type { Expression } from '../expressions/expression.ts';
import { evaluateCondition } from '../expressions/expression.ts';
import type { RunScope } from './run-facts.ts';

export interface EventWish {
  /** Exact type or prefix ending in `*`. */
  readonly type: string;
  readonly afterSeq: number;
  readonly where: Expression | undefined;
  readonly scope: RunScope;
}

const PAGE = 500;

/** Finds, for waiting steps, the first event after a place in the log that they wish for. */
export class EventWaits {
  readonly #log: EventLogPort;

  constructor(log: EventLogPort) {
    this.#log = log;
  }

  head(): number {
    return this.#log.head();
  }

  /** @throws TerminalError `expression.failed` when `where` can't be evaluated */
  async next(wish: EventWish, signal: AbortSignal): Promise<Json> {
    const passes = eventMatcher({ types: [wish.type] });
    for (let seq = wish.afterSeq; ; ) {
      const page = this.#log.after(seq, PAGE);
      for (const event of page) {
        if (passes(event) && accepts(wish, event)) return eventView(event);
      }
      seq = page.at(-1)?.seq ?? Math.max(seq, this.#log.head());
      if (page.length === 0) await this.#log.waitBeyond(seq, signal);
      signal.throwIfAborted();
    }
  }
}

function accepts(wish: EventWish, event: LogEvent): boolean {
  if (!wish.where) return true;
  const scope = Object.assign(Object.create(wish.scope) as RunScope, { event: eventView(event) });
  return evaluateCondition(wish.where, scope);
}

/** An event as expressions see it. */
export function eventView(event: LogEvent): Json {
  return {
    type: event.type,
    subject: event.subject,
    actor: event.actor,
    time: new Date(event.time).toISOString(),
    seq: event.seq,
    data: event.data,
  };
}
