import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import { TerminalError } from '#core/errors.ts';

/** So much of a body that is refused anyway is read and thrown away before the answer. */
const MOST_DISCARDED = 64 * 1024 * 1024;

/**
 * The whole body as text, at most `limit` bytes. What is more is thrown away as it comes and refused at its
 * end, so that the client reads the answer instead of a reset connection; memory stays within the limit, and
 * node's requestTimeout ends who takes too long. Who asked first (Expect: 100-continue) is refused at once.
 * @throws TerminalError `request.too_large`, `request.malformed` (not UTF-8), `request.aborted`
 */
export function readBody(incoming: IncomingMessage, limit: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const announced = Number(incoming.headers['content-length']);
    if (announced > limit && (announced > MOST_DISCARDED || incoming.headers.expect !== undefined)) {
      reject(tooLarge(limit));
      return;
    }
    const chunks: Buffer[] = [];
    let size = 0;
    const settle = (error: TerminalError | undefined): void => {
      incoming.off('data', onData).off('end', onEnd).off('error', onAbort).off('close', onAbort);
      if (error) reject(error);
      else resolve((chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks)).toString('utf8'));
    };
    const onData = (chunk: Buffer): void => {
      size += chunk.length;
      if (size <= limit) chunks.push(chunk);
      else chunks.length = 0;
      if (size <= MOST_DISCARDED) return;
      incoming.resume();
      settle(tooLarge(limit));
    };
    const onEnd = (): void => {
      if (size > limit) settle(tooLarge(limit));
      else settle(chunks.every(isUtf8) || isUtf8(Buffer.concat(chunks)) ? undefined : notUtf8());
    };
    const onAbort = (): void => settle(aborted());
    incoming.on('data', onData).on('end', onEnd).on('error', onAbort).on('close', onAbort);
  });
}

function tooLarge(limit: number): TerminalError {
  return new TerminalError('too_large', 'request.too_large', `the body is larger than ${limit} bytes`, {
    hint: 'Send less at once, or raise api.body_limit.',
  });
}

function notUtf8(): TerminalError {
  return new TerminalError('invalid', 'request.malformed', 'the body is not UTF-8 text');
}

function aborted(): TerminalError {
  return new TerminalError('invalid', 'request.aborted', 'the connection ended before the body did');
}
