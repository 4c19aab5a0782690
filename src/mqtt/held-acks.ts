import type { IPublishPacket } from 'mqtt';
import { errorRecord } from '#core/errors.ts';
import type { Log } from '#core/log.ts';
import { type InboundHandler, LARGEST_PACKET } from './broker.ts';
import type { Slots } from './slots.ts';

interface Held {
  readonly messageId: number;
  done: boolean;
}

export interface HeldAcksOptions {
  readonly handler: InboundHandler;
  readonly slots: Slots;
  readonly log: Log;
  /** Sends a PUBACK. */
  readonly acknowledge: (messageId: number) => void;
  /** A message could not be taken: the connection must end, so that the broker sends it again. */
  readonly refuse: (reason: string) => void;
}

/**
 * The messages of one connection that are not acknowledged yet.
 *
 * 1. A PUBACK goes out only after the handler took the message (its promise resolved).
 * 2. PUBACKs go out in the order the messages came (MQTT 5 §4.6).
 * 3. A message whose handler rejected, and all behind it, are never acknowledged on this connection.
 * 4. Nothing is acknowledged after the connection ended: its message ids mean others on the next one.
 */
export class HeldAcks {
  readonly #options: HeldAcksOptions;
  readonly #line: Held[] = [];
  readonly #ended = new AbortController();

  constructor(options: HeldAcksOptions) {
    this.#options = options;
  }

  end(): void {
    this.#ended.abort();
  }

  /** `resume` lets the client read on; it is called when a slot is free, long before the acknowledgement. */
  async take(packet: IPublishPacket, resume: (error?: Error) => void): Promise<void> {
    const held = packet.qos === 0 ? undefined : this.#hold(packet.messageId ?? 0);
    const { slots } = this.#options;
    try {
      await slots.acquire(this.#ended.signal);
    } catch {
      resume(notYet());
      return;
    }
    resume(held && notYet());
    try {
      await this.#deliver(packet);
      if (held) this.#release(held);
    } catch (error) {
      this.#refuse(packet, error, held !== undefined);
    } finally {
      slots.release();
    }
  }

  #hold(messageId: number): Held {
    const held = { messageId, done: false };
    this.#line.push(held);
    return held;
  }

  async #deliver(packet: IPublishPacket): Promise<void> {
    const { topic, qos, retain } = packet;
    const payload = typeof packet.payload === 'string' ? Buffer.from(packet.payload) : packet.payload;
    if (payload.length > LARGEST_PACKET) {
      this.#options.log.warn({ topic, bytes: payload.length }, 'message left out: larger than 1 MiB');
      return;
    }
    await this.#options.handler({ topic, payload, qos, retain });
  }

  #release(held: Held): void {
    held.done = true;
    if (this.#ended.signal.aborted) return;
    while (this.#line[0]?.done) {
      const first = this.#line.shift() as Held;
      this.#options.acknowledge(first.messageId);
    }
  }

  #refuse(packet: IPublishPacket, error: unknown, comesAgain: boolean): void {
    const fields = { topic: packet.topic, error: errorRecord(error) };
    if (comesAgain) this.#options.log.warn(fields, 'message not taken: not acknowledged, it will come again');
    else this.#options.log.warn(fields, 'message with QoS 0 not taken: it is lost');
    if (comesAgain && !this.#ended.signal.aborted) {
      this.#options.refuse(`a message on ${packet.topic} could not be taken: ${errorRecord(error).message}`);
    }
  }
}

/** Tells the client library to send no acknowledgement of its own. */
function notYet(): Error {
  return new Error('acknowledged when it is on disk');
}
