import type { Clock } from '#core/clock.ts';

interface Timer {
  readonly at: number;
  readonly order: number;
  readonly fire: () => void;
}

/** A clock that stands still until it is told to jump to what is due next. */
export class JumpingClock implements Clock {
  readonly #start: number;
  readonly #timers = new Set<Timer>();
  #now: number;
  #order = 0;

  /** Unix milliseconds. */
  constructor(now: number) {
    this.#now = now;
    this.#start = now;
  }

  // Arrows, as in the system's clock: callers may pass them on alone.
  readonly now = (): number => this.#now;
  readonly monotonic = (): number => this.#now - this.#start;
  readonly after = (ms: number, fire: () => void): Disposable => {
    const timer = { at: this.#now + Math.max(0, ms), order: this.#order++, fire };
    this.#timers.add(timer);
    return { [Symbol.dispose]: () => this.#timers.delete(timer) };
  };

  /** When the next timer is due; undefined when nothing waits for the time. */
  get next(): number | undefined {
    return this.#first()?.at;
  }

  /** Moves to a time, firing nothing. */
  moveTo(time: number): void {
    this.#now = Math.max(this.#now, time);
  }

  /** Moves to the next timer and fires it, the older of two first. */
  jump(): void {
    const timer = this.#first();
    if (timer === undefined) return;
    this.#timers.delete(timer);
    this.moveTo(timer.at);
    timer.fire();
  }

  #first(): Timer | undefined {
    let first: Timer | undefined;
    for (const timer of this.#timers) {
      if (
        first === undefined ||
        timer.at < first.at ||
        (timer.at === first.at && timer.order < first.order)
      ) {
        first = timer;
      }
    }
    return first;
  }
}
