import type { CloudEvent, EventLogPort, LogEvent } from '../../src/bus/port.ts';

/** An event log in memory that a test writes and trims. */
export class FakeLog implements EventLogPort {
  epoch = 'epoch1';
  #events: LogEvent[] = [];
  #head = 0;
  readonly #waiters = new Set<() => void>();

  write(type: string, subject = '', data: LogEvent['data'] = {}): LogEvent {
    this.#head += 1;
    const event = { seq: this.#head, type, subject, actor: 'system:test', time: 1_700_000_000_000, data };
    this.#events.push(event);
    for (const wake of [...this.#waiters]) wake();
    return event;
  }

  trim(upTo: number): void {
    this.#events = this.#events.filter((event) => event.seq > upTo);
  }

  head(): number {
    return this.#head;
  }

  tail(): number {
    return this.#events[0]?.seq ?? this.#head + 1;
  }

  after(seq: number, limit: number): readonly LogEvent[] {
    return this.#events.filter((event) => event.seq > seq).slice(0, limit);
  }

  before(seq: number, limit: number): readonly LogEvent[] {
    return this.#events
      .filter((event) => event.seq < seq)
      .reverse()
      .slice(0, limit);
  }

  waitBeyond(seq: number, signal: AbortSignal): Promise<void> {
    if (this.#head > seq || signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = (): void => {
        this.#waiters.delete(wake);
        resolve();
      };
      this.#waiters.add(wake);
      signal.addEventListener('abort', wake, { once: true });
    });
  }

  toCloudEvent(event: LogEvent): CloudEvent {
    return {
      specversion: '1.0',
      id: `${this.epoch}-${event.seq}`,
      source: '/chainbot/test',
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
}
