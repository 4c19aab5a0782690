/** Wall time in Unix milliseconds, and time that only goes forward; both injected so that tests own them. */
export interface Clock {
  /** Milliseconds since 1970; jumps when the network sets the clock. */
  now(): number;
  /** Milliseconds since some start; never jumps. */
  monotonic(): number;
  /** Calls `fire` once after `ms` on the monotonic clock. Dispose to cancel. Delays over 24 days are safe. */
  after(ms: number, fire: () => void): Disposable;
}

const LONGEST_TIMER = 2 ** 31 - 1;

export const systemClock: Clock = Object.freeze({
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(ms: number, fire: () => void): Disposable {
    let timer: NodeJS.Timeout;
    const arm = (left: number): void => {
      const slice = Math.min(left, LONGEST_TIMER);
      timer = setTimeout(() => (left > slice ? arm(left - slice) : fire()), slice);
    };
    arm(Math.max(0, ms));
    return { [Symbol.dispose]: () => clearTimeout(timer) };
  },
});

/** Resolves after `ms`, or rejects with the signal's reason as soon as it aborts. */
export function sleep(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason);
      return;
    }
    const onAbort = (): void => {
      timer[Symbol.dispose]();
      reject(signal?.reason);
    };
    const timer = clock.after(ms, () => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    });
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}
