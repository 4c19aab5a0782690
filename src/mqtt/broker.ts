import type { PartHealth } from '#core/part.ts';
import type { InboundMessage } from './port.ts';

/** A message on its way out. `bridge` marks what comes from the event log: it never triggers anything here. */
export interface OutboundMessage {
  readonly topic: string;
  readonly payload: string | Uint8Array;
  readonly qos: 0 | 1 | 2;
  readonly retain: boolean;
  readonly key?: string | undefined;
  readonly origin: 'bridge' | 'step';
}

/** Takes a message; it is acknowledged only after the promise resolved, and sent again if it rejects. */
export type InboundHandler = (message: InboundMessage) => Promise<void>;

/** Hears what stands on the watched topics; nothing is held for it. */
export type WatchListener = (message: InboundMessage) => void;

/**
 * A broker, embedded or somewhere else, as the rest of the room sees it. `receive` and `watch` are called
 * once, before `start`.
 */
export interface Broker {
  readonly mode: 'embedded' | 'external';
  /** For people and logs: never with credentials. */
  readonly url: string;
  readonly connected: boolean;
  /** Counts connections, from 1: whoever keeps something alive at the broker says it again when it changes. */
  readonly session: number;
  start(signal: AbortSignal): Promise<void>;
  stop(): Promise<void>;
  health(): PartHealth;
  /** False when a message that is not retained would certainly reach nobody. */
  hasAudience(): boolean;
  /** Resolves when connected with another session than `seen`, or when the signal aborts. */
  nextSession(seen: number, signal: AbortSignal): Promise<void>;
  /** As PublishPort.publish; the topic has been checked. */
  publish(message: OutboundMessage, signal?: AbortSignal): Promise<void>;
  receive(handler: InboundHandler): void;
  /** The filters that messages are received for from now on. */
  want(filters: readonly string[]): void;
  watch(topics: readonly string[], listener: WatchListener): void;
}

/** Bytes of the largest packet that a broker may send us, or a client the embedded broker. */
export const LARGEST_PACKET = 1_048_576;
/** Messages being delivered at once; more wait where they are. */
export const INBOUND_WINDOW = 64;
