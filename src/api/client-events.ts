import type { IncomingMessage } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { RetryableError, TerminalError } from '#core/errors.ts';
import type { ClientTransport } from './client-transport.ts';
import type { CloudEventAnswer } from './contract/event.ts';

export interface FollowOptions {
  /** Events after this sequence number; 0 is the oldest kept; absent: from now on. */
  readonly after?: number | undefined;
  /** Exact types, or prefixes ending in `*`. */
  readonly types?: readonly string[] | undefined;
  readonly subject?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Comes back after a lost connection, where it was; default true. */
  readonly reconnect?: boolean | undefined;
}

/** `open` comes each time the stream is there, so that a caller may look at the state behind it. */
export type FollowFrame =
  | { readonly kind: 'open' }
  | { readonly kind: 'lost'; readonly error: RetryableError }
  | { readonly kind: 'event'; readonly event: CloudEventAnswer };

/** The daemon sends a heartbeat each 15 s. */
const SILENCE_MS = 45_000;
const LONGEST_LINE = 4 * 1024 * 1024;
const LONGEST_PAUSE_MS = 10_000;

/**
 * Follows the event log over SSE and resumes by Last-Event-ID, so that nothing is missed or seen twice. Ends
 * when the signal aborts.
 * @throws TerminalError `events.gone` when the log no longer holds where it was
 * @throws RetryableError when the connection is lost and `reconnect` is false
 */
export async function* follow(
  transport: ClientTransport,
  options: FollowOptions,
): AsyncGenerator<FollowFrame, void> {
  let lastId: string | undefined;
  let failures = 0;
  while (!options.signal?.aborted) {
    try {
      const stream = await openStream(transport, options, lastId);
      failures = 0;
      yield { kind: 'open' };
      for await (const block of blocks(stream)) {
        if (block.id !== undefined) lastId = block.id;
        if (block.event === undefined && block.data !== '') {
          yield { kind: 'event', event: JSON.parse(block.data) as CloudEventAnswer };
        }
      }
      throw lost('it ended the stream');
    } catch (error) {
      if (options.signal?.aborted) return;
      const loss = asLoss(error);
      if (options.reconnect === false) throw loss;
      yield { kind: 'lost', error: loss };
    }
    failures += 1;
    const wait = Math.min(LONGEST_PAUSE_MS, 250 * 2 ** Math.min(failures, 8));
    await pause(wait * (0.5 + Math.random() / 2), undefined, { signal: options.signal }).catch(() => {});
  }
}

async function openStream(
  transport: ClientTransport,
  options: FollowOptions,
  lastId: string | undefined,
): Promise<IncomingMessage> {
  const query = new URLSearchParams();
  if (options.after !== undefined && lastId === undefined) query.set('after', String(options.after));
  if (options.types?.length) query.set('type', options.types.join(','));
  if (options.subject !== undefined) query.set('subject', options.subject);
  const answer = await transport.open({
    method: 'GET',
    path: `/events?${query}`,
    headers: {
      accept: 'text/event-stream',
      ...(lastId === undefined ? {} : { 'last-event-id': lastId }),
    },
    signal: options.signal,
    timeoutMs: SILENCE_MS,
  });
  if (answer.statusCode === 200) return answer;
  await transport.read(answer, [], options.signal);
  throw lost(`it answered ${answer.statusCode}`);
}

interface Block {
  readonly id: string | undefined;
  readonly event: string | undefined;
  readonly data: string;
}

/** The blocks of a text/event-stream (WHATWG HTML §9.2.6), comments left out. */
async function* blocks(stream: IncomingMessage): AsyncGenerator<Block> {
  stream.setEncoding('utf8');
  let rest = '';
  let id: string | undefined;
  let event: string | undefined;
  let data: string[] = [];
  for await (const chunk of stream as AsyncIterable<string>) {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() as string;
    if (rest.length > LONGEST_LINE) throw lost('it sent a line without end');
    for (const line of lines) {
      if (line === '') {
        yield { id, event, data: data.join('\n') };
        id = event = undefined;
        data = [];
      } else if (line.startsWith('data: ')) data.push(line.slice(6));
      else if (line.startsWith('id: ')) id = line.slice(4);
      else if (line.startsWith('event: ')) event = line.slice(7);
    }
  }
}

function lost(why: string): RetryableError {
  return new RetryableError('client.stream_lost', `the daemon is gone: ${why}`, {
    hint: 'It comes back by itself after a restart; follow again to resume.',
  });
}

/** What may be tried again; anything else is thrown on. */
function asLoss(error: unknown): RetryableError {
  if (error instanceof RetryableError) return error;
  if (error instanceof TerminalError) throw error;
  return new RetryableError('client.stream_lost', 'the connection was lost', { cause: error });
}
