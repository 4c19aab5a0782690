import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { schemaVersion } from './migrations.ts';
import { asOpenError, assertSqliteVersion, type OpenError, openDatabase } from './open-database.ts';
import { Reader } from './reader.ts';
import { query } from './statement.ts';
import { Telemetry } from './telemetry.ts';
import { TelemetryFile } from './telemetry-file.ts';

let directory: string;
let path: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'chainbot-open-'));
  path = join(directory, 'chainbot.db');
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const codeOf = (work: () => unknown): string => {
  try {
    work();
    return 'none';
  } catch (error) {
    return (error as OpenError).code;
  }
};
const epochs = query((db, _p: Record<never, never>) =>
  db.selectFrom('meta').selectAll().where('key', '=', 'epoch'),
);

test('a new database: durable, migrated, with an epoch of its own; opened again: as it was', () => {
  const first = openDatabase(path);
  expect(first.migrated).toBe(schemaVersion);
  expect(first.db.pragma('journal_mode', { simple: true })).toBe('wal');
  expect(first.db.pragma('synchronous', { simple: true })).toBe(2);
  expect(first.db.pragma('foreign_keys', { simple: true })).toBe(1);
  const epoch = first.db.prepare("SELECT value FROM meta WHERE key = 'epoch'").get();
  first.db.close();
  const second = openDatabase(path);
  expect(second.migrated).toBe(0);
  expect(second.db.prepare("SELECT value FROM meta WHERE key = 'epoch'").get()).toEqual(epoch);
  second.db.close();
  const other = openDatabase(join(directory, 'other.db'));
  expect(other.db.prepare("SELECT value FROM meta WHERE key = 'epoch'").get()).not.toEqual(epoch);
  other.db.close();
});

test('newer than this code, damaged, or no file that can be had: each said, nothing changed', () => {
  const { db } = openDatabase(path);
  db.pragma('user_version = 99');
  db.close();
  expect(codeOf(() => openDatabase(path))).toBe('newer');
  const dear = 'not a database, but dear to somebody'.repeat(200);
  writeFileSync(path, dear);
  expect(codeOf(() => openDatabase(path))).toBe('corrupt');
  expect(readFileSync(path, 'utf8')).toBe(dear);
  mkdirSync(join(directory, 'folder.db'));
  expect(codeOf(() => openDatabase(join(directory, 'folder.db')))).toBe('io');
  expect(codeOf(() => openDatabase(join(directory, 'none', 'x.db')))).toBe('io');
  expect(asOpenError(Object.assign(new Error('bad'), { code: 'SQLITE_CORRUPT_INDEX' }), path).code).toBe(
    'corrupt',
  );
});

test('an SQLite whose WAL can lose commits is refused', () => {
  for (const good of ['3.51.3', '3.51.10', '3.52.0', '4.0.0'])
    expect(codeOf(() => assertSqliteVersion(good))).toBe('none');
  for (const old of ['3.51.2', '3.46.1', '2.99.99', '3.51'])
    expect(codeOf(() => assertSqliteVersion(old))).toBe('sqlite_old');
});

test('the reader says what it cannot read, and tells of damage', () => {
  const damage: string[] = [];
  const reader = new Reader(path, (message) => damage.push(message));
  expect(codeOf(() => reader.open())).toBe('store.unreadable');
  expect(codeOf(() => reader.get(epochs, {}))).toBe('store.unreadable');
  openDatabase(path).db.close();
  reader.open();
  expect(reader.get(epochs, {})).toMatchObject({ key: 'epoch' });
  expect(reader.all(epochs, {})).toHaveLength(1);
  expect(damage).toEqual([]);
  reader.close();
  expect(codeOf(() => reader.all(epochs, {}))).toBe('store.unreadable');
  writeFileSync(path, 'x'.repeat(10_000));
  rmSync(`${path}-wal`, { force: true });
  reader.open();
  expect(codeOf(() => reader.all(epochs, {}))).toBe('store.unreadable');
  expect(damage).toHaveLength(1);
  reader.close();
});

test('telemetry: a file that cannot be written costs the readings, and is tried again', () => {
  const file = new TelemetryFile(join(directory, 'none', 'telemetry.db'));
  file.write(['t', 1, 20.5, 'good'], 0);
  expect(file.lastError).toBeTypeOf('string');
  mkdirSync(join(directory, 'none'));
  file.write(['t', 1, 20.5, 'good', 't', 2, 'on', 'good', 't', 2, 21, 'bad'], 0);
  expect(file.lastError).toBeUndefined();
  file.write(['t', 3, 1, 'good'], 2);
  file.close();
  const db = new Sqlite(join(directory, 'none', 'telemetry.db'), { readonly: true });
  expect(db.prepare('SELECT at, value FROM readings ORDER BY at').all()).toEqual([
    { at: 2, value: 21 },
    { at: 3, value: 1 },
  ]);
  db.close();
});

test('telemetry waits while there is no writer, bounded, and trims once an hour', () => {
  const sent: { rows: number; keepFrom: number }[] = [];
  let isThere = false;
  const writer = {
    telemetry: (rows: readonly unknown[], keepFrom: number) => {
      if (isThere) sent.push({ rows: rows.length / 4, keepFrom });
      return isThere;
    },
  };
  const telemetry = new Telemetry(join(directory, 't.db'), writer, { flushMs: 1_000_000, retentionMs: 1000 });
  telemetry.start();
  for (let at = 0; at < 20_005; at++) telemetry.record({ device: 'd', at, value: 1, quality: 'good' });
  telemetry.flush();
  expect([telemetry.dropped, sent.length]).toEqual([5, 0]);
  isThere = true;
  telemetry.flush();
  telemetry.record({ device: 'd', at: 1, value: 1, quality: 'good' });
  telemetry.stop();
  expect(sent.map((one) => [one.rows, one.keepFrom > 0])).toEqual([
    [20_000, true],
    [1, false],
  ]);
  expect(telemetry.history('d', 0, 1, 1)).toEqual([]);
});
