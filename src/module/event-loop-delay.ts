import { monitorEventLoopDelay } from 'node:perf_hooks';

/** A timer of this many milliseconds is watched; how late it comes is the delay. */
const EVERY_MS = 10;

/**
 * How long things wait for the event loop: a timer, a reading, an answer. Each reading is of the time since the
 * one before (nodejs.org/api/perf_hooks.html, monitorEventLoopDelay).
 */
export class EventLoopDelay {
  #histogram: ReturnType<typeof monitorEventLoopDelay> | undefined;

  start(): void {
    this.#histogram = monitorEventLoopDelay({ resolution: EVERY_MS });
    this.#histogram.enable();
  }

  stop(): void {
    this.#histogram?.disable();
    this.#histogram = undefined;
  }

  /** Seconds at each quantile (0 to 1) since the reading before; zeros when nothing was measured. */
  read(quantiles: readonly number[]): readonly number[] {
    const histogram = this.#histogram;
    if (!histogram || histogram.count === 0) return quantiles.map(() => 0);
    // What is recorded is the time between two ticks of the timer, the timer's own interval with it.
    const late = quantiles.map((quantile) => histogram.percentile(quantile * 100) / 1e9 - EVERY_MS / 1000);
    histogram.reset();
    return late.map((seconds) => Math.max(0, seconds));
  }
}
