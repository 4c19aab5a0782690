import { type BackoffOptions, backoffMs } from '#core/backoff.ts';
import { type Clock, sleep } from '#core/clock.ts';
import { errorRecord } from '#core/errors.ts';
import type { Log } from '#core/log.ts';
import { INBOUND_WINDOW, type InboundHandler } from './broker.ts';
import type { InboundMessage } from './port.ts';
import { Slots } from './slots.ts';
import { FilterSet } from './topics.ts';

/** Messages waiting for a slot; their clients are not read from meanwhile. */
const MOST_WAITING = 10_000;
/** Attempts for a message that nobody would send again (a last will, a retained one). */
const MOST_ATTEMPTS = 6;

/** Who sent a message; only its identity counts, and whether it could send it again. */
export interface Sender {
  readonly closed: boolean;
}

export interface PublishGateOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** The pause before a client whose message was not taken is cut off, and between own attempts. */
  readonly backoff: BackoffOptions;
}

/**
 * Stands between a client's PUBLISH and its acknowledgement in the embedded broker.
 *
 * 1. `done` without an error (which sends the PUBACK or PUBREC) is called only after the handler took it.
 * 2. Per client, `done` is called in the order the messages came.
 * 3. If the handler rejects, `done` gets an error, which ends the connection without a PUBACK: the client
 *    sends it again. A pause comes first, so that this is no hot loop. QoS 0 passes all the same.
 */
export class PublishGate {
  readonly #options: PublishGateOptions;
  readonly #slots = new Slots(INBOUND_WINDOW, MOST_WAITING);
  readonly #tails = new WeakMap<object, Promise<void>>();
  readonly #stopping = new AbortController();
  #handler: InboundHandler = async () => {};
  #filters = new FilterSet([]);

  constructor(options: PublishGateOptions) {
    this.#options = options;
  }

  receive(handler: InboundHandler): void {
    this.#handler = handler;
  }

  /** Takes new filters; returns those that were not there before. */
  want(filters: readonly string[]): readonly string[] {
    const before = new Set(this.#filters.filters);
    this.#filters = new FilterSet(filters);
    return this.#filters.filters.filter((filter) => !before.has(filter));
  }

  wants(topic: string): boolean {
    return this.#filters.matches(topic);
  }

  stop(): void {
    this.#stopping.abort(new Error('the broker is stopping'));
  }

  pass(sender: Sender, message: InboundMessage, done: (error: Error | null) => void): void {
    const before = this.#tails.get(sender);
    const wanted = this.wants(message.topic);
    if (before === undefined && !wanted) {
      done(null);
      return;
    }
    const outcome = wanted ? this.#outcome(sender, message) : Promise.resolve(null);
    const tail = Promise.all([outcome, before]).then(([error]) => done(error));
    this.#tails.set(sender, tail);
    void tail.then(() => {
      if (this.#tails.get(sender) === tail) this.#tails.delete(sender);
    });
  }

  /** Delivers when a slot is free. @throws what the handler throws, or the stop */
  async deliver(message: InboundMessage): Promise<void> {
    await this.#slots.acquire(this.#stopping.signal);
    try {
      await this.#handler(message);
    } finally {
      this.#slots.release();
    }
  }

  /** Delivers what nobody would send again: some attempts with growing pauses. Never throws. */
  async insist(message: InboundMessage): Promise<void> {
    const { clock, log, backoff } = this.#options;
    for (let attempt = 1; attempt <= MOST_ATTEMPTS && !this.#stopping.signal.aborted; attempt++) {
      try {
        await this.deliver(message);
        return;
      } catch (error) {
        log.warn({ topic: message.topic, attempt, error: errorRecord(error) }, 'message not taken');
        await sleep(clock, backoffMs(attempt, backoff), this.#stopping.signal).catch(() => {});
      }
    }
  }

  async #outcome(sender: Sender, message: InboundMessage): Promise<Error | null> {
    if (sender.closed) {
      void this.insist(message);
      return null;
    }
    const { clock, log, backoff } = this.#options;
    try {
      await this.deliver(message);
      return null;
    } catch (error) {
      const fields = { topic: message.topic, error: errorRecord(error) };
      if (message.qos === 0) {
        log.warn(fields, 'message with QoS 0 not taken: it triggers nothing');
        return null;
      }
      log.warn(fields, 'message not taken: not acknowledged, its client will send it again');
      await sleep(clock, backoffMs(1, backoff), this.#stopping.signal).catch(() => {});
      return new Error('the message could not be taken now');
    }
  }
}
