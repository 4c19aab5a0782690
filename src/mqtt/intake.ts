import type { EventLogPort } from '#bus/port.ts';
import { isJsonObject } from '#core/json.ts';
import type { Log } from '#core/log.ts';
import type { Broker } from './broker.ts';
import type { InboundMessage, InboundTarget } from './port.ts';
import { filterFault, type OwnTopics } from './topics.ts';

export interface IntakeOptions {
  readonly broker: Broker;
  readonly target: InboundTarget;
  readonly topics: OwnTopics;
  readonly events: Pick<EventLogPort, 'epoch'>;
  readonly log: Log;
}

/**
 * Brings messages to what they trigger. Never triggers: `$` topics, our own bridge topics, and events that
 * this appliance's bridge published (a trigger on `chainbot/#` would feed itself).
 */
export class MqttIntake {
  readonly #options: IntakeOptions;
  #unsubscribe: (() => void) | undefined;

  constructor(options: IntakeOptions) {
    this.#options = options;
  }

  /** Call before the broker starts. */
  start(): void {
    const { broker, target } = this.#options;
    broker.receive((message) => this.#take(message));
    this.#unsubscribe = target.onFiltersChanged(() => this.#follow());
    this.#follow();
  }

  /** No new filters from now on; what was taken is finished. */
  stop(): void {
    this.#unsubscribe?.();
    this.#unsubscribe = undefined;
  }

  #follow(): void {
    const { broker, target, log } = this.#options;
    const good: string[] = [];
    for (const filter of target.filters()) {
      const fault = filterFault(filter);
      if (fault === undefined) good.push(filter);
      else log.warn({ filter, fault }, 'topic filter left out');
    }
    broker.want(good);
  }

  async #take(message: InboundMessage): Promise<void> {
    const { target, topics, events } = this.#options;
    const { topic } = message;
    if (topic.startsWith('$') || topics.isControl(topic)) return;
    if (topics.isBelow(topic) && isOwnEvent(message, topics, events.epoch)) return;
    await target.deliver(message);
  }
}

/** An event of our own log on its own topic: nobody else knows the log's epoch. */
function isOwnEvent(message: InboundMessage, topics: OwnTopics, epoch: string): boolean {
  const text = Buffer.from(message.payload).toString('utf8');
  if (!text.includes(epoch)) return false;
  try {
    const event: unknown = JSON.parse(text);
    if (!isJsonObject(event) || event.epoch !== epoch || typeof event.type !== 'string') return false;
    return topics.ofEvent(event.type) === message.topic;
  } catch {
    return false;
  }
}
