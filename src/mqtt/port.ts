/** A message from a broker. `payload` is as it came, at most the broker's packet limit. */
export interface InboundMessage {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly qos: 0 | 1 | 2;
  /** True for a message the broker had kept before we subscribed, as MQTT says. */
  readonly retain: boolean;
}

export interface PublishOptions {
  readonly qos?: 0 | 1 | 2 | undefined;
  readonly retain?: boolean | undefined;
  /** Travels as the MQTT 5 user property `idempotency-key`; a 3.1.1 connection cannot carry it. */
  readonly key?: string | undefined;
}

export interface PublishPort {
  /**
   * Publishes and resolves when the broker has taken it (PUBACK for QoS 1).
   * @throws RetryableError `mqtt.offline` when there is no broker now
   * @throws RetryableError `mqtt.busy`, `mqtt.timeout`, `mqtt.refused`, `mqtt.not_taken` when it was not taken
   * @throws TerminalError `mqtt.topic_invalid` for wildcards, empty or too long topics
   * @throws TerminalError `mqtt.too_large`, `mqtt.refused` when the broker will never take it
   */
  publish(
    topic: string,
    payload: string | Uint8Array,
    options?: PublishOptions,
    signal?: AbortSignal,
  ): Promise<void>;
}

/** Who wants messages: the triggers. Given to the MQTT room by compose.ts. */
export interface InboundTarget {
  /** Topic filters wanted now. */
  filters(): readonly string[];
  /** Called when filters() changed. Returns an unsubscriber. */
  onFiltersChanged(listener: () => void): () => void;
  /**
   * Takes a message; resolves after everything it triggered is on disk. Only then is it acknowledged (PUBACK).
   * Rejects when that was not possible now: then it is not acknowledged and the broker sends it again.
   */
  deliver(message: InboundMessage): Promise<void>;
}

export interface MqttStatus {
  readonly mode: 'embedded' | 'external';
  readonly connected: boolean;
  /** Where clients connect, `mqtt://127.0.0.1:1883`; never with credentials. */
  readonly url: string;
  readonly baseTopic: string;
  /** Events in the log that the broker has not taken yet. */
  readonly backlog: number;
}
