import { type AddressInfo, createServer, isIP, type Server, type Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { Aedes, type AedesOptions, type PublishPacket } from 'aedes';
import type { BackoffOptions } from '#core/backoff.ts';
import type { Clock } from '#core/clock.ts';
import { RetryableError } from '#core/errors.ts';
import type { Log } from '#core/log.ts';
import { type PartHealth, unwell, WELL } from '#core/part.ts';
import { BoundedMemory, type KeptPacket, type PacketStore } from './bounded-memory.ts';
import {
  type Broker,
  type InboundHandler,
  LARGEST_PACKET,
  type OutboundMessage,
  type WatchListener,
} from './broker.ts';
import { listen, type PortOwner } from './listen.ts';
import { limitPackets } from './packet-limit.ts';
import type { InboundMessage } from './port.ts';
import { notTaken } from './publish-errors.ts';
import { PublishGate, type Sender } from './publish-gate.ts';
import { Sessions } from './sessions.ts';

const MOST_CONNECTIONS = 100;
/** A client that reads nothing for this long is cut off, because everybody else waits for it. */
const DRAIN_TIMEOUT_MS = 10_000;
/** Bytes of a client id, as most brokers take them. */
const LONGEST_CLIENT_ID = 256;

export interface EmbeddedBrokerOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly portOwner?: PortOwner | undefined;
  readonly clock: Clock;
  readonly log: Log;
  readonly backoff: BackoffOptions;
}

type RetainedStore = PacketStore & { createRetainedStreamCombi(filters: readonly string[]): Readable };

/**
 * The broker inside the daemon (aedes, MQTT 3.1.1). Sessions and retained messages live in memory: durable is
 * what a message triggered, because its PUBACK waits for that commit, whoever published it.
 */
export class EmbeddedBroker implements Broker {
  readonly mode = 'embedded';
  readonly #options: EmbeddedBrokerOptions;
  readonly #gate: PublishGate;
  readonly #memory = new BoundedMemory();
  readonly #sessions = new Sessions();
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined;
  #aedes: Aedes | undefined;
  #port: number;
  #keptSessions = false;
  #tooLarge = 0;
  #watched: readonly string[] = [];
  #watcher: WatchListener = () => {};

  constructor(options: EmbeddedBrokerOptions) {
    this.#options = options;
    this.#port = options.port;
    this.#gate = new PublishGate(options);
  }

  get url(): string {
    const { host } = this.#options;
    return `mqtt://${isIP(host) === 6 ? `[${host}]` : host}:${this.#port}`;
  }

  get connected(): boolean {
    return this.#server !== undefined;
  }

  get session(): number {
    return this.#sessions.current;
  }

  receive(handler: InboundHandler): void {
    this.#gate.receive(handler);
  }

  watch(topics: readonly string[], listener: WatchListener): void {
    this.#watched = topics;
    this.#watcher = listener;
  }

