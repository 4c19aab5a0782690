import type { CloudEvent, CursorPort, EventLogPort, LogEvent } from '../../src/bus/port.ts';
import type { Json } from '../../src/core/json.ts';

/** An event log in memory, at the bus's port. */
export class MemoryLog implements EventLogPort {
  readonly epoch: string;
  readonly events: LogEvent[] = [];
  /** How often a batch was read. */
  reads = 0;
  readonly #waiting = new Set<() => void>();

  constructor(epoch = 'epoch-0193') {
    this.epoch = epoch;
  }

  append(type: string, data: Readonly<Record<string, Json>> = {}, subject = 'run/1'): LogEvent {
    const seq = this.events.length + 1;
    const event = { seq, time: 1_700_000_000_000 + seq, type, subject, actor: 'system:chainbot', data };
    this.events.push(event);
    for (const wake of [...this.#waiting]) wake();
    return event;
  }

  head(): number {
    return this.events.length;
  }

  tail(): number {
    return 1;
  }

  after(seq: number, limit: number): readonly LogEvent[] {
    this.reads++;
    return this.events.slice(seq, seq + limit);
  }

  before(seq: number, limit: number): readonly LogEvent[] {
    return this.events
      .slice(0, seq - 1)
      .reverse()
      .slice(0, limit);
  }

  waitBeyond(seq: number, signal: AbortSignal): Promise<void> {
    if (this.head() > seq || signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = (): void => {
        this.#waiting.delete(wake);
        signal.removeEventListener('abort', wake);
        resolve();
      };
      this.#waiting.add(wake);
      signal.addEventListener('abort', wake, { once: true });
    });
  }

  toCloudEvent(event: LogEvent): CloudEvent {
    return {
      specversion: '1.0',
      id: `${this.epoch}-${event.seq}`,
      source: '/chainbot/test',
      type: event.type,
      subject: event.subject,
      time: new Date(event.time).toISOString(),
      datacontenttype: 'application/json',
      data: event.data,
      actor: event.actor,
      seq: event.seq,
      epoch: this.epoch,
    };
  }
}

/** A cursor in memory that counts its commits, and fails while `broken`. */
export class MemoryCursor implements CursorPort {
  readonly name = 'mqtt';
  readonly commits: number[] = [];
  broken = false;
  #position: number;

  constructor(position = 0) {
    this.#position = position;
  }

  position(): number {
    return this.#position;
  }

  async advance(seq: number): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    if (this.broken) throw new Error('disk full');
    this.commits.push(seq);
    this.#position = Math.max(this.#position, seq);
  }
}
