import { setImmediate } from 'node:timers/promises';
import type { Clock } from '#core/clock.ts';

/** A clock that stands still until a test moves it. */
export class HandClock implements Clock {
  #now: number;
  #start: number;
  #timers: { at: number; fire: () => void }[] = [];

  constructor(now = Date.parse('2026-07-01T10:00:00Z')) {
    this.#now = now;
    this.#start = now;
  }

  // Arrows, as in the system's clock: callers may pass them on alone.
  readonly now = (): number => this.#now;
  readonly monotonic = (): number => this.#now - this.#start;
  readonly after = (ms: number, fire: () => void): Disposable => {
    const timer = { at: this.#now + Math.max(0, ms), fire };
    this.#timers.push(timer);
    return {
      [Symbol.dispose]: () => {
        this.#timers = this.#timers.filter((other) => other !== timer);
      },
    };
  };

  /** The wall clock is set; what counts on the monotonic clock does not notice. */
  leap(ms: number): void {
    this.#now += ms;
    this.#start += ms;
    this.#timers = this.#timers.map(({ at, fire }) => ({ at: at + ms, fire }));
  }

  /** Timers that wait. */
  get waiting(): number {
    return this.#timers.length;
  }

  /** Moves on, firing what falls due in its order and letting promises settle between. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    for (;;) {
      await setImmediate();
      const next = this.#timers.toSorted((a, b) => a.at - b.at)[0];
      if (!next || next.at > end) break;
      this.#timers = this.#timers.filter((other) => other !== next);
      this.#now = Math.max(this.#now, next.at);
      next.fire();
    }
    this.#now = end;
    await setImmediate();
  }
}
