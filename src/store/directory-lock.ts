import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { TerminalError } from '#core/errors.ts';

/**
 * One daemon per data directory. The lock is SQLite's exclusive lock on `daemon.lock`, an advisory fcntl lock
 * that the kernel drops when the process dies in whatever way (sqlite.org/lockingv3.html), so nothing has to
 * be cleaned up after a power cut. `daemon.pid` beside it only tells who holds it.
 */
const LOCK = 'daemon.lock';
const PID = 'daemon.pid';

/**
 * Takes the directory until disposed of, or until this process ends.
 * @throws TerminalError `data_dir.locked` (conflict) with the holder's pid and command
 * @throws TerminalError `data_dir.lock_failed` when the filesystem knows no locks
 */
export function lockDirectory(dir: string): Disposable {
  const db = acquire(dir);
  const pidFile = join(dir, PID);
  try {
    writeFileSync(pidFile, `${process.pid}\n`, { mode: 0o600 });
  } catch {
    // A full disk: the lock holds all the same, only the message of the next one is poorer.
  }
  return {
    [Symbol.dispose]: () => {
      if (!db.open) return;
      rmSync(pidFile, { force: true });
      db.close();
    },
  };
}

function acquire(dir: string): Sqlite.Database {
  let db: Sqlite.Database | undefined;
  try {
    db = new Sqlite(join(dir, LOCK), { timeout: 0 });
    db.pragma('locking_mode = EXCLUSIVE');
    db.exec('BEGIN EXCLUSIVE');
    return db;
  } catch (error) {
    db?.close();
    if ((error as { code?: string }).code?.startsWith('SQLITE_BUSY')) throw locked(dir, error);
    throw new TerminalError(
      'failed',
      'data_dir.lock_failed',
      `${dir} cannot be locked: ${(error as Error).message}`,
      {
        hint: 'Choose a data directory on a local filesystem that this user may write.',
        cause: error,
      },
    );
  }
}

function locked(dir: string, cause: unknown): TerminalError {
  const pid = holder(dir);
  const who = pid === undefined ? 'another daemon' : `the daemon with process id ${pid}`;
  return new TerminalError('conflict', 'data_dir.locked', `${dir} is in use by ${who}`, {
    hint:
      pid === undefined
        ? 'Stop it first, or give this one another data_dir.'
        : `Stop it first (kill ${pid}, or systemctl stop chainbot), or give this one another data_dir.`,
    cause,
  });
}

function holder(dir: string): number | undefined {
  try {
    const text = readFileSync(join(dir, PID), 'utf8').trim();
    return /^\d{1,10}$/.test(text) ? Number(text) : undefined;
  } catch {
    return undefined;
  }
}
