import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import { TerminalError } from '#core/errors.ts';

/**
 * The whole body as text, at most `limit` bytes. What is more is refused as soon as it is known, and then
 * read and thrown away (by node, within its requestTimeout), so that the client reads the answer instead of
 * a reset connection.
 * @throws TerminalError `request.too_large`, `request.malformed` (not UTF-8), `request.aborted`
 */
export function readBody(incoming: IncomingMessage, limit: number): Promise<string> {
  return new Promise((resolve, reject) => {
    if (Number(incoming.headers['content-length']) > limit) {
      reject(tooLarge(limit));
      return;
    }
    const chunks: Buffer[] = [];
    let size = 0;
    const leave = (): void => {
      incoming.off('data', onData).off('end', onEnd).off('error', onAbort).off('close', onAbort);
    };
    const onData = (chunk: Buffer): void => {
      size += chunk.length;
      chunks.push(chunk);
      if (size <= limit) return;
      leave();
      chunks.length = 0;
      incoming.resume();
      reject(tooLarge(limit));
    };
    const onEnd = (): void => {
      leave();
      const body = chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks);
      if (isUtf8(body)) resolve(body.toString('utf8'));
      else reject(new TerminalError('invalid', 'request.malformed', 'the body is not UTF-8 text'));
    };
    const onAbort = (): void => {
      leave();
      reject(new TerminalError('invalid', 'request.aborted', 'the connection ended before the body did'));
    };
    incoming.on('data', onData).on('end', onEnd).on('error', onAbort).on('close', onAbort);
  });
}

function tooLarge(limit: number): TerminalError {
  return new TerminalError('too_large', 'request.too_large', `the body is larger than ${limit} bytes`, {
    hint: 'Send less at once, or raise api.body_limit.',
  });
}
