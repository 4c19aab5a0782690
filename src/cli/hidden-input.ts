import { TerminalError } from '#core/errors.ts';
import { Interruption } from './io.ts';
import { readAll } from './read-all.ts';

/** Enter, and Ctrl-D. */
const ENDS: ReadonlySet<string> = new Set(['\r', '\n', '\u0004']);
const CTRL_C = '\u0003';
const CTRL_U = '\u0015';

/** What of a terminal a hidden question needs. */
export type HiddenInput = AsyncIterable<Buffer | string> & {
  readonly isTTY?: boolean;
  setRawMode?(on: boolean): unknown;
};

/**
 * One line from a terminal that shows nothing of it, or everything that is piped in, without the line break at
 * its end. @throws TerminalError `cli.input_too_large`; Interruption on Ctrl-C, which a raw terminal hands over as a character
 */
export async function readHidden(
  input: HiddenInput,
  asking: { write(text: string): unknown },
  question: string,
  limit: number,
): Promise<string> {
  if (!input.isTTY) return (await readAll(input, limit)).replace(/\r?\n$/, '');
  asking.write(question);
  input.setRawMode?.(true);
  try {
    return await readLine(input, limit);
  } finally {
    input.setRawMode?.(false);
    asking.write('\n');
  }
}

async function readLine(input: HiddenInput, limit: number): Promise<string> {
  const decoder = new TextDecoder();
  let line = '';
  for await (const chunk of input) {
    for (const character of decoder.decode(Buffer.from(chunk), { stream: true })) {
      if (character === CTRL_C) throw new Interruption('person');
      if (ENDS.has(character)) return line;
      line = typed(line, character);
    }
    if (line.length > limit) throw tooLarge(limit);
  }
  return line;
}

function typed(line: string, character: string): string {
  if (character === CTRL_U) return '';
  if (character === '\u007f' || character === '\b') return [...line].slice(0, -1).join('');
  return line + character;
}

function tooLarge(limit: number): TerminalError {
  return new TerminalError('too_large', 'cli.input_too_large', `the value is over ${limit} bytes`);
}
