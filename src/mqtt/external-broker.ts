import type { IClientPublishOptions, IClientSubscribeOptions, MqttClient } from 'mqtt';
import type { BackoffOptions } from '#core/backoff.ts';
import type { Clock } from '#core/clock.ts';
import { TerminalError } from '#core/errors.ts';
import type { Log } from '#core/log.ts';
import { type PartHealth, WELL } from '#core/part.ts';
import {
  type Broker,
  INBOUND_WINDOW,
  type InboundHandler,
  type OutboundMessage,
  type WatchListener,
} from './broker.ts';
import { notReceiving, outOfReach, subscriptionsRefused, unsteady } from './external-health.ts';
import { HeldAcks } from './held-acks.ts';
import { Link, type LinkOptions } from './link.ts';
import { offline, publishError, publishTimeout, tooLarge } from './publish-errors.ts';
import { Sessions } from './sessions.ts';
import { Slots } from './slots.ts';
import { Subscriptions } from './subscriptions.ts';

/** Publishes that are not acknowledged yet, at most; less if the broker asks for less. */
const OUTBOUND_WINDOW = 64;
const OUTBOUND_WAITING = 1000;
const PUBLISH_TIMEOUT_MS = 30_000;
/** How long the broker keeps messages for an appliance that is away: a week. */
const KEEP_SESSION_S = 7 * 86_400;
/** A start or a broker's restart is no illness. */
const GRACE_MS = 5000;
const SCHEMES: ReadonlySet<string> = new Set(['mqtt:', 'mqtts:', 'tcp:', 'ssl:', 'tls:', 'ws:', 'wss:']);

export interface ExternalBrokerOptions {
  readonly url: string;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  readonly deviceId: string;
  /** Said by the broker when we vanish. */
  readonly will: { readonly topic: string; readonly payload: string };
  readonly clock: Clock;
  readonly log: Log;
  readonly backoff: BackoffOptions;
}

/**
 * A broker somewhere else, over two connections: one publishes (clean session, last will), one receives
 * (kept session, held acknowledgements). A message that cannot be taken ends the receiving connection only,
 * and its held PUBACKs never stand in the way of those for our own messages.
 */
export class ExternalBroker implements Broker {
  readonly mode = 'external';
  readonly #options: ExternalBrokerOptions;
  readonly #slots = new Slots(OUTBOUND_WINDOW, OUTBOUND_WAITING);
  readonly #inboundSlots = new Slots(INBOUND_WINDOW, INBOUND_WINDOW);
  readonly #sessions = new Sessions();
  readonly #pending = new Set<(error: Error) => void>();
  readonly #subscriptions: Subscriptions;
  #out: Link | undefined;
  #in: Link | undefined;
  #held: HeldAcks | undefined;
  #handler: InboundHandler = async () => {};
  #watched: readonly string[] = [];
  #watcher: WatchListener = () => {};

  constructor(options: ExternalBrokerOptions) {
    this.#options = options;
    this.#subscriptions = new Subscriptions(options.log);
  }

