import type { CursorPort, EventLogPort } from '#bus/port.ts';
import type { BackoffOptions } from '#core/backoff.ts';
import type { Clock } from '#core/clock.ts';
import { RetryableError } from '#core/errors.ts';
import type { Log } from '#core/log.ts';
import { type Part, type PartHealth, WELL } from '#core/part.ts';
import { Bridge } from './bridge.ts';
import type { Broker } from './broker.ts';
import { MqttIntake } from './intake.ts';
import type { PortOwner } from './listen.ts';
import type { InboundTarget, MqttStatus, PublishOptions, PublishPort } from './port.ts';
import { assertTopic, OwnTopics } from './topics.ts';

const BROKER_BACKOFF: BackoffOptions = Object.freeze({ firstMs: 1000, longestMs: 30_000 });

export interface MqttConfig {
  /** An external broker; absent: the embedded one. */
  readonly url?: string | undefined;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  readonly baseTopic: string;
  readonly embedded: { readonly host: string; readonly port: number };
  readonly excludeEvents: readonly string[];
}

export interface MqttOptions {
  readonly config: MqttConfig;
  readonly deviceId: string;
  readonly log: Log;
  readonly clock: Clock;
  readonly events: EventLogPort;
  readonly cursor: CursorPort;
  readonly target: InboundTarget;
  /** Another device uses our base topic. Called once for each. */
  readonly onClash: (otherId: string) => void;
  readonly backoff?: BackoffOptions | undefined;
  /** For the message when the embedded broker's port is taken. */
  readonly portOwner?: PortOwner | undefined;
}

export interface Mqtt {
  readonly part: Part;
  readonly publisher: PublishPort;
  status(): MqttStatus;
}

/** The MQTT room: one broker, the bridge from the log to it, and the way in for what triggers workflows. */
export function createMqtt(options: MqttOptions): Mqtt {
  const room = new MqttRoom(options);
  return { part: room, publisher: room, status: () => room.status() };
}

class MqttRoom implements Part, PublishPort {
  readonly name = 'mqtt';
  readonly #options: MqttOptions;
  readonly #topics: OwnTopics;
  #broker: Broker | undefined;
  #bridge: Bridge | undefined;
  #intake: MqttIntake | undefined;

  constructor(options: MqttOptions) {
    this.#options = options;
    this.#topics = new OwnTopics(options.config.baseTopic);
  }

  async start(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const { deviceId, log, clock, events, cursor, target, onClash, config } = this.#options;
    const broker = await this.#createBroker();
    const { excludeEvents } = config;
    const topics = this.#topics;
    const backoff = this.#backoff;
    const bridge = new Bridge({
      ...{ broker, events, cursor, topics, deviceId, excludeEvents, clock, log, backoff, onClash },
    });
    const intake = new MqttIntake({ broker, target, topics, events, log });
    bridge.watch();
    intake.start();
    try {
      await broker.start(signal);
    } catch (error) {
      intake.stop();
      throw error;
    }
    this.#broker = broker;
    this.#bridge = bridge;
    this.#intake = intake;
    await bridge.start();
  }

  async stop(): Promise<void> {
    this.#intake?.stop();
    await this.#bridge?.stop();
    await this.#broker?.stop();
    this.#broker = undefined;
  }

  health(): PartHealth {
    const all = [this.#broker?.health() ?? WELL, this.#bridge?.health() ?? WELL];
    return {
      score: Math.min(...all.map((one) => one.score)),
      reasons: [...all.flatMap((one) => one.reasons), ...this.#waiting()],
      remedies: all.flatMap((one) => one.remedies),
    };
  }

  async publish(
    topic: string,
    payload: string | Uint8Array,
    options: PublishOptions = {},
    signal?: AbortSignal,
  ): Promise<void> {
    assertTopic(topic);
    if (this.#broker === undefined) throw notStarted();
    const { qos = 1, retain = false, key } = options;
    await this.#broker.publish({ topic, payload, qos, retain, key, origin: 'step' }, signal);
  }

  status(): MqttStatus {
    const { url, baseTopic, embedded } = this.#options.config;
    return {
      mode: url === undefined ? 'embedded' : 'external',
      connected: this.#broker?.connected ?? false,
      url: this.#broker?.url ?? (url === undefined ? `mqtt://${embedded.host}:${embedded.port}` : ''),
      baseTopic,
      backlog: this.#bridge?.backlog() ?? 0,
    };
  }

  get #backoff(): BackoffOptions {
    return this.#options.backoff ?? BROKER_BACKOFF;
  }

  /** Only the broker that is used is loaded: the other one would cost memory for nothing. */
  async #createBroker(): Promise<Broker> {
    const { config, deviceId, clock, log } = this.#options;
    const { url, username, password, embedded } = config;
    const common = { clock, log, backoff: this.#backoff };
    if (url === undefined) {
      const { EmbeddedBroker } = await import('./embedded-broker.ts');
      const { portOwner } = this.#options;
      return new EmbeddedBroker({ ...common, ...embedded, portOwner });
    }
    const { ExternalBroker } = await import('./external-broker.ts');
    const will = { topic: this.#topics.state, payload: JSON.stringify({ state: 'offline' }) };
    return new ExternalBroker({ ...common, url, username, password, deviceId, will });
  }

  #waiting(): string[] {
    const backlog = this.#bridge?.backlog() ?? 0;
    if (this.#broker === undefined || this.#broker.connected || backlog === 0) return [];
    return [`${backlog} events wait for the broker`];
  }
}

function notStarted(): RetryableError {
  return new RetryableError('mqtt.offline', 'the MQTT room does not run', {
    hint: 'It runs while the daemon does. Give the step `retry` to try again.',
  });
}