  /** A new filter gets what is retained, as any subscriber does. */
  want(filters: readonly string[]): void {
    const added = this.#gate.want(filters);
    if (added.length > 0 && this.#aedes) void this.#deliverRetained(added);
  }

  hasAudience(): boolean {
    return this.#keptSessions || (this.#aedes?.connectedClients ?? 0) > 0;
  }

  nextSession(seen: number, signal: AbortSignal): Promise<void> {
    return this.#sessions.next(seen, signal);
  }

  /** @throws TerminalError `mqtt.port_taken`, `mqtt.listen_failed` */
  async start(): Promise<void> {
    const aedes = await Aedes.createBroker(this.#aedesOptions());
    aedes.on('client', (client) => {
      if (!client.clean) this.#keptSessions = true;
      void this.#memory.arrived(client.id, client.clean);
    });
    aedes.on('clientDisconnect', (client) => {
      if (!client.clean) void this.#memory.left(client.id);
    });
    aedes.on('error' as 'closed', (error?: unknown) => this.#options.log.error({ error }, 'embedded broker'));
    for (const event of ['clientError', 'connectionError'] as const) {
      aedes.on(event, (client, error) => {
        this.#options.log.debug({ client: client.id, error: error.message }, 'mqtt client cut off');
      });
    }
    this.#memory.guard(storeOf(aedes));
    const server = createServer((socket) => this.#accept(aedes, socket));
    server.maxConnections = MOST_CONNECTIONS;
    try {
      await listen(server, this.#options.host, this.#options.port, this.#options.portOwner);
    } catch (error) {
      aedes.close();
      throw error;
    }
    this.#port = (server.address() as AddressInfo).port;
    this.#server = server;
    this.#aedes = aedes;
    this.#sessions.began();
    this.#options.log.info({ url: this.url }, 'embedded mqtt broker is listening');
  }

  async stop(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const server = this.#server;
    const aedes = this.#aedes;
    this.#server = undefined;
    this.#aedes = undefined;
    this.#gate.stop();
    if (server === undefined || aedes === undefined) return;
    server.close(() => resolve());
    await new Promise<void>((closed) => aedes.close(closed));
    for (const socket of this.#sockets) socket.destroy();
    await promise;
  }

  health(): PartHealth {
    if (this.#server === undefined) return unwell(0, 'the embedded broker does not run', 'Look at the log.');
    const { host } = this.#options;
    if (!isLoopback(host)) {
      return unwell(
        0.7,
        `the embedded broker on ${host} lets anybody on the network in`,
        'Set mqtt.embedded.host to 127.0.0.1. For devices on the network run a broker with passwords and set mqtt.url.',
      );
    }
    const lost = this.#memory.leftOut + this.#tooLarge;
    if (lost === 0) return WELL;
    return unwell(
      0.9,
      `the embedded broker left out ${lost} messages: larger than 1 MiB, or kept for clients that stay away`,
      'For large messages or many kept sessions run mosquitto and set mqtt.url.',
    );
  }

  async publish(message: OutboundMessage, signal?: AbortSignal): Promise<void> {
    const aedes = this.#aedes;
    if (aedes === undefined) throw stopped();
    signal?.throwIfAborted();
    if (message.origin === 'step' && this.#gate.wants(message.topic)) await this.#deliverOwn(message);
    const { topic, qos, retain } = message;
    const payload = typeof message.payload === 'string' ? message.payload : Buffer.from(message.payload);
    const packet: PublishPacket = { cmd: 'publish', topic, payload, qos, retain, dup: false };
    await new Promise<void>((resolve, reject) => {
      aedes.publish(packet, (error) => (error ? reject(stopped(error)) : resolve()));
    });
  }

  async #deliverOwn({ topic, payload, qos }: OutboundMessage): Promise<void> {
    try {
      await this.#gate.deliver({ topic, payload: bytes(payload), qos, retain: false });
    } catch (error) {
      throw notTaken(topic, error);
    }
  }

  async #deliverRetained(filters: readonly string[]): Promise<void> {
    if (!this.#aedes) return;
    const kept: Readable = storeOf(this.#aedes).createRetainedStreamCombi(filters);
    for await (const packet of kept as AsyncIterable<KeptPacket & { readonly qos: 0 | 1 | 2 }>) {
      const { topic, payload, qos } = packet;
      if (this.#gate.wants(topic)) {
        await this.#gate.insist({ topic, payload: bytes(payload), qos, retain: true });
      }
    }
  }

  #accept(aedes: Aedes, socket: Socket): void {
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    socket.setNoDelay(true);
    limitPackets(socket, LARGEST_PACKET, () => {
      this.#tooLarge++;
      this.#options.log.warn({ from: socket.remoteAddress }, 'mqtt client cut off: packet over 1 MiB');
    });
    aedes.handle(socket);
  }

  #aedesOptions(): AedesOptions {
    return {
      drainTimeout: DRAIN_TIMEOUT_MS,
      preConnect: (_client, packet, callback) => {
        const fits = Buffer.byteLength(packet.clientId ?? '') <= LONGEST_CLIENT_ID;
        callback(fits ? null : new Error('the client id is too long'), fits);
      },
      authorizePublish: (client, packet, callback) => this.#authorize(client, packet, callback),
    };
  }

  #authorize(client: Sender | null, packet: PublishPacket, callback: (error: Error | null) => void): void {
    const { topic, qos } = packet;
    if (topic.startsWith('$')) {
      callback(new Error('topics starting with $ are reserved'));
      return;
    }
    const message: InboundMessage = { topic, qos, payload: bytes(packet.payload), retain: false };
    if (this.#watched.includes(topic)) this.#watcher(message);
    this.#gate.pass(client ?? NOBODY, message, callback);
  }
}

const NOBODY: Sender = Object.freeze({ closed: true });

function storeOf(aedes: Aedes): RetainedStore {
  return (aedes as unknown as { readonly persistence: RetainedStore }).persistence;
}

function bytes(payload: string | Uint8Array): Uint8Array {
  return typeof payload === 'string' ? Buffer.from(payload) : payload;
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host.startsWith('127.');
}

function stopped(cause?: unknown): RetryableError {
  return new RetryableError('mqtt.offline', 'the embedded broker does not run', {
    hint: 'It runs while the daemon does. Give the step `retry` to try again.',
    cause,
  });
}
