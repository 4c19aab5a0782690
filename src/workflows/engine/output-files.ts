import { createHash } from 'node:crypto';
import { readFileSync, statSync, unlinkSync } from 'node:fs';
import { mkdir, open, readdir, rename, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { TerminalError } from '#core/errors.ts';
import type { Json } from '#core/json.ts';
import type { ReaderPort } from '#store/port.ts';
import type { Unit } from '#store/unit.ts';
import { outputReferred, referToOutput } from './output-files-table.ts';

/**
 * Large outputs as files beside the database, `<folder>/ab/<sha256>.json`.
 *
 * O1  A file is whole and on disk (its folder too) before the unit that refers to it is committed.
 * O2  Its name is the SHA-256 of what is in it: it is never written over, and what is read is checked against it.
 * O3  It goes when no run refers to it and nobody is about to: from `keep` on it is held until a run refers to it.
 * O4  What stands in the journal is `{"$file":…,"bytes":…}`. An output that looks like that itself becomes a
 *     file, so that nobody can name another's.
 */
export class OutputFiles {
  readonly #folder: string;
  readonly #reader: ReaderPort;
  /** Named by units that may not be committed yet. */
  readonly #held = new Set<string>();
  /** Next of the 256 folders to look at. */
  #next = 0;

  constructor(folder: string, reader: ReaderPort) {
    this.#folder = folder;
    this.#reader = reader;
  }

  /**
   * What the journal is to hold of an output (JSON text): the text itself, or a reference that goes into the
   * unit with the file's owner; the file must be `write`n before that unit is committed.
   */
  keep(text: string, run: number, unit: Unit): { readonly stored: string; readonly file?: OutputFile } {
    if (text.length <= LARGEST_IN_JOURNAL && !text.startsWith(MARK)) return { stored: text };
    const content = Buffer.from(text);
    const sha256 = hashOf(content);
    this.#held.add(sha256);
    unit.add(referToOutput, { run, sha256 });
    return { stored: `${MARK}"${sha256}","bytes":${content.length}}`, file: { sha256, content } };
  }

  /** Resolves when the file is on disk (O1). @throws what the filesystem throws */
  async write({ sha256, content }: OutputFile): Promise<void> {
    const path = this.#pathOf(sha256);
    const folder = dirname(path);
    const made = await mkdir(folder, { recursive: true, mode: 0o700 });
    if (!isWhole(path, sha256, content.length)) await writeWhole(path, content);
    await syncFolder(folder);
    await syncFolder(this.#folder);
    if (made === this.#folder) await syncFolder(dirname(this.#folder));
  }

  /** What stands in the journal as a value. @throws TerminalError `output.file_missing`, `output.file_changed` */
  value(stored: string): Json {
    const reference = readReference(stored);
    return JSON.parse(reference ? this.#read(reference) : stored) as Json;
  }

  #read({ sha256 }: OutputReference): string {
    let content: Buffer;
    try {
      content = readFileSync(this.#pathOf(sha256));
    } catch (error) {
      throw missing(sha256, error);
    }
    if (hashOf(content) !== sha256) throw changed(sha256);
    return content.toString();
  }

  /** The file, open. @throws TerminalError `output.file_missing` */
  async open({ sha256 }: OutputReference): Promise<AsyncIterable<Uint8Array>> {
    try {
      const handle = await open(this.#pathOf(sha256), 'r');
      return handle.createReadStream();
    } catch (error) {
      throw missing(sha256, error);
    }
  }

  /** Looks at some of the folders and removes what no run refers to (O3); returns how many files went. */
  async sweep(now: number, folders = 4): Promise<number> {
    let removed = 0;
    for (let left = folders; left > 0; left--) {
      const name = this.#next.toString(16).padStart(2, '0');
      this.#next = (this.#next + 1) % 256;
      const files = await readdir(join(this.#folder, name)).catch(() => []);
      for (const [index, file] of files.slice(0, MOST_FILES_AT_ONCE).entries()) {
        if (index % 50 === 49) await turn();
        if (this.#dropUnused(join(this.#folder, name, file), file, now)) removed++;
      }
    }
    return removed;
  }

  /** All at once, so that nothing can begin to refer to it meanwhile. */
  #dropUnused(path: string, name: string, now: number): boolean {
    const sha256 = name.slice(0, 64);
    if (name.endsWith('.tmp')) {
      const since = statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? now;
      return now - since > UNFINISHED_MS && gone(path);
    }
    if (name !== `${sha256}.json`) return false;
    const isReferred = this.#reader.get(outputReferred, { sha256 }) !== undefined;
    if (isReferred) this.#held.delete(sha256);
    return !isReferred && !this.#held.has(sha256) && gone(path);
  }

  #pathOf(sha256: string): string {
    return join(this.#folder, sha256.slice(0, 2), `${sha256}.json`);
  }
}

/** Characters of JSON text; what is longer becomes a file. */
export const LARGEST_IN_JOURNAL = 256 * 1024;
const MARK = '{"$file":';
const REFERENCE = /^\{"\$file":"([0-9a-f]{64})","bytes":(\d{1,12})\}$/;
const MOST_FILES_AT_ONCE = 500;
const UNFINISHED_MS = 3_600_000;
let lastWrite = 0;

export interface OutputFile {
  readonly sha256: string;
  readonly content: Buffer;
}

export interface OutputReference {
  readonly sha256: string;
  readonly bytes: number;
}

/** The reference that stands in the journal, undefined when it is an output itself. */
export function readReference(stored: string): OutputReference | undefined {
  if (!stored.startsWith(MARK)) return undefined;
  const [, sha256, bytes] = REFERENCE.exec(stored) ?? [];
  return sha256 === undefined ? undefined : { sha256, bytes: Number(bytes) };
}

function isWhole(path: string, sha256: string, bytes: number): boolean {
  if (statSync(path, { throwIfNoEntry: false })?.size !== bytes) return false;
  return hashOf(readFileSync(path)) === sha256;
}

async function writeWhole(path: string, content: Buffer): Promise<void> {
  const unfinished = `${path}.${process.pid}.${++lastWrite}.tmp`;
  try {
    const handle = await open(unfinished, 'wx', 0o600);
    try {
      await handle.writeFile(content);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(unfinished, path);
  } catch (error) {
    await unlink(unfinished).catch(() => undefined);
    throw error;
  }
}

function hashOf(content: Buffer): string {
  return createHash('sha256').update(content).digest('hex');
}

async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function gone(path: string): boolean {
  try {
    unlinkSync(path);
    return true;
  } catch {
    return false;
  }
}

function missing(sha256: string, cause: unknown): TerminalError {
  return new TerminalError('failed', 'output.file_missing', `the output file ${sha256}.json can't be read`, {
    hint: 'It was in `outputs` beside the database. Put it back from a backup, or start the run anew.',
    cause,
  });
}

function changed(sha256: string): TerminalError {
  return new TerminalError('failed', 'output.file_changed', `the output file ${sha256}.json was changed`, {
    hint: 'What is in it is not what the step gave. Put it back from a backup, or start the run anew.',
  });
}
