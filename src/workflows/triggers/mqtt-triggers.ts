import type { Json } from '#core/json.ts';
import { topicMatcher } from '#core/topic-filter.ts';
import type { InboundMessage, InboundTarget } from '#mqtt/port.ts';
import type { WorkflowCatalog } from '../workflow-catalog.ts';
import type { Firings } from './firings.ts';
import { type ActiveTrigger, activeTriggers } from './trigger-index.ts';

type MqttTrigger = ActiveTrigger<Extract<ActiveTrigger['definition'], { type: 'mqtt' }>>;

/** Longer payloads reach a run as they are cut off here; 256 KiB, the most that mosquitto's users expect of text. */
const MOST_PAYLOAD = 256 * 1024;

/** Workflows that MQTT messages start. Given to the MQTT room, which acknowledges after `deliver`. */
export class MqttTriggers implements InboundTarget {
  readonly #catalog: WorkflowCatalog;
  readonly #firings: Firings;
  #triggers: { readonly active: MqttTrigger; readonly matches: (topic: string) => boolean }[] = [];

  constructor(catalog: WorkflowCatalog, firings: Firings) {
    this.#catalog = catalog;
    this.#firings = firings;
  }

  open(): void {
    this.#read();
    this.#catalog.onChanged(() => this.#read());
  }

  filters(): readonly string[] {
    return [...new Set(this.#triggers.map(({ active }) => active.definition.topic))];
  }

  onFiltersChanged(listener: () => void): () => void {
    return this.#catalog.onChanged(listener);
  }

  async deliver(message: InboundMessage): Promise<void> {
    const hit = this.#triggers.filter(({ matches }) => matches(message.topic));
    if (hit.length === 0) return;
    const trigger = {
      type: 'mqtt',
      topic: message.topic,
      payload: readPayload(message.payload),
      retain: message.retain,
    };
    const actor = { kind: 'mqtt', id: message.topic } as const;
    await Promise.all(hit.map(({ active }) => this.#firings.fire(active, { trigger, actor })));
  }

  #read(): void {
    this.#triggers = activeTriggers(this.#catalog, 'mqtt').map((active) => ({
      active,
      matches: topicMatcher(active.definition.topic),
    }));
  }
}

/** JSON where it is JSON, else text. */
function readPayload(bytes: Uint8Array): Json {
  const text = new TextDecoder().decode(bytes.subarray(0, MOST_PAYLOAD));
  try {
    return JSON.parse(text) as Json;
  } catch {
    return text;
  }
}
