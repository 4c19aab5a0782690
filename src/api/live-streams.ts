import { type Actor, actorText } from '#core/actor.ts';
import { RetryableError } from '#core/errors.ts';

/** A place for one event stream. */
export interface LiveStream {
  /** Aborts when the stream must end; its reason is one sentence for the reader. */
  readonly ending: AbortSignal;
  /** Keeps the place until the stream, which never rejects, has ended. */
  keep(stream: Promise<void>): Promise<void>;
}

export const STOPPING = 'the daemon is stopping';
export const REVOKED = 'the token was revoked';

/** The event streams that are open, SSE and WebSocket alike: how many at most, whose, and their end. */
export class LiveStreams {
  readonly #most: number;
  readonly #open = new Map<AbortController, { readonly actor: string; readonly ended: Promise<void> }>();
  #stopping = false;

  constructor(most: number) {
    this.#most = most;
  }

  get count(): number {
    return this.#open.size;
  }

  /** @throws RetryableError `api.too_many_streams`, `api.stopping` */
  claim(actor: Actor): LiveStream {
    if (this.#stopping) throw new RetryableError('api.stopping', STOPPING, { retryAfterMs: 5000 });
    if (this.#open.size >= this.#most) {
      throw new RetryableError('api.too_many_streams', `${this.#most} event streams are open already`, {
        retryAfterMs: 5000,
        hint: 'Close one, or read pages of GET /api/chainbot/events.',
      });
    }
    const ending = new AbortController();
    return {
      ending: ending.signal,
      keep: (stream) => {
        const ended = stream.finally(() => this.#open.delete(ending));
        this.#open.set(ending, { actor: actorText(actor), ended });
        return ended;
      },
    };
  }

  /** Ends the streams of somebody who may no longer read. */
  endOf(actor: Actor): void {
    for (const [ending, stream] of this.#open) if (stream.actor === actorText(actor)) ending.abort(REVOKED);
  }

  /** Ends all streams, with their goodbye, and resolves when they have ended. */
  async end(): Promise<void> {
    this.#stopping = true;
    const all = [...this.#open];
    for (const [ending] of all) ending.abort(STOPPING);
    await Promise.allSettled(all.map(([, stream]) => stream.ended));
  }

  /** After a stop, before the next start. */
  renew(): void {
    this.#stopping = false;
  }
}
