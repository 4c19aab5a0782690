import type { ServerResponse } from 'node:http';
import type { EventFilter, EventLogPort } from '#bus/port.ts';
import { ChainbotError } from '#core/errors.ts';
import { problemOf } from './error-map.ts';
import { followLog } from './follow-log.ts';

export interface EventStreamOptions {
  readonly after: number;
  readonly filter: EventFilter;
  readonly heartbeatMs: number;
  readonly slowReaderMs: number;
  /** Aborts when the stream must end; the reason is told to the reader. */
  readonly ending: AbortSignal;
}

const HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'x-accel-buffering': 'no',
};

/**
 * Sends events as server-sent events (WHATWG HTML §9.2) until the reader leaves, is too slow, or the daemon
 * stops. Each block's id is `<epoch>-<seq>`; a heartbeat carries one too, so that a reader of rare events
 * resumes near the log's head. Resolves when the stream has ended; never rejects.
 */
export async function streamEvents(
  outgoing: ServerResponse,
  log: EventLogPort,
  options: EventStreamOptions,
): Promise<void> {
  const left = new AbortController();
  outgoing.once('close', () => left.abort()).once('error', () => left.abort());
  const signal = AbortSignal.any([left.signal, options.ending]);
  outgoing.writeHead(200, HEADERS);
  const send = (text: string): Promise<void> => sent(outgoing, text, options.slowReaderMs, signal);
  try {
    await send(`retry: 1000\nid: ${log.epoch}-${options.after}\n\n`);
    for await (const { events, position } of followLog(log, { ...options, signal })) {
      if (events.length === 0) await send(`: still here\nid: ${log.epoch}-${position}\n\n`);
      else await send(events.map((event) => block(log, event)).join(''));
    }
  } catch (error) {
    if (error instanceof ChainbotError) {
      outgoing.end(`event: error\ndata: ${JSON.stringify(problemOf(error))}\n\n`);
    } else if (!options.ending.aborted) outgoing.destroy();
  }
  if (options.ending.aborted) {
    outgoing.end(`event: end\ndata: ${JSON.stringify({ reason: String(options.ending.reason) })}\n\n`);
  }
}

function block(log: EventLogPort, event: Parameters<EventLogPort['toCloudEvent']>[0]): string {
  const cloud = log.toCloudEvent(event);
  return `id: ${cloud.id}\ndata: ${JSON.stringify(cloud)}\n\n`;
}

/** Resolves when the text has left this process; rejects when the reader does not take it in time. */
function sent(
  outgoing: ServerResponse,
  text: string,
  slowReaderMs: number,
  signal: AbortSignal,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (error?: Error | null): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      if (error) reject(error);
      else resolve();
    };
    const onAbort = (): void => settle(new Error('the stream ends'));
    const timer = setTimeout(() => settle(new Error('the reader is too slow')), slowReaderMs);
    if (signal.aborted) onAbort();
    else {
      signal.addEventListener('abort', onAbort, { once: true });
      outgoing.write(text, settle);
    }
  });
}
