import type { IncomingMessage } from 'node:http';
import { pipeline, type Readable } from 'node:stream';
import { createBrotliDecompress, createUnzip } from 'node:zlib';
import { TerminalError } from '#core/errors.ts';
import type { OutboundResponse } from './port.ts';

/**
 * Reads an answer whole, decompressed, counting bytes as they come: a body beyond `maxBytes` (also a small one
 * that unpacks to more) ends the connection.
 * @throws TerminalError `http.too_large`, `http.body_invalid`
 */
export async function readResponse(message: IncomingMessage, maxBytes: number): Promise<OutboundResponse> {
  const decoder = decoderFor((message.headers['content-encoding'] ?? '').trim().toLowerCase());
  const { statusCode } = message;
  const headers = flatHeaders(message, decoder !== undefined);
  try {
    const body = await readAll(decoder ? decode(message, decoder) : message, maxBytes);
    return { status: statusCode as number, headers, body };
  } catch (error) {
    message.destroy();
    if (!decoder || !isDecoding(error)) throw error;
    // No byte at all (HEAD, 304) is an empty body, not a broken one.
    if (error.code === 'Z_BUF_ERROR' && decoder.bytesWritten === 0)
      return { status: statusCode as number, headers, body: new Uint8Array() };
    throw new TerminalError('failed', 'http.body_invalid', 'the answer cannot be decompressed', {
      cause: error,
    });
  }
}

type Decoder = ReturnType<typeof createUnzip>;

function decoderFor(encoding: string): Decoder | undefined {
  if (encoding === 'gzip' || encoding === 'x-gzip' || encoding === 'deflate') return createUnzip();
  return encoding === 'br' ? createBrotliDecompress() : undefined;
}

function decode(message: IncomingMessage, decoder: Decoder): Readable {
  // Errors reach the reader through the decoder, which pipeline destroys with them.
  return pipeline(message, decoder, () => {});
}

async function readAll(stream: Readable, maxBytes: number): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxBytes) throw tooLarge(maxBytes);
    chunks.push(chunk);
  }
  return chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks, size);
}

/** Did zlib (`Z_DATA_ERROR` …) or Brotli (`ERR__ERROR_FORMAT_…`, `ERR_PADDING_…`) refuse the bytes? */
function isDecoding(error: unknown): error is { readonly code: string } {
  const { code } = error as { code?: unknown };
  return typeof code === 'string' && /^(Z_|ERR_BROTLI|ERR__ERROR|ERR_PADDING)/.test(code);
}

function flatHeaders(message: IncomingMessage, decoded: boolean): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(message.headers)) {
    if (decoded && (name === 'content-encoding' || name === 'content-length')) continue;
    if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  return headers;
}

function tooLarge(maxBytes: number): TerminalError {
  return new TerminalError('too_large', 'http.too_large', `the answer is larger than ${maxBytes} bytes`, {
    hint: 'Ask for less, or raise max_bytes.',
  });
}
