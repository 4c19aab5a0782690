import { eventRow } from '#bus/event-row.ts';
import { type Clock, sleep } from '#core/clock.ts';
import type { ClockStanding, ClockTrustPort } from '#core/clock-trust.ts';
import { formatDuration } from '#core/duration.ts';
import type { Log } from '#core/log.ts';
import { type Part, type PartHealth, unwell, WELL } from '#core/part.ts';
import type { WriterPort } from '#store/port.ts';
import { Unit } from '#store/unit.ts';
import type { ClockSource } from './clock-sources.ts';

export interface ClockTrustOptions {
  readonly sources: readonly ClockSource[];
  /** How long nobody goes by an unknown clock, counted from the machine's start; milliseconds. */
  readonly holdMs: number;
  /** How long the machine has been up, milliseconds. */
  readonly upMs: () => number;
  readonly writer: WriterPort;
  readonly clock: Clock;
  readonly log: Log;
}

const ASK_EVERY_MS = 10_000;
const ASK_LATER_EVERY_MS = 60_000;

/**
 * Knows whether the wall clock may be believed (docs/decisions/0018-clock-trust.md). Once somebody has said
 * that it is right it stays so until the daemon ends: a crystal drifts seconds in a day, not hours.
 */
export class ClockTrust implements Part, ClockTrustPort {
  readonly name = 'clock';
  readonly #options: ClockTrustOptions;
  readonly #listeners = new Set<() => void>();
  #standing: ClockStanding = { state: 'held', source: null };
  #holdLeftMs = 0;
  #began = 0;
  #stopping = new AbortController();
  #loop: Promise<void> = Promise.resolve();

  constructor(options: ClockTrustOptions) {
    this.#options = options;
  }

  async start(_signal: AbortSignal): Promise<void> {
    const { clock, holdMs, upMs } = this.#options;
    this.#stopping = new AbortController();
    this.#began = clock.monotonic();
    this.#holdLeftMs = Math.max(0, holdMs - upMs());
    this.#standing = { state: 'held', source: null };
    this.#loop = this.#ask(this.#stopping.signal);
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#loop;
  }

  standing(): ClockStanding {
    return this.#standing;
  }

  onChanged(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  health(): PartHealth {
    const remedy = 'Connect it to a network with a time server, give it a battery clock, or set time.hold.';
    switch (this.#standing.state) {
      case 'trusted':
        return WELL;
      case 'held':
        return unwell(
          0.8,
          `schedules wait for ${formatDuration(this.#left())}: nobody knows the time yet`,
          remedy,
        );
      case 'estimated':
        return unwell(0.9, 'schedules go by an estimated clock: nobody has set it', remedy);
    }
  }

  #left(): number {
    return Math.max(0, this.#holdLeftMs - (this.#options.clock.monotonic() - this.#began));
  }

  async #ask(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    while (!signal.aborted) {
      const source = await this.#whoKnows();
      if (signal.aborted) return;
      if (source !== undefined) return this.#become({ state: 'trusted', source });
      if (this.#standing.state === 'held' && this.#left() === 0)
        await this.#become({ state: 'estimated', source: null });
      const pause =
        this.#standing.state === 'held' ? Math.min(ASK_EVERY_MS, this.#left()) : ASK_LATER_EVERY_MS;
      await sleep(clock, pause, signal).catch(() => undefined);
    }
  }

  async #whoKnows(): Promise<string | undefined> {
    for (const source of this.#options.sources) {
      if (await source.isRight(this.#options.clock.now())) return source.name;
    }
    return undefined;
  }

  async #become(standing: ClockStanding): Promise<void> {
    const { clock, log, writer, holdMs } = this.#options;
    this.#standing = standing;
    for (const listener of this.#listeners) listener();
    const now = clock.now();
    const event =
      standing.state === 'trusted'
        ? eventRow('chainbot.time.trusted', '', 'system:chainbot', { source: standing.source ?? '' }, now)
        : eventRow('chainbot.time.estimated', '', 'system:chainbot', { held_ms: holdMs }, now);
    log.info(
      { ...standing },
      standing.state === 'trusted' ? 'the clock is right' : 'the clock is an estimate',
    );
    await writer
      .commit(new Unit().event(event))
      .catch((error: unknown) => log.warn({ err: error }, 'the state of the clock was not written down'));
  }
}
