import {
  connect,
  type IClientOptions,
  type IConnackPacket,
  type IPublishPacket,
  type MqttClient,
} from 'mqtt';
import { type BackoffOptions, backoffMs } from '#core/backoff.ts';
import { type Clock, sleep } from '#core/clock.ts';
import type { Log } from '#core/log.ts';
import { LARGEST_PACKET } from './broker.ts';

/** Seconds between pings; a broker that stays silent for one and a half of them is gone. */
const KEEPALIVE_S = 30;
const CONNECT_TIMEOUT_MS = 10_000;
/** A connection that held this long starts the pauses from the beginning. */
const STABLE_MS = 10_000;
const UNSTEADY_LOSSES = 3;
const UNSTEADY_MS = 60_000;
/** How long a clean DISCONNECT may take before the socket is cut. */
const FAREWELL_MS = 1000;
/** CONNACK: the broker does not speak this version, in 3.1.1 (§3.2.2.3) and in 5 (§3.2.2.2). */
const VERSION_REFUSED: ReadonlySet<unknown> = new Set([1, 132]);

/** DISCONNECT, MQTT 5 §3.14.2.1: another client came with our client id. */
const TAKEN_OVER = 142;

type Version = 4 | 5;

export interface LinkOptions {
  readonly url: string;
  readonly clientId: string;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  /** Seconds that the broker keeps the session while we are away; 0: it starts clean every time. */
  readonly keepSessionS: number;
  /** Messages that the broker may send before we acknowledged them (MQTT 5). */
  readonly receiveMaximum: number;
  readonly will?: IClientOptions['will'];
  readonly backoff: BackoffOptions;
  readonly clock: Clock;
  readonly log: Log;
}

export interface LinkListener {
  /** Connected: before anything else is told about it. */
  onUp(client: MqttClient, sessionPresent: boolean): void;
  /** The connection is over; nothing of it can be acknowledged any more. */
  onDown(): void;
  /** A message has come. `resume(error)` goes on without acknowledging it. Absent: acknowledged at once. */
  onMessage?(packet: IPublishPacket, resume: (error?: Error) => void): void;
}

/**
 * One connection to a broker that comes back by itself. Every attempt has a fresh client: what was in flight
 * is sent again by whoever holds it durably (the event log, a step's retry), never from memory.
 */
export class Link {
  readonly #options: LinkOptions;
  readonly #listener: LinkListener;
  readonly #stopping = new AbortController();
  #loop: Promise<void> = Promise.resolve();
  #client: MqttClient | undefined;
  #version: Version = 5;
  #refusesV5 = false;
  #failures = 0;
  #downSince: number;
  #trouble: string | undefined;
  /** When connections were lost, the newest last. */
  #losses: number[] = [];

  constructor(options: LinkOptions, listener: LinkListener) {
    this.#options = options;
    this.#listener = listener;
    this.#downSince = options.clock.monotonic();
  }

  /** The client while connected. */
  get client(): MqttClient | undefined {
    return this.#client;
  }

  /** Why it is not connected, in the words of the system or the broker. */
  get trouble(): string | undefined {
    return this.#trouble;
  }

  /** How long it has been down, in milliseconds; 0 while connected. */
  get downMs(): number {
    return this.#client === undefined ? this.#options.clock.monotonic() - this.#downSince : 0;
  }

