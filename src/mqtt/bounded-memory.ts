import type { Readable } from 'node:stream';

/** What the embedded broker keeps of a packet; its library's own types leave the store out. */
export interface KeptPacket {
  readonly topic: string;
  readonly payload: string | Uint8Array;
  readonly messageId?: number | undefined;
}

interface SessionOf {
  readonly id: string;
}

interface Queued {
  readonly clientId: string;
}

/** The calls of the broker library's memory store that let something grow. */
export interface PacketStore {
  storeRetained(packet: KeptPacket): Promise<void>;
  outgoingEnqueueCombi(subscriptions: readonly Queued[], packet: KeptPacket): Promise<void>;
  outgoingClearMessageId(client: SessionOf, packet: KeptPacket): Promise<KeptPacket | undefined>;
  outgoingStream(client: SessionOf): Readable;
  cleanSubscriptions(client: SessionOf): Promise<void>;
}

export interface MemoryLimits {
  /** Messages kept for one client that is away. */
  readonly queuedPerClient: number;
  /** Clients that are away and have their session kept. */
  readonly sessions: number;
  /** Bytes kept for all of them together. */
  readonly queuedBytes: number;
  readonly retainedBytes: number;
}

export const MEMORY_LIMITS: MemoryLimits = Object.freeze({
  queuedPerClient: 1000,
  sessions: 200,
  queuedBytes: 8 * 1_048_576,
  retainedBytes: 8 * 1_048_576,
});

/**
 * Bounds what the store keeps: a client that subscribed once with a kept session and never came back would
 * otherwise collect every event until memory ends. What does not fit is left out and counted, and the session
 * that has been away the longest is given up.
 */
export class BoundedMemory {
  readonly #limits: MemoryLimits;
  readonly #queued = new Map<string, number>();
  readonly #retained = new Map<string, number>();
  /** Clients that are away, the longest first. */
  readonly #away = new Set<string>();
  #store: PacketStore | undefined;
  #queuedBytes = 0;
  #retainedBytes = 0;
  #leftOut = 0;

  constructor(limits: MemoryLimits = MEMORY_LIMITS) {
    this.#limits = limits;
  }

  /** Messages that were not kept. */
  get leftOut(): number {
    return this.#leftOut;
  }

  guard(store: PacketStore): void {
    this.#store = store;
    const enqueue = store.outgoingEnqueueCombi.bind(store);
    const clear = store.outgoingClearMessageId.bind(store);
    const retain = store.storeRetained.bind(store);
    store.outgoingEnqueueCombi = (subscriptions, packet) =>
      enqueue(
        subscriptions.filter(({ clientId }) => this.#admit(clientId, packet)),
        packet,
      );
    store.outgoingClearMessageId = async (client, packet) => {
      const cleared = await clear(client, packet);
      if (cleared) this.#forget(client.id, cleared);
      return cleared;
    };
    store.storeRetained = async (packet) => {
      if (this.#admitRetained(packet)) await retain(packet);
    };
  }

  /** A client is here. If it began a clean session, what was kept for it goes; the library forgets that. */
  async arrived(clientId: string, clean: boolean): Promise<void> {
    this.#away.delete(clientId);
    if (clean && this.#queued.has(clientId)) await this.#empty(clientId);
  }

  /** A client with a kept session is gone for now. */
  async left(clientId: string): Promise<void> {
    this.#away.add(clientId);
    if (this.#away.size > this.#limits.sessions) await this.#giveUpLongestAway();
  }

  async #giveUpLongestAway(): Promise<void> {
    const [clientId] = this.#away;
    if (clientId === undefined) return;
    this.#away.delete(clientId);
    await this.#store?.cleanSubscriptions({ id: clientId });
    await this.#empty(clientId);
  }

  async #empty(id: string): Promise<void> {
    if (!this.#store) return;
    for await (const packet of this.#store.outgoingStream({ id }) as AsyncIterable<KeptPacket>) {
      await this.#store.outgoingClearMessageId({ id }, packet);
    }
  }

  #admit(clientId: string, packet: KeptPacket): boolean {
    const count = this.#queued.get(clientId) ?? 0;
    const bytes = size(packet);
    const room = this.#queuedBytes + bytes <= this.#limits.queuedBytes;
    if (!room) void this.#giveUpLongestAway();
    if (!room || count >= this.#limits.queuedPerClient) {
      this.#leftOut++;
      return false;
    }
    this.#queued.set(clientId, count + 1);
    this.#queuedBytes += bytes;
    return true;
  }

  #forget(clientId: string, packet: KeptPacket): void {
    const count = (this.#queued.get(clientId) ?? 1) - 1;
    if (count > 0) this.#queued.set(clientId, count);
    else this.#queued.delete(clientId);
    this.#queuedBytes -= size(packet);
  }

  #admitRetained(packet: KeptPacket): boolean {
    const before = this.#retained.get(packet.topic) ?? 0;
    const bytes = packet.payload.length === 0 ? 0 : size(packet);
    if (this.#retainedBytes - before + bytes > this.#limits.retainedBytes) {
      this.#leftOut++;
      return false;
    }
    this.#retainedBytes += bytes - before;
    if (bytes === 0) this.#retained.delete(packet.topic);
    else this.#retained.set(packet.topic, bytes);
    return true;
  }
}

/** Topic, payload and about what the objects around them weigh. */
function size(packet: KeptPacket): number {
  return packet.topic.length + packet.payload.length + 200;
}
