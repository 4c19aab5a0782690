import type { RawData, WebSocket } from 'ws';
import type { EventLogPort } from '#bus/port.ts';
import { ChainbotError, TerminalError } from '#core/errors.ts';
import type { ApiLimits } from './api-deps.ts';
import { type ServerFrame, type Subscribe, subscribeSchema } from './contract/event.ts';
import { problemOf } from './error-map.ts';
import { startPosition } from './event-position.ts';
import { followLog } from './follow-log.ts';
import { STOPPING } from './live-streams.ts';
import { parsed } from './parsed.ts';
import { readJson } from './read-json.ts';

export type SessionLimits = Pick<ApiLimits, 'heartbeatMs' | 'slowReaderMs'>;

/** RFC 6455 §7.4.1; 4410 is ours and speaks of HTTP's 410. */
const CLOSE = { goingAway: 1001, policy: 1008, internal: 1011, tryLater: 1013, gone: 4410 } as const;
const SUBSCRIBE_MS = 10_000;
const GOODBYE_MS = 1000;

class SlowReader extends Error {}

/**
 * One WebSocket client: it says once what it wants, then gets events until it leaves, is too slow (1013),
 * is left behind by the log (4410), its token is revoked (1008) or the daemon stops (1001).
 */
export class WebSocketSession {
  readonly #ws: WebSocket;
  readonly #log: EventLogPort;
  readonly #limits: SessionLimits;
  readonly #left = new AbortController();
  #missedPongs = 0;

  constructor(ws: WebSocket, log: EventLogPort, limits: SessionLimits) {
    this.#ws = ws;
    this.#log = log;
    this.#limits = limits;
  }

  /** Resolves when the connection has ended; never rejects. */
  async serve(ending: AbortSignal): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#ws.once('close', resolve));
    closed.then(() => this.#left.abort());
    this.#ws.on('error', () => this.#left.abort());
    this.#ws.on('pong', () => {
      this.#missedPongs = 0;
    });
    const signal = AbortSignal.any([this.#left.signal, ending]);
    const pings = setInterval(() => this.#ping(), this.#limits.heartbeatMs);
    try {
      await this.#follow(await this.#subscription(signal), signal);
      this.#end(ending);
    } catch (error) {
      if (ending.aborted) this.#end(ending);
      else this.#refuse(error);
    } finally {
      clearInterval(pings);
    }
    const timer = setTimeout(() => this.#ws.terminate(), GOODBYE_MS);
    await closed;
    clearTimeout(timer);
  }

  #end(ending: AbortSignal): void {
    const code = ending.reason === STOPPING ? CLOSE.goingAway : CLOSE.policy;
    this.#ws.close(code, String(ending.reason));
  }

  #subscription(signal: AbortSignal): Promise<Subscribe> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(policy('no subscribe message came')), SUBSCRIBE_MS);
      const leave = (): void => reject(new Error('left before it subscribed'));
      signal.addEventListener('abort', leave, { once: true });
      this.#ws.once('message', (data: RawData, isBinary: boolean) => {
        clearTimeout(timer);
        signal.removeEventListener('abort', leave);
        this.#ws.on('message', () => this.#refuse(policy('one subscribe message is all that is taken')));
        try {
          if (isBinary) throw policy('messages are JSON text');
          resolve(parsed(subscribeSchema, readJson(String(data))));
        } catch (error) {
          reject(error);
        }
      });
      signal.addEventListener('abort', () => clearTimeout(timer), { once: true });
    });
  }

  async #follow(wanted: Subscribe, signal: AbortSignal): Promise<void> {
    const after = startPosition(this.#log, { after: wanted.after ?? undefined, epoch: wanted.epoch });
    await this.#send([{ type: 'subscribed', after, epoch: this.#log.epoch }], signal);
    const filter = { types: wanted.types, subject: wanted.subject };
    const { heartbeatMs } = this.#limits;
    for await (const { events } of followLog(this.#log, { after, filter, heartbeatMs, signal })) {
      if (events.length === 0) continue;
      const frames = events.map((event) => ({
        type: 'event' as const,
        event: { ...this.#log.toCloudEvent(event) },
      }));
      await this.#send(frames, signal);
    }
    signal.throwIfAborted();
  }

  /** Resolves when the frames have left this process; rejects when the reader does not take them in time. */
  #send(frames: readonly ServerFrame[], signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (error?: Error | null): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', onAbort);
        if (error) reject(error);
        else resolve();
      };
      const onAbort = (): void => settle(new Error('the stream ends'));
      const timer = setTimeout(() => settle(new SlowReader()), this.#limits.slowReaderMs);
      if (signal.aborted) {
        onAbort();
        return;
      }
      signal.addEventListener('abort', onAbort, { once: true });
      const texts = frames.map((frame) => JSON.stringify(frame));
      for (const text of texts.slice(0, -1)) this.#ws.send(text);
      this.#ws.send(texts.at(-1) as string, settle);
    });
  }

  #ping(): void {
    // Two, because after this process itself was held up its timers come before the pongs that wait.
    if (this.#missedPongs >= 2) {
      this.#ws.terminate();
      return;
    }
    this.#missedPongs += 1;
    if (this.#ws.readyState === this.#ws.OPEN) this.#ws.ping();
  }

  /** Says why, then closes; the pending follow ends with the connection. */
  #refuse(error: unknown): void {
    if (error instanceof SlowReader) {
      this.#ws.close(CLOSE.tryLater, 'too slow: what was sent was not read');
      return;
    }
    if (!(error instanceof ChainbotError)) {
      this.#ws.close(CLOSE.internal, 'something went wrong');
      return;
    }
    if (this.#ws.readyState === this.#ws.OPEN) {
      this.#ws.send(JSON.stringify({ type: 'error', problem: problemOf(error) } satisfies ServerFrame));
    }
    this.#ws.close(error.code === 'events.gone' ? CLOSE.gone : CLOSE.policy, error.code);
  }
}

function policy(message: string): TerminalError {
  return new TerminalError('invalid', 'request.invalid', message, {
    hint: 'Send {"type": "subscribe", "after": null} once, after you connected.',
  });
}
