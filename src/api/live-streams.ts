import { RetryableError } from '#core/errors.ts';

/** The event streams that are open, SSE and WebSocket alike: how many at most, and their end at stop. */
export class LiveStreams {
  readonly #most: number;
  readonly #open = new Set<Promise<void>>();
  #ending = new AbortController();

  constructor(most: number) {
    this.#most = most;
  }

  get count(): number {
    return this.#open.size;
  }

  /** Aborts when the daemon stops. */
  get ending(): AbortSignal {
    return this.#ending.signal;
  }

  /** @throws RetryableError `api.too_many_streams`, `api.stopping` */
  claim(): void {
    if (this.#ending.signal.aborted) {
      throw new RetryableError('api.stopping', 'the daemon is stopping', { retryAfterMs: 5000 });
    }
    if (this.#open.size < this.#most) return;
    throw new RetryableError('api.too_many_streams', `${this.#most} event streams are open already`, {
      retryAfterMs: 5000,
      hint: 'Close one, or read pages of GET /api/chainbot/events.',
    });
  }

  /** Keeps a stream until it has ended; it never rejects. */
  keep(stream: Promise<void>): Promise<void> {
    const kept = stream.finally(() => this.#open.delete(kept));
    this.#open.add(kept);
    return kept;
  }

  /** Ends all streams, with their goodbye, and resolves when they have ended. */
  async end(): Promise<void> {
    this.#ending.abort();
    await Promise.allSettled(this.#open);
  }

  /** After a stop, before the next start. */
  renew(): void {
    this.#ending = new AbortController();
  }
}
