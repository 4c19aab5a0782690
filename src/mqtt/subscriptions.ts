import type { MqttClient } from 'mqtt';
import type { Log } from '#core/log.ts';
import { withoutCovered } from './topics.ts';

/**
 * Keeps what the broker's session holds in step with what is wanted. Only differences are sent: subscribing
 * again would make a 3.1.1 broker send every retained message again, and triggers would fire at each
 * reconnect. (With MQTT 5, `rh: 1` says so even after a restart, when we do not know what the session holds.)
 */
export class Subscriptions {
  readonly #log: Log;
  readonly #held = new Set<string>();
  readonly #refused = new Set<string>();
  /** Unsubscribed without an answer: the session may still hold them. */
  readonly #stale = new Set<string>();
  #wanted: readonly string[] = [];
  #client: MqttClient | undefined;

  constructor(log: Log) {
    this.#log = log;
  }

  /** Filters that the broker refuses. */
  refused(): readonly string[] {
    return [...this.#refused];
  }

  want(filters: readonly string[]): void {
    this.#wanted = withoutCovered(filters);
    this.#reconcile();
  }

  up(client: MqttClient, sessionPresent: boolean): void {
    this.#client = client;
    this.#refused.clear();
    if (!sessionPresent) this.#held.clear();
    this.#reconcile();
  }

  down(): void {
    this.#client = undefined;
  }

  #reconcile(): void {
    const client = this.#client;
    if (client === undefined) return;
    const wanted = new Set(this.#wanted);
    for (const filter of this.#refused) if (!wanted.has(filter)) this.#refused.delete(filter);
    for (const filter of [...this.#held, ...this.#stale]) {
      if (!wanted.has(filter)) this.#unsubscribe(client, filter);
    }
    this.#stale.clear();
    for (const filter of wanted) if (!this.#held.has(filter)) this.#subscribe(client, filter);
  }

  /** QoS 1 at most: what was sent with QoS 2 comes with 1, because only a PUBACK can be held until it is on disk. */
  #subscribe(client: MqttClient, filter: string): void {
    this.#held.add(filter);
    client.subscribe(filter, { qos: 1, rh: 1 }, (error, _granted, answer) => {
      if (!error) return;
      this.#held.delete(filter);
      if (answer === undefined || this.#client !== client) return;
      this.#refused.add(filter);
      this.#log.warn({ filter, error: error.message }, 'the broker refuses a subscription');
    });
  }

  #unsubscribe(client: MqttClient, filter: string): void {
    this.#held.delete(filter);
    client.unsubscribe(filter, (error) => {
      if (error) this.#stale.add(filter);
    });
  }
}
