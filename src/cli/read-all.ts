import { TerminalError } from '#core/errors.ts';

/** Reads a stream to its end as UTF-8. @throws TerminalError `cli.input_too_large` */
export async function readAll(stream: AsyncIterable<Buffer | string>, limit: number): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stream) {
    const bytes = Buffer.from(chunk);
    size += bytes.length;
    if (size > limit) {
      throw new TerminalError('too_large', 'cli.input_too_large', `standard input is over ${limit} bytes`, {
        hint: 'The daemon takes at most this much in one request. Is this the right file?',
      });
    }
    chunks.push(bytes);
  }
  return Buffer.concat(chunks).toString('utf8');
}