  get url(): string {
    const url = new URL(this.#options.url);
    url.username = '';
    url.password = '';
    return url.href;
  }

  get connected(): boolean {
    return this.#out?.client !== undefined;
  }

  get session(): number {
    return this.#sessions.current;
  }

  receive(handler: InboundHandler): void {
    this.#handler = handler;
  }

  want(filters: readonly string[]): void {
    this.#subscriptions.want(filters);
  }

  watch(topics: readonly string[], listener: WatchListener): void {
    this.#watched = topics;
    this.#watcher = listener;
  }

  hasAudience(): boolean {
    return true;
  }

  nextSession(seen: number, signal: AbortSignal): Promise<void> {
    return this.#sessions.next(seen, signal);
  }

  /** Connects in the background: a broker that is down is a matter of health, not of the start. */
  async start(): Promise<void> {
    assertBrokerUrl(this.#options.url);
    this.#out = new Link(this.#linkOptions('out'), {
      onUp: (client) => this.#outUp(client),
      onDown: () => this.#outDown(),
    });
    this.#in = new Link(this.#linkOptions('in'), {
      onUp: (client, sessionPresent) => this.#inUp(client, sessionPresent),
      onDown: () => this.#inDown(),
      onMessage: (packet, resume) => void this.#held?.take(packet, resume),
    });
    this.#out.start();
    this.#in.start();
  }

  async stop(): Promise<void> {
    await Promise.all([this.#in?.stop(), this.#out?.stop()]);
  }

  health(): PartHealth {
    if ((this.#out?.downMs ?? 0) > GRACE_MS) return outOfReach(this.url, this.#out as Link);
    if ((this.#in?.downMs ?? 0) > GRACE_MS) return notReceiving(this.url, this.#in as Link);
    if (this.#out?.unsteady) return unsteady(this.url);
    const refused = this.#subscriptions.refused();
    return refused.length === 0 ? WELL : subscriptionsRefused(refused);
  }

  async publish(message: OutboundMessage, signal?: AbortSignal): Promise<void> {
    if (this.#out?.client === undefined) throw this.#offline();
    await this.#slots.acquire(signal);
    try {
      const client = this.#out.client;
      if (client === undefined) throw this.#offline();
      assertSize(client, message);
      await this.#send(client, message, signal);
    } finally {
      this.#slots.release();
    }
  }

  #send(client: MqttClient, message: OutboundMessage, signal: AbortSignal | undefined): Promise<void> {
    const payload = typeof message.payload === 'string' ? message.payload : Buffer.from(message.payload);
    const options: IClientPublishOptions = { qos: message.qos, retain: message.retain };
    if (message.key !== undefined)
      options.properties = { userProperties: { 'idempotency-key': message.key } };
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const onAbort = (): void => reject(signal?.reason);
    const timeout = this.#options.clock.after(PUBLISH_TIMEOUT_MS, () => {
      reject(publishTimeout(message.topic));
      this.#out?.drop('the broker stopped acknowledging messages');
    });
    this.#pending.add(reject);
    signal?.addEventListener('abort', onAbort, { once: true });
    client.publish(message.topic, payload, options, (error) =>
      error ? reject(publishError(error, message.topic, this.url)) : resolve(),
    );
    return promise.finally(() => {
      timeout[Symbol.dispose]();
      this.#pending.delete(reject);
      signal?.removeEventListener('abort', onAbort);
    });
  }

  #outUp(client: MqttClient): void {
    client.on('message', (topic, payload, { qos, retain }) => this.#watcher({ topic, payload, qos, retain }));
    const watch: IClientSubscribeOptions = { qos: 1, nl: true };
    if (this.#watched.length > 0) {
      client.subscribe([...this.#watched], watch, (error) => {
        if (error) this.#options.log.debug({ error: error.message }, 'the bridge topics cannot be watched');
      });
    }
    const limit = client.serverProperties?.receiveMaximum ?? OUTBOUND_WINDOW;
    this.#slots.resize(Math.max(1, Math.min(OUTBOUND_WINDOW, limit)));
    this.#sessions.began();
  }

  #outDown(): void {
    for (const reject of this.#pending) reject(this.#offline());
    this.#pending.clear();
  }

  #inUp(client: MqttClient, sessionPresent: boolean): void {
    this.#held = new HeldAcks({
      handler: this.#handler,
      slots: this.#inboundSlots,
      log: this.#options.log,
      acknowledge: (messageId) => acknowledge(client, messageId),
      refuse: (reason) => this.#in?.drop(reason),
    });
    this.#subscriptions.up(client, sessionPresent);
  }

  #inDown(): void {
    this.#held?.end();
    this.#held = undefined;
    this.#subscriptions.down();
  }

  #offline(): Error {
    return offline(this.url, this.#out?.trouble);
  }

  #linkOptions(way: 'in' | 'out'): LinkOptions {
    const { url, username, password, deviceId, will, clock, log, backoff } = this.#options;
    const common = { url, username, password, clock, backoff, receiveMaximum: INBOUND_WINDOW };
    const named = log.child({ connection: way });
    if (way === 'in') {
      return { ...common, log: named, clientId: `chainbot-${deviceId}-in`, keepSessionS: KEEP_SESSION_S };
    }
    const lastWill = { topic: will.topic, payload: Buffer.from(will.payload), qos: 1, retain: true } as const;
    return { ...common, log: named, clientId: `chainbot-${deviceId}`, keepSessionS: 0, will: lastWill };
  }
}

/** PUBACK, MQTT 3.1.1 §3.4 and, with the reason code left out for success, MQTT 5 §3.4.2.1. */
function acknowledge(client: MqttClient, messageId: number): void {
  if (client.stream.writable)
    client.stream.write(Buffer.from([0x40, 0x02, messageId >> 8, messageId & 0xff]));
}

function assertSize(client: MqttClient, message: OutboundMessage): void {
  const limit = client.serverProperties?.maximumPacketSize;
  if (limit === undefined) return;
  const bytes = Buffer.byteLength(message.topic) + Buffer.byteLength(message.payload) + 16;
  if (bytes > limit) throw tooLarge(message.topic, bytes, limit);
}

/** @throws TerminalError `mqtt.url_invalid` */
function assertBrokerUrl(text: string): void {
  if (SCHEMES.has(URL.parse(text)?.protocol ?? '') && URL.parse(text)?.hostname) return;
  throw new TerminalError('invalid', 'mqtt.url_invalid', 'mqtt.url is not the address of an MQTT broker', {
    hint: 'Write mqtt://HOST:1883 or, with TLS, mqtts://HOST:8883. Leave it out to use the embedded broker.',
  });
}
