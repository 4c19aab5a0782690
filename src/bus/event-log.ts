import type { CommitListener, ReaderPort } from '#store/port.ts';
import type { EventRow } from '#store/unit.ts';
import { eventMatcher } from './event-filter.ts';
import { eventsAfter, eventsBefore, firstEvent } from './log-table.ts';
import type { CloudEvent, EventFilter, EventLogPort, LogEvent } from './port.ts';

/** What the log needs of the store. */
export interface LogStore {
  readonly reader: ReaderPort;
  readonly epoch: string;
  readonly headAtOpen: number;
  onCommit(listener: CommitListener): () => void;
}

/** Recent events kept in memory, so that readers who keep up never touch the database. A power of two. */
const RING = 4096;
/** Rows that one call with a filter looks at, at most. */
const MOST_SCANNED = 20_000;
const PAGE = 500;

/** A committed event; its data is parsed when somebody looks. */
class StoredEvent implements LogEvent {
  readonly seq: number;
  readonly #row: EventRow;
  #data: LogEvent['data'] | undefined;

  constructor(seq: number, row: EventRow) {
    this.seq = seq;
    this.#row = row;
  }

  get type(): string {
    return this.#row.type;
  }
  get subject(): string {
    return this.#row.subject;
  }
  get actor(): string {
    return this.#row.actor;
  }
  get time(): number {
    return this.#row.time;
  }
  get data(): LogEvent['data'] {
    this.#data ??= JSON.parse(this.#row.data) as LogEvent['data'];
    return this.#data;
  }
}

/**
 * The durable event log, for readers. Events are written by the store in the unit that changes the state;
 * this hears of them after the commit.
 */
export class EventLog implements EventLogPort {
  readonly #store: LogStore;
  readonly #source: string;
  readonly #ring: (LogEvent | undefined)[] = new Array(RING);
  readonly #waiters = new Set<{ readonly beyond: number; readonly wake: () => void }>();
  #head = 0;
  /** The oldest sequence number in the ring. */
  #ringFrom = 1;
  #tail: number | undefined;

  /** `source` is the CloudEvents source, a URI reference such as `/chainbot/<device id>`. */
  constructor(store: LogStore, source: string) {
    this.#store = store;
    this.#source = source;
  }

  /** Reads where the log stands and begins to listen. */
  open(): void {
    this.#head = this.#store.headAtOpen;
    this.#ringFrom = this.#head + 1;
    this.#store.onCommit((firstSeq, events) => this.#append(firstSeq, events));
  }

  get epoch(): string {
    return this.#store.epoch;
  }

  head(): number {
    return this.#head;
  }

  tail(): number {
    this.#tail ??= this.#store.reader.get(firstEvent, {})?.seq ?? this.#head + 1;
    return this.#tail;
  }

  /** Called after rows were trimmed. */
  forgetTail(): void {
    this.#tail = undefined;
  }

  after(seq: number, limit: number, filter?: EventFilter): readonly LogEvent[] {
    const passes = eventMatcher(filter);
    const found: LogEvent[] = [];
    let at = seq;
    for (let scanned = 0; found.length < limit && at < this.#head && scanned < MOST_SCANNED; ) {
      const page = this.#page(at, filter ? PAGE : Math.min(PAGE, limit - found.length));
      if (page.length === 0) break;
      scanned += page.length;
      at = (page.at(-1) as LogEvent).seq;
      for (const event of page) if (found.length < limit && passes(event)) found.push(event);
    }
    return found;
  }

  before(seq: number, limit: number, filter?: EventFilter): readonly LogEvent[] {
    const passes = eventMatcher(filter);
    const found: LogEvent[] = [];
    let at = seq;
    for (let scanned = 0; found.length < limit && scanned < MOST_SCANNED; ) {
      const page = this.#store.reader.all(eventsBefore, { seq: at, limit: PAGE });
      scanned += page.length;
      for (const row of page) {
        const event = new StoredEvent(row.seq as number, row);
        if (found.length < limit && passes(event)) found.push(event);
      }
      if (page.length < PAGE) break;
      at = page.at(-1)?.seq as number;
    }
    return found;
  }

  waitBeyond(seq: number, signal: AbortSignal): Promise<void> {
    if (this.#head > seq || signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const waiter = {
        beyond: seq,
        wake: (): void => {
          this.#waiters.delete(waiter);
          signal.removeEventListener('abort', waiter.wake);
          resolve();
        },
      };
      this.#waiters.add(waiter);
      signal.addEventListener('abort', waiter.wake, { once: true });
    });
  }

  toCloudEvent(event: LogEvent): CloudEvent {
    return {
      specversion: '1.0',
      id: `${this.epoch}-${event.seq}`,
      source: this.#source,
      type: event.type,
      ...(event.subject === '' ? {} : { subject: event.subject }),
      time: new Date(event.time).toISOString(),
      datacontenttype: 'application/json',
      data: event.data,
      actor: event.actor,
      seq: event.seq,
      epoch: this.epoch,
    };
  }

  #append(firstSeq: number, events: readonly EventRow[]): void {
    // After a writer's restart there may be a hole: what was committed but never heard of is read from disk.
    if (firstSeq !== this.#head + 1) this.#ringFrom = firstSeq;
    for (const [index, row] of events.entries()) {
      const seq = firstSeq + index;
      this.#ring[seq & (RING - 1)] = new StoredEvent(seq, row);
      this.#head = seq;
    }
    this.#ringFrom = Math.max(this.#ringFrom, this.#head - RING + 1);
    for (const waiter of this.#waiters) if (this.#head > waiter.beyond) waiter.wake();
  }

  #page(seq: number, limit: number): readonly LogEvent[] {
    if (seq + 1 < this.#ringFrom) {
      const rows = this.#store.reader.all(eventsAfter, { seq, limit });
      return rows.map((row) => new StoredEvent(row.seq as number, row));
    }
    const page: LogEvent[] = [];
    for (let at = seq + 1; at <= this.#head && page.length < limit; at++) {
      page.push(this.#ring[at & (RING - 1)] as LogEvent);
    }
    return page;
  }
}
