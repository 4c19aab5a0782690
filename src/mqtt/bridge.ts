import { setImmediate as turn } from 'node:timers/promises';
import type { CursorPort, EventLogPort, LogEvent } from '#bus/port.ts';
import { type BackoffOptions, backoffMs } from '#core/backoff.ts';
import { type Clock, sleep } from '#core/clock.ts';
import { errorRecord, TerminalError } from '#core/errors.ts';
import type { Log } from '#core/log.ts';
import { type Part, type PartHealth, unwell, WELL } from '#core/part.ts';
import { AckedLine, type OnItsWay } from './acked-line.ts';
import type { Broker, OutboundMessage } from './broker.ts';
import { ClashWatch } from './clash-watch.ts';
import { CursorPacer } from './cursor-pacer.ts';
import { Slots } from './slots.ts';
import type { OwnTopics } from './topics.ts';

const WINDOW = 64;
const BATCH = 256;
const FAREWELL_MS = 1000;
/** Events waiting that are worth a word although the broker is there. */
const LONG_BACKLOG = 10_000;

export interface BridgeOptions {
  readonly broker: Broker;
  readonly events: EventLogPort;
  readonly cursor: CursorPort;
  readonly topics: OwnTopics;
  readonly deviceId: string;
  /** Types, or prefixes ending in `*`, that are not published. */
  readonly excludeEvents: readonly string[];
  readonly clock: Clock;
  readonly log: Log;
  readonly backoff: BackoffOptions;
  readonly onClash: (otherId: string) => void;
}

/**
 * Publishes the event log to the broker.
 *
 * 1. The cursor never passes an event that the broker has not acknowledged, except excluded ones and those
 *    that it never takes (too large, not allowed), which are counted.
 * 2. Events are sent in the order of the log. After a failure everything from the first unacknowledged one is
 *    sent again: at least once, and the event's id tells repeats apart.
 * 3. At most 64 are on their way, and the event loop gets its turn after every 256.
 */
export class Bridge implements Part {
  readonly name = 'mqtt bridge';
  readonly #options: BridgeOptions;
  readonly #excluded: (type: string) => boolean;
  readonly #clash: ClashWatch;
  readonly #slots = new Slots(WINDOW, 1);
  readonly #sending = new Set<Promise<void>>();
  readonly #stopping = new AbortController();
  #line = new AckedLine(0);
  #pacer: CursorPacer | undefined;
  #loop: Promise<void> = Promise.resolve();
  #sent = 0;
  #announced = 0;
  #failures = 0;
  #leftOut = 0;
  #leftOutWhy: TerminalError | undefined;
  #trouble: string | undefined;

  constructor(options: BridgeOptions) {
    this.#options = options;
    this.#excluded = typeMatcher(options.excludeEvents);
    const { deviceId, topics, clock, log, onClash } = options;
    const announce = (): Promise<void> => this.#announce(this.#stopping.signal);
    this.#clash = new ClashWatch({ deviceId, topics, clock, log, onClash, announce });
  }

  /** Call before the broker starts. */
  watch(): void {
    this.#options.broker.watch(this.#clash.topics, (message) => this.#clash.heard(message));
  }

  async start(): Promise<void> {
    const { cursor, events, clock, log } = this.#options;
    this.#sent = Math.min(cursor.position(), events.head());
    this.#line = new AckedLine(this.#sent);
    this.#pacer = new CursorPacer(cursor, clock, log);
    this.#loop = this.#run(this.#stopping.signal);
  }

  /** Waits a moment for what is on its way, commits the cursor and says goodbye. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#loop;
    this.#clash.stop();
    const { broker, topics, log } = this.#options;
    if (broker.connected && this.#announced > 0) {
      const offline = retained(topics.state, { state: 'offline' });
      const limit = AbortSignal.timeout(FAREWELL_MS);
      await broker.publish(offline, limit).catch((error: unknown) => log.debug({ error }, 'no goodbye'));
    }
    await this.#pacer?.stop();
  }

  /** Events that the broker has not taken yet. */
  backlog(): number {
    return this.#pacer ? Math.max(0, this.#options.events.head() - this.#line.position) : 0;
  }

