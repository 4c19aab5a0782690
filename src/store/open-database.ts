import { randomUUID } from 'node:crypto';
import { statSync } from 'node:fs';
import Sqlite from 'better-sqlite3';
import { migrations, schemaVersion } from './migrations.ts';

/** Why a database could not be opened for writing. */
export class OpenError extends Error {
  readonly code: 'newer' | 'corrupt' | 'sqlite_old' | 'io';
  constructor(code: OpenError['code'], message: string) {
    super(message);
    this.code = code;
  }
}

/** SQLite before this can reset a WAL that still holds commits (sqlite.org/changes.html, 3.51.3). */
const OLDEST_SQLITE = [3, 51, 3] as const;

/**
 * Opens chainbot.db for writing: WAL, synchronous=FULL, foreign keys, migrated to this code's schema. What an
 * earlier failed fsync left in the page cache only is written again and synced (checkpoint) before anyone
 * reads the outcome of a batch from it.
 * @throws OpenError
 */
export function openDatabase(path: string): { db: Sqlite.Database; migrated: number } {
  let db: Sqlite.Database | undefined;
  try {
    lookFirst(path);
    db = new Sqlite(path);
    assertSqliteVersion(versionOf(db));
    applyPragmas(db);
    const migrated = migrate(db);
    db.pragma('wal_checkpoint(TRUNCATE)');
    return { db, migrated };
  } catch (error) {
    db?.close();
    throw asOpenError(error, path);
  }
}

/**
 * Refuses what can't be used before anything may write to it: a connection that may write folds the WAL into
 * the file when it closes, and a damaged or newer file is kept as it is.
 */
function lookFirst(path: string): void {
  if (!statSync(path, { throwIfNoEntry: false })?.size) return;
  const db = new Sqlite(path, { readonly: true, fileMustExist: true });
  try {
    assertKnown(db);
    db.prepare('SELECT count(*) FROM sqlite_schema').get();
  } finally {
    db.close();
  }
}

/** Returns the schema version of the file. */
function assertKnown(db: Sqlite.Database): number {
  const found = db.pragma('user_version', { simple: true }) as number;
  if (found <= schemaVersion) return found;
  throw new OpenError(
    'newer',
    `the database has schema ${found}, this ChainBot knows up to ${schemaVersion}`,
  );
}

function applyPragmas(db: Sqlite.Database): void {
  db.pragma('busy_timeout = 5000');
  db.pragma('journal_mode = WAL');
  db.pragma('synchronous = FULL');
  db.pragma('foreign_keys = ON');
  db.pragma('wal_autocheckpoint = 1000');
  db.pragma('journal_size_limit = 16777216');
}

function versionOf(db: Sqlite.Database): string {
  const { version } = db.prepare('SELECT sqlite_version() AS version').get() as { version: string };
  return version;
}

/** @throws OpenError `sqlite_old` */
export function assertSqliteVersion(version: string): void {
  const parts = version.split('.').map(Number);
  for (const [index, least] of OLDEST_SQLITE.entries()) {
    const part = parts[index] ?? 0;
    if (part > least) return;
    if (part < least)
      throw new OpenError('sqlite_old', `SQLite ${version} is too old; 3.51.3 or newer is needed`);
  }
}

/** Brings the schema up to date, each migration in a transaction; returns how many were applied. */
function migrate(db: Sqlite.Database): number {
  const found = assertKnown(db);
  const due = migrations.filter(({ version }) => version > found);
  for (const { version, sql } of due) {
    db.transaction(() => {
      db.exec(sql);
      if (version === 1) {
        db.prepare("INSERT INTO meta (key, value) VALUES ('epoch', ?)").run(randomUUID());
      }
      db.pragma(`user_version = ${version}`);
    })();
  }
  return due.length;
}

/** What opening or first reading threw, told apart into damage and a failing disk. */
export function asOpenError(error: unknown, path: string): OpenError {
  if (error instanceof OpenError) return error;
  const { code = '', message } = error as { code?: string; message: string };
  const corrupt = /^SQLITE_(CORRUPT|NOTADB)/.test(code);
  return new OpenError(corrupt ? 'corrupt' : 'io', `${path}: ${code} ${message}`);
}
