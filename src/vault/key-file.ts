import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import path from 'node:path';
import { RetryableError } from '#core/errors.ts';
import { RootKey } from './root-key.ts';

const KEY = /^[A-Za-z0-9_-]{43}$/;

/**
 * The root key as a file of the daemon's user alone (0600): 256 random bits in base64url.
 *
 * A rotation writes `<file>.next` first, then commits the database, then puts it in place. Whichever of these
 * was the last before the power went, the key that the database asks for is in one of the two files, and the
 * next start puts that one in place (`settle`). A `.next` that is cut short was never used: it is on disk whole
 * before the database is asked.
 */
export class KeyFile {
  readonly path: string;

  constructor(file: string) {
    this.path = file;
  }

  get #next(): string {
    return `${this.path}.next`;
  }

  /** Undefined when there is none. @throws RetryableError `vault.key_file` */
  read(): RootKey | undefined {
    return readKey(this.path);
  }

  /** The key of a rotation that has not been settled. */
  readNext(): RootKey | undefined {
    return keyOf(textOf(this.#next) ?? '');
  }

  /** Makes the first one. @throws RetryableError `vault.key_file` */
  create(): RootKey {
    const key = this.prepare();
    this.replace();
    return key;
  }

  /** Writes the key that is to come beside the one in use. @throws RetryableError `vault.key_file` */
  prepare(): RootKey {
    const text = randomBytes(32).toString('base64url');
    try {
      writeDurably(this.#next, `${text}\n`);
    } catch (error) {
      throw unusable(this.#next, `it cannot be written (${(error as Error).message})`, error, WRITABLE);
    }
    return RootKey.fromText(text, 'file');
  }

  /** Puts the key that was prepared in place of the one in use. @throws RetryableError `vault.key_file` */
  replace(): void {
    try {
      renameSync(this.#next, this.path);
      syncFolder(this.path);
    } catch (error) {
      throw unusable(this.path, `it cannot be replaced (${(error as Error).message})`, error, WRITABLE);
    }
  }

  /** Nothing is wrapped with it any more. */
  drop(): void {
    rmSync(this.path, { force: true });
    syncFolder(this.path);
  }

  /** Ends a rotation that the power cut: `isUsed` says whether the database knows a key. */
  settle(isUsed: (id: string) => boolean): void {
    const next = this.readNext();
    if (next !== undefined && isUsed(next.id)) this.replace();
    else rmSync(this.#next, { force: true });
  }
}

function readKey(file: string): RootKey | undefined {
  const text = textOf(file);
  if (text === undefined) return undefined;
  const key = keyOf(text);
  if (key) return key;
  throw unusable(file, 'it holds no root key');
}

function textOf(file: string): string | undefined {
  try {
    const text = readFileSync(file, 'utf8').trim();
    if ((statSync(file).mode & 0o077) !== 0) chmodSync(file, 0o600);
    return text;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return undefined;
    throw unusable(file, `it cannot be read (${code})`, error);
  }
}

function keyOf(text: string): RootKey | undefined {
  return KEY.test(text) ? RootKey.fromText(text, 'file') : undefined;
}

const BACK = 'Put the key file back from a backup, owned by the daemon and with mode 0600, and restart.';
const WRITABLE = 'Make room on the disk, and let the data directory belong to the daemon.';

function unusable(file: string, message: string, cause?: unknown, hint = BACK): RetryableError {
  return new RetryableError('vault.key_file', `${file}: ${message}`, { cause, hint });
}

function writeDurably(file: string, text: string): void {
  rmSync(file, { force: true });
  const handle = openSync(file, 'wx', 0o600);
  try {
    writeSync(handle, text);
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
  syncFolder(file);
}

/** A new name is on disk when its folder is. */
function syncFolder(file: string): void {
  const folder = openSync(path.dirname(file), 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
