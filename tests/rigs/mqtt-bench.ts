import { connectAsync, type IClientOptions, type MqttClient } from 'mqtt';
import { type Clock, systemClock } from '../../src/core/clock.ts';
import { silentLog } from '../../src/core/log.ts';
import { createMqtt, type Mqtt, type MqttConfig } from '../../src/mqtt/create-mqtt.ts';
import type { InboundMessage, InboundTarget } from '../../src/mqtt/port.ts';
import { MemoryCursor, MemoryLog } from './memory-log.ts';

/** Takes messages as the triggers would; tests set what happens by hand. */
export class FakeTarget implements InboundTarget {
  readonly taken: InboundMessage[] = [];
  /** Called for each message; a rejection is one of the target. */
  onDeliver: (message: InboundMessage) => Promise<void> = async () => {};
  #filters: readonly string[];
  readonly #listeners = new Set<() => void>();

  constructor(filters: readonly string[] = []) {
    this.#filters = filters;
  }

  filters(): readonly string[] {
    return this.#filters;
  }

  setFilters(filters: readonly string[]): void {
    this.#filters = filters;
    for (const listener of this.#listeners) listener();
  }

  onFiltersChanged(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async deliver(message: InboundMessage): Promise<void> {
    await this.onDeliver(message);
    this.taken.push(message);
  }

  texts(): string[] {
    return this.taken.map((message) => Buffer.from(message.payload).toString());
  }
}

export interface Bench extends AsyncDisposable {
  readonly mqtt: Mqtt;
  readonly log: MemoryLog;
  readonly cursor: MemoryCursor;
  readonly target: FakeTarget;
  readonly clashes: string[];
  start(): Promise<void>;
}

interface BenchOptions extends Partial<MqttConfig> {
  readonly deviceId?: string;
  readonly filters?: readonly string[];
  readonly events?: MemoryLog;
  readonly cursor?: MemoryCursor;
  readonly clock?: Clock;
}

/** The whole room on a free port or an external broker, with log, cursor and triggers faked at their ports. */
export function bench(options: BenchOptions = {}): Bench {
  const { deviceId = 'device-a', filters, events = new MemoryLog(), cursor = new MemoryCursor() } = options;
  const target = new FakeTarget(filters);
  const clashes: string[] = [];
  const config = {
    baseTopic: 'chainbot',
    embedded: { host: '127.0.0.1', port: 0 },
    excludeEvents: ['chainbot.step.*'],
    ...options,
  };
  const mqtt = createMqtt({
    ...{ config, deviceId, events, cursor, target },
    log: silentLog,
    clock: options.clock ?? systemClock,
    onClash: (other) => clashes.push(other),
    backoff: { firstMs: 20, longestMs: 100 },
  });
  return {
    ...{ mqtt, log: events, cursor, target, clashes },
    start: () => mqtt.part.start(new AbortController().signal),
    [Symbol.asyncDispose]: () => mqtt.part.stop(),
  };
}

export interface TestClient extends AsyncDisposable {
  readonly client: MqttClient;
  readonly messages: { topic: string; text: string; retain: boolean }[];
}

/** A real client that collects what it gets. */
export async function testClient(
  url: string,
  topics: string[],
  options: IClientOptions = {},
): Promise<TestClient> {
  const messages: TestClient['messages'] = [];
  const client = await connectAsync(url, { reconnectPeriod: 50, ...options });
  client.on('error', () => {});
  client.on('message', (topic, payload, { retain }) => {
    messages.push({ topic, text: payload.toString(), retain });
  });
  if (topics.length > 0) await client.subscribeAsync(topics, { qos: 1 });
  return {
    client,
    messages,
    [Symbol.asyncDispose]: () => new Promise((resolve) => client.end(true, () => resolve())),
  };
}
