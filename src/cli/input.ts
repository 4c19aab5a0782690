import { open } from 'node:fs/promises';
import { resolve } from 'node:path';
import { TerminalError } from '#core/errors.ts';
import type { Json } from '#core/json.ts';
import type { CliIo } from './io.ts';
import { readAll } from './read-all.ts';

/** Bytes of input that are read at most; the daemon takes less in one request. */
const LARGEST_INPUT = 16 * 1024 * 1024;

/** A file's text, or standard input's for `-`. @throws TerminalError `cli.file_unreadable`, `cli.input_too_large` */
export async function readText(file: string, io: CliIo): Promise<string> {
  if (file === '-') return io.readStdin(LARGEST_INPUT);
  try {
    await using handle = await open(resolve(io.cwd, file));
    return await readAll(handle.createReadStream({ autoClose: false }), LARGEST_INPUT);
  } catch (error) {
    if (error instanceof TerminalError) throw error;
    throw new TerminalError('invalid', 'cli.file_unreadable', `cannot read ${file}: ${reason(error)}`, {
      cause: error,
      hint: 'Give the path of a file, or - to read standard input.',
    });
  }
}

function reason(error: unknown): string {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT') return 'there is no such file';
  if (code === 'EACCES') return 'it may not be read by you';
  if (code === 'EISDIR') return 'it is a folder';
  return String((error as Error).message);
}

/**
 * The JSON of an option: written there, `@file`, or `-` for standard input.
 * @throws TerminalError `cli.json_invalid`, `cli.file_unreadable`
 */
export async function readJson(text: string, option: string, io: CliIo): Promise<Json> {
  const file = text === '-' ? '-' : text.startsWith('@') ? text.slice(1) : undefined;
  const source = file === undefined ? text : await readText(file, io);
  try {
    return JSON.parse(source) as Json;
  } catch (error) {
    const where = file === undefined ? option : `${option} (${file === '-' ? 'standard input' : file})`;
    throw new TerminalError(
      'invalid',
      'cli.json_invalid',
      `${where} is not JSON: ${(error as Error).message}`,
      {
        hint: `Quote it for the shell: ${option} '{"limit": 28}', or put it into a file: ${option} @input.json`,
      },
    );
  }
}

/**
 * A device's value as people write it: `on` and `true`, `off` and `false`, numbers; anything else is a text.
 * In double quotes it is a text whatever it says.
 */
export function readValue(text: string): boolean | number | string {
  if (text === 'on' || text === 'true') return true;
  if (text === 'off' || text === 'false') return false;
  if (/^-?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) && Number.isFinite(Number(text))) return Number(text);
  return /^"[^"]*"$/.test(text) ? text.slice(1, -1) : text;
}
