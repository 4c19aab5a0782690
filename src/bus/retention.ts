import { actorText, SYSTEM } from '#core/actor.ts';
import type { Clock } from '#core/clock.ts';
import type { Log } from '#core/log.ts';
import { type Part, type PartHealth, unwell, WELL } from '#core/part.ts';
import type { ReaderPort, WriterPort } from '#store/port.ts';
import { Unit } from '#store/unit.ts';
import type { EventLog } from './event-log.ts';
import { eventRow } from './event-row.ts';
import { advanceCursor, allCursors, firstEventSince, trimEvents } from './log-table.ts';

export interface RetentionLimits {
  readonly maxAgeMs: number;
  readonly maxCount: number;
  /** More events than this are never kept, whoever has not read them. */
  readonly hardCap: number;
}

const EVERY_MS = 10 * 60_000;
const CHUNK = 2000;

/**
 * Trims the event log by age and count, but never past a durable cursor, until the hard cap: then the cursor
 * is moved, the loss is an event (`chainbot.log.gap`) and the health says who has not read.
 */
export class Retention implements Part {
  readonly name = 'event_log';
  readonly #log: EventLog;
  readonly #store: { readonly reader: ReaderPort; readonly writer: WriterPort };
  readonly #limits: RetentionLimits;
  readonly #clock: Clock;
  readonly #logger: Log;
  #stopping = new AbortController();
  #timer: Disposable | undefined;
  #running: Promise<void> = Promise.resolve();
  #gap: string | undefined;

  constructor(options: {
    log: EventLog;
    store: { readonly reader: ReaderPort; readonly writer: WriterPort };
    limits: RetentionLimits;
    clock: Clock;
    logger: Log;
  }) {
    this.#log = options.log;
    this.#store = options.store;
    this.#limits = options.limits;
    this.#clock = options.clock;
    this.#logger = options.logger;
  }

  async start(_signal: AbortSignal): Promise<void> {
    this.#stopping = new AbortController();
    const again = (): void => {
      this.#running = this.trim(this.#stopping.signal).catch((error: unknown) =>
        this.#logger.warn({ err: error }, 'the event log could not be trimmed'),
      );
      this.#timer = this.#clock.after(EVERY_MS, again);
    };
    this.#timer = this.#clock.after(30_000, again);
  }

  async stop(): Promise<void> {
    this.#timer?.[Symbol.dispose]();
    this.#stopping.abort();
    await this.#running;
  }

  health(): PartHealth {
    if (!this.#gap) return WELL;
    return unwell(
      0.6,
      this.#gap,
      'Bring the broker back or raise events.hard_cap_count; the gap is in the event log.',
    );
  }

  /** One pass; bounded by the number of chunks in the log. */
  async trim(signal: AbortSignal): Promise<void> {
    const head = this.#log.head();
    const tail = this.#log.tail();
    const wanted = Math.max(this.#expired(head), head - this.#limits.maxCount);
    const unread = Math.min(head, ...this.#store.reader.all(allCursors, {}).map((cursor) => cursor.seq));
    const cap = head - this.#limits.hardCap;
    const upTo = Math.max(Math.min(wanted, unread), cap);
    for (let seq = tail - 1; seq < upTo && !signal.aborted; ) {
      seq = Math.min(upTo, seq + CHUNK);
      await this.#store.writer.commit(new Unit().add(trimEvents, { seq }));
      this.#log.forgetTail();
    }
    if (cap > unread) await this.#recordGap(cap);
    else if (unread >= head - this.#limits.maxCount) this.#gap = undefined;
  }

  #expired(head: number): number {
    const time = this.#clock.now() - this.#limits.maxAgeMs;
    const first = this.#store.reader.get(firstEventSince, { time })?.seq;
    return first === undefined ? head : first - 1;
  }

  async #recordGap(cap: number): Promise<void> {
    const late = this.#store.reader.all(allCursors, {}).filter((cursor) => cursor.seq < cap);
    const unit = new Unit();
    const now = this.#clock.now();
    for (const { name, seq } of late) {
      unit.add(advanceCursor, { name, seq: cap, now });
      unit.event(
        eventRow('chainbot.log.gap', '', actorText(SYSTEM), { cursor: name, from: seq + 1, to: cap }, now),
      );
    }
    await this.#store.writer.commit(unit);
    this.#gap = `${late.map((cursor) => cursor.name).join(', ')} did not read events in time; some were dropped`;
  }
}