  health(): PartHealth {
    const clash = this.#clash.health();
    if (clash.score < 1) return clash;
    const backlog = this.backlog();
    const { broker } = this.#options;
    if (this.#trouble !== undefined && broker.connected) {
      return unwell(0.5, `events are not published: ${this.#trouble}`, 'Look at the log and at the broker.');
    }
    if (backlog > LONG_BACKLOG && broker.connected) {
      return unwell(0.8, `${backlog} events wait for the MQTT broker`, 'Nothing is lost; it will catch up.');
    }
    if (this.#leftOutWhy === undefined) return WELL;
    const { message, hint = '' } = this.#leftOutWhy;
    return unwell(
      0.8,
      `${this.#leftOut} messages of the bridge were left out of MQTT, the last: ${message}`,
      hint,
    );
  }

  async #run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.#options.broker.nextSession(0, signal);
        if (!signal.aborted) await this.#pass(signal);
      } catch (error) {
        if (signal.aborted) return;
        await this.#recover(error, signal);
      }
    }
  }

  async #recover(error: unknown, signal: AbortSignal): Promise<void> {
    const { broker, backoff, clock, log } = this.#options;
    this.#line.restart();
    this.#sent = this.#line.position;
    this.#failures++;
    this.#trouble = errorRecord(error).message;
    if (broker.connected) log.warn({ error: errorRecord(error) }, 'events are not published now');
    const { session } = broker;
    const stop = new AbortController();
    const both = AbortSignal.any([signal, stop.signal]);
    const pause = broker.connected ? backoffMs(this.#failures, backoff) : undefined;
    if (pause === undefined) await broker.nextSession(session, both);
    else await sleep(clock, pause, both).catch(() => {});
    stop.abort();
  }

  /** Sends until something fails or the signal aborts; then everything sent has an answer. */
  async #pass(signal: AbortSignal): Promise<void> {
    const failed = new AbortController();
    const either = AbortSignal.any([signal, failed.signal]);
    try {
      while (!either.aborted) {
        await this.#news(either);
        either.throwIfAborted();
        if (this.#options.broker.session !== this.#announced) await this.#introduce(either);
        await this.#batch(either, failed);
        await turn();
      }
      either.throwIfAborted();
    } finally {
      await this.#drain(signal);
    }
  }

  /** Resolves when there is something to send, or a new connection to introduce ourselves on. */
  async #news(signal: AbortSignal): Promise<void> {
    const { broker, events } = this.#options;
    if (events.head() > this.#sent || broker.session !== this.#announced) return;
    const enough = new AbortController();
    const either = AbortSignal.any([signal, enough.signal]);
    const more = [events.waitBeyond(this.#sent, either), broker.nextSession(this.#announced, either)];
    await Promise.race(more).finally(() => enough.abort());
  }

  /** A broker that forbids our own topics gets the events all the same. */
  async #introduce(signal: AbortSignal): Promise<void> {
    const { session } = this.#options.broker;
    this.#trouble = undefined;
    await this.#announce(signal).catch((error: unknown) => this.#leaveOut(error, this.#options.topics.state));
    this.#announced = session;
  }

  async #announce(signal: AbortSignal): Promise<void> {
    const { broker, topics, deviceId } = this.#options;
    await broker.publish(retained(topics.device, { device: deviceId }), signal);
    await broker.publish(retained(topics.state, { state: 'online' }), signal);
  }

  async #batch(signal: AbortSignal, failed: AbortController): Promise<void> {
    const { broker, events } = this.#options;
    const head = events.head();
    const batch = broker.hasAudience() ? events.after(this.#sent, BATCH) : [];
    for (const event of batch) {
      if (this.#excluded(event.type)) this.#skip(event.seq);
      else await this.#send(event, signal, failed);
      this.#sent = event.seq;
    }
    if (batch.length === 0) this.#skip(head);
    this.#sent = Math.max(this.#sent, batch.length === 0 ? head : 0);
  }

  #skip(seq: number): void {
    this.#line.skip(seq);
    this.#pacer?.reached(this.#line.position);
  }

  async #send(event: LogEvent, signal: AbortSignal, failed: AbortController): Promise<void> {
    await this.#slots.acquire(signal);
    const entry = this.#line.begin(event.seq);
    const sending = this.#publish(event)
      .then(
        () => this.#settle(entry),
        (error: unknown) => failed.abort(error),
      )
      .finally(() => {
        this.#slots.release();
        this.#sending.delete(sending);
      });
    this.#sending.add(sending);
  }

  #settle(entry: OnItsWay): void {
    const before = this.#line.position;
    this.#line.settle(entry);
    if (this.#line.position === before) return;
    this.#pacer?.reached(this.#line.position);
    this.#failures = 0;
    this.#trouble = undefined;
  }

  async #publish(event: LogEvent): Promise<void> {
    const { broker, events, topics } = this.#options;
    const topic = topics.ofEvent(event.type);
    const payload = JSON.stringify(events.toCloudEvent(event));
    await broker
      .publish({ topic, payload, qos: 1, retain: false, origin: 'bridge' })
      .catch((error: unknown) => this.#leaveOut(error, topic));
  }

  /** Counts what the broker never takes. @throws everything else: it is tried again */
  #leaveOut(error: unknown, topic: string): void {
    if (!(error instanceof TerminalError)) throw error;
    this.#leftOut++;
    this.#leftOutWhy = error;
    this.#options.log.error({ topic, error: errorRecord(error) }, 'left out of MQTT');
  }

  /** Every publish is answered or fails by itself; a stop waits only a moment for that. */
  async #drain(signal: AbortSignal): Promise<void> {
    const answered = new AbortController();
    const all = Promise.allSettled([...this.#sending]).then(() => answered.abort());
    const moment = aborted(signal, answered.signal).then(() =>
      sleep(this.#options.clock, FAREWELL_MS, answered.signal).catch(() => {}),
    );
    await Promise.race([all, moment]);
  }
}

/** Resolves when one of the signals aborts. */
function aborted(...signals: AbortSignal[]): Promise<void> {
  const any = AbortSignal.any(signals);
  if (any.aborted) return Promise.resolve();
  return new Promise((resolve) => any.addEventListener('abort', () => resolve(), { once: true }));
}

function retained(topic: string, payload: object): OutboundMessage {
  return { topic, payload: JSON.stringify(payload), qos: 1, retain: true, origin: 'bridge' };
}

/** Exact types, and prefixes ending in `*`. */
function typeMatcher(patterns: readonly string[]): (type: string) => boolean {
  const exact = new Set(patterns.filter((pattern) => !pattern.endsWith('*')));
  const prefixes = patterns.filter((pattern) => pattern.endsWith('*')).map((pattern) => pattern.slice(0, -1));
  return (type) => exact.has(type) || prefixes.some((prefix) => type.startsWith(prefix));
}
