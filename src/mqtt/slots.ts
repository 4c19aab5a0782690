import { RetryableError } from '#core/errors.ts';

interface Waiter {
  readonly grant: () => void;
  readonly refuse: (reason: unknown) => void;
}

/** At most `size` things at once; who comes later waits in line, at most `mostWaiting` of them. */
export class Slots {
  #size: number;
  readonly #mostWaiting: number;
  readonly #waiting: Waiter[] = [];
  #taken = 0;

  constructor(size: number, mostWaiting: number) {
    this.#size = size;
    this.#mostWaiting = mostWaiting;
  }

  get taken(): number {
    return this.#taken;
  }

  /** @throws RetryableError `mqtt.busy` when the line is full, or the signal's reason. */
  acquire(signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    if (this.#taken < this.#size) {
      this.#taken++;
      return Promise.resolve();
    }
    if (this.#waiting.length >= this.#mostWaiting) return Promise.reject(busy(this.#mostWaiting));
    return this.#wait(signal);
  }

  release(): void {
    this.#taken--;
    this.#grant();
  }

  /** Another size from now on; what is taken stays taken. */
  resize(size: number): void {
    this.#size = size;
    this.#grant();
  }

  #grant(): void {
    while (this.#taken < this.#size) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      this.#taken++;
      next.grant();
    }
  }

  #wait(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const waiter: Waiter = {
        grant: () => {
          signal?.removeEventListener('abort', onAbort);
          resolve();
        },
        refuse: reject,
      };
      const onAbort = (): void => {
        const index = this.#waiting.indexOf(waiter);
        if (index >= 0) this.#waiting.splice(index, 1);
        waiter.refuse(signal?.reason);
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#waiting.push(waiter);
    });
  }
}

function busy(waiting: number): RetryableError {
  return new RetryableError('mqtt.busy', `${waiting} messages are waiting for the broker already`, {
    hint: 'The broker takes messages more slowly than they are made: publish less often, or look at the broker.',
  });
}
