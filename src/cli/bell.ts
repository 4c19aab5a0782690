import { type Clock, sleep } from '#core/clock.ts';

/** Rung by events, listened for by one loop; rings between two waits count as one. */
export class Bell {
  readonly #clock: Clock;
  #rung = false;
  #failure: { readonly error: unknown } | undefined;
  #wake: (() => void) | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  ring(): void {
    this.#rung = true;
    this.#wake?.();
  }

  /** Whoever listens gets the error instead of a ring. */
  fail(error: unknown): void {
    this.#failure = { error };
    this.#wake?.();
  }

  /** Resolves at a ring (also one before the call) or after `ms`; rejects with the signal's reason. */
  async heard(ms: number, signal: AbortSignal): Promise<void> {
    const woken = new AbortController();
    this.#wake = () => woken.abort();
    if (this.#rung || this.#failure) woken.abort();
    await sleep(this.#clock, ms, AbortSignal.any([signal, woken.signal])).catch(() => {});
    this.#wake = undefined;
    this.#rung = false;
    signal.throwIfAborted();
    if (this.#failure) throw this.#failure.error;
  }
}