  /** Lost several times within a minute: something throws us out again and again. */
  get unsteady(): boolean {
    const [first] = this.#losses;
    if (first === undefined || this.#losses.length < UNSTEADY_LOSSES) return false;
    return this.#options.clock.monotonic() - first < UNSTEADY_MS;
  }

  start(): void {
    this.#loop = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#loop;
  }

  /** Cuts the connection and comes back after a pause: the broker sends again what was not acknowledged. */
  drop(reason: string): void {
    this.#trouble = reason;
    this.#client?.stream.destroy();
  }

  async #run(): Promise<void> {
    const { clock, backoff, log } = this.#options;
    const signal = this.#stopping.signal;
    while (!signal.aborted) {
      const began = clock.monotonic();
      const version = this.#version;
      await this.#attempt();
      if (signal.aborted) return;
      if (this.#version !== version && version === 5) continue;
      this.#failures = clock.monotonic() - began >= STABLE_MS ? 1 : this.#failures + 1;
      const pause = backoffMs(this.#failures, backoff);
      log.debug({ pause_ms: Math.round(pause), trouble: this.#trouble }, 'broker connection: next attempt');
      await sleep(clock, pause, signal).catch(() => {});
    }
  }

  /** Connects and resolves when that connection is over. */
  async #attempt(): Promise<void> {
    const client = connect(this.#options.url, this.#clientOptions());
    const listener = this.#listener;
    let errorCode: unknown;
    let refused = false;
    client.on('error', (error: Error & { code?: unknown }) => {
      errorCode = error.code ?? 'protocol';
      refused = VERSION_REFUSED.has(errorCode);
      this.#trouble = error.message || String(errorCode);
    });
    client.on('disconnect', ({ reasonCode = 0 }) => {
      this.#trouble =
        reasonCode === TAKEN_OVER
          ? 'another client came with our client id'
          : `the broker ended the connection (reason code ${reasonCode})`;
    });
    if (listener.onMessage) client.handleMessage = (packet, done) => listener.onMessage?.(packet, done);
    let wasUp = false;
    client.on('connect', (packet) => {
      wasUp = true;
      this.#up(client, packet);
    });
    await this.#untilClosed(client);
    client.end(true);
    if (wasUp) this.#down();
    else this.#chooseVersion(refused, errorCode);
  }

  #untilClosed(client: MqttClient): Promise<void> {
    const signal = this.#stopping.signal;
    return new Promise((resolve) => {
      const farewell = (): void => {
        if (!client.connected) {
          client.end(true, () => resolve());
          return;
        }
        client.end(false);
        const cut = this.#options.clock.after(FAREWELL_MS, () => client.stream.destroy());
        client.once('close', () => cut[Symbol.dispose]());
      };
      client.once('close', () => {
        signal.removeEventListener('abort', farewell);
        resolve();
      });
      if (signal.aborted) farewell();
      else signal.addEventListener('abort', farewell, { once: true });
    });
  }

  #up(client: MqttClient, packet: IConnackPacket): void {
    if (this.#stopping.signal.aborted) return;
    this.#client = client;
    this.#trouble = undefined;
    const protocol = this.#version === 5 ? '5' : '3.1.1';
    this.#options.log.info({ protocol, session_present: packet.sessionPresent }, 'connected to the broker');
    this.#version = this.#refusesV5 ? 4 : 5;
    this.#listener.onUp(client, packet.sessionPresent);
  }

  #down(): void {
    this.#client = undefined;
    this.#downSince = this.#options.clock.monotonic();
    this.#losses = [...this.#losses, this.#downSince].slice(-UNSTEADY_LOSSES);
    this.#trouble ??= 'the broker closed the connection';
    this.#listener.onDown();
    if (!this.#stopping.signal.aborted) {
      this.#options.log.warn({ trouble: this.#trouble }, 'the connection to the broker is lost');
    }
  }

  /** A 3.1.1 broker says so, closes without a word, or answers what MQTT 5 cannot read. */
  #chooseVersion(refused: boolean, errorCode: unknown): void {
    if (refused && this.#version === 5) {
      this.#refusesV5 = true;
      this.#version = 4;
    } else if (errorCode === undefined || errorCode === 'protocol' || errorCode === 'ECONNRESET') {
      this.#trouble ??= 'the broker closed the connection before answering';
      if (!this.#refusesV5) this.#version = this.#version === 5 ? 4 : 5;
    }
  }

  #clientOptions(): IClientOptions {
    const { clientId, username, password, keepSessionS, receiveMaximum, will } = this.#options;
    const options: IClientOptions = {
      clientId,
      clean: keepSessionS === 0,
      protocolVersion: this.#version,
      keepalive: KEEPALIVE_S,
      connectTimeout: CONNECT_TIMEOUT_MS,
      reconnectPeriod: 0,
      resubscribe: false,
      queueQoSZero: false,
      log: () => {},
    };
    if (username !== undefined) options.username = username;
    if (password !== undefined) options.password = password;
    if (will !== undefined) options.will = will;
    if (this.#version === 5) {
      options.properties = {
        receiveMaximum,
        maximumPacketSize: LARGEST_PACKET,
        sessionExpiryInterval: keepSessionS,
      };
    }
    return options;
  }
}
