import type { Clock } from '#core/clock.ts';
import { isJsonObject } from '#core/json.ts';
import type { Log } from '#core/log.ts';
import { type PartHealth, unwell, WELL } from '#core/part.ts';
import type { InboundMessage } from './port.ts';
import type { OwnTopics } from './topics.ts';

/** While somebody else uses our base topic we say who we are this often, and expect the same. */
const REPEAT_MS = 60_000;
/** Silence after which the other one is taken to be gone. */
const GONE_MS = 3 * REPEAT_MS;
const LONGEST_ID = 200;

export interface ClashWatchOptions {
  readonly deviceId: string;
  readonly topics: OwnTopics;
  readonly clock: Clock;
  readonly log: Log;
  /** Publishes device id and state again, retained. */
  readonly announce: () => Promise<void>;
  readonly onClash: (otherId: string) => void;
}

/**
 * Notices another appliance on the same base topic. Everyone says its device id when it connects; who hears
 * another id answers with its own, so both know. A retained id alone proves nothing: it may be of an
 * appliance that this one replaces.
 */
export class ClashWatch {
  readonly #options: ClashWatchOptions;
  #other: string | undefined;
  #heardAt = 0;
  #saidAt = Number.NEGATIVE_INFINITY;
  #timer: Disposable | undefined;

  constructor(options: ClashWatchOptions) {
    this.#options = options;
  }

  get topics(): readonly string[] {
    return [this.#options.topics.device, this.#options.topics.state];
  }

  stop(): void {
    this.#timer?.[Symbol.dispose]();
    this.#timer = undefined;
  }

  heard(message: InboundMessage): void {
    const said = readObject(message.payload);
    const { topics, deviceId, log } = this.#options;
    if (message.topic === topics.state) {
      if (!message.retain && said?.state === 'offline') this.#repeat();
      return;
    }
    const id = typeof said?.device === 'string' ? said.device.slice(0, LONGEST_ID) : undefined;
    if (id === undefined || id === deviceId) return;
    if (message.retain) log.info({ before: id }, 'the base topic was used by another device before');
    else this.#clash(id);
  }

  health(): PartHealth {
    if (this.#other === undefined) return WELL;
    const { base } = this.#options.topics;
    return unwell(
      0.4,
      `mqtt.clash: device ${this.#other} publishes under the base topic "${base}" too`,
      'Give every appliance its own mqtt.base_topic: their events and states overwrite each other.',
    );
  }

  #clash(id: string): void {
    const { clock, log, onClash } = this.#options;
    this.#heardAt = clock.monotonic();
    if (this.#other !== id) {
      this.#other = id;
      log.error({ other: id, base_topic: this.#options.topics.base }, 'another device uses our base topic');
      onClash(id);
    }
    this.#repeat();
    this.#timer ??= clock.after(REPEAT_MS, () => this.#look());
  }

  #look(): void {
    this.#timer = undefined;
    const { clock, log } = this.#options;
    if (clock.monotonic() - this.#heardAt >= GONE_MS) {
      log.info({ other: this.#other }, 'the other device on our base topic is gone');
      this.#other = undefined;
    } else {
      this.#timer = clock.after(REPEAT_MS, () => this.#look());
    }
    this.#saidAt = Number.NEGATIVE_INFINITY;
    this.#repeat();
  }

  /** At most once in half the interval: two that answer each other's answers would never end. */
  #repeat(): void {
    const { clock, announce, log } = this.#options;
    const now = clock.monotonic();
    if (now - this.#saidAt < REPEAT_MS / 2) return;
    this.#saidAt = now;
    announce().catch((error: unknown) => log.debug({ error }, 'could not say who uses the base topic'));
  }
}

function readObject(payload: Uint8Array): { readonly [key: string]: unknown } | undefined {
  if (payload.length > 4096) return undefined;
  try {
    const value: unknown = JSON.parse(Buffer.from(payload).toString('utf8'));
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
