import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { schemaVersion } from '#store/migrations.ts';
import { openDatabase } from '#store/open-database.ts';
import { ROOT } from './rigs/site.ts';

/**
 * The migrations, the snapshot that people read in a review, and the types that queries are written against say
 * the same. After a new migration: CHAINBOT_WRITE_SNAPSHOT=1 npm run appliance -- tests/schema-snapshot.test.ts
 */
const SNAPSHOT = join(ROOT, 'src/store/schema.snapshot.sql');

let folder: string;
let db: Sqlite.Database;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'chainbot-schema-'));
  openDatabase(join(folder, 'new.db')).db.close();
  db = new Sqlite(join(folder, 'new.db'));
});
afterAll(() => {
  db.close();
  rmSync(folder, { recursive: true, force: true });
});

test('the snapshot is what the migrations make', () => {
  const made = snapshotOf(db);
  if (process.env.CHAINBOT_WRITE_SNAPSHOT) writeFileSync(SNAPSHOT, made);
  expect(readFileSync(SNAPSHOT, 'utf8')).toBe(made);
  expect(db.pragma('user_version', { simple: true })).toBe(schemaVersion);
});

test('the snapshot alone makes the same database', () => {
  const copy = new Sqlite(':memory:');
  copy.exec(readFileSync(SNAPSHOT, 'utf8'));
  expect(snapshotOf(copy).split('\n').slice(3)).toEqual(snapshotOf(db).split('\n').slice(3));
  copy.close();
});

test('tables.ts has every table and column, with its nulls, and no others', () => {
  const made = Object.fromEntries(tableNames(db).map((name) => [name, columnsOf(db, name)]));
  expect(declared()).toEqual(made);
});

function snapshotOf(database: Sqlite.Database): string {
  const rows = database
    .prepare(
      "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%' ORDER BY type DESC, name",
    )
    .all() as { sql: string }[];
  const head = [
    '-- The schema of chainbot.db as all migrations together make it. Generated: see tests/schema-snapshot.test.ts.',
    `-- Version ${database.pragma('user_version', { simple: true })}.`,
    '',
  ];
  return `${[...head, ...rows.map((row) => `${row.sql};`)].join('\n')}\n`;
}

function tableNames(database: Sqlite.Database): string[] {
  const rows = database
    .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name")
    .all() as { name: string }[];
  return rows.map((row) => row.name);
}

/** `name: may be null`; a primary key never is. */
function columnsOf(database: Sqlite.Database, table: string): Record<string, boolean> {
  const rows = database.pragma(`table_info(${table})`) as { name: string; notnull: number; pk: number }[];
  return Object.fromEntries(rows.map((row) => [row.name, row.notnull === 0 && row.pk === 0]));
}

/** What the Database interface says, read from its source: types are gone at run time. */
function declared(): Record<string, Record<string, boolean>> {
  const source = readFileSync(join(ROOT, 'src/store/tables.ts'), 'utf8');
  const body = source.slice(source.indexOf('export interface Database {'));
  const tables: Record<string, Record<string, boolean>> = {};
  for (const [, table = '', columns = ''] of body.matchAll(/^ {2}(\w+): \{([^}]*)\}/gm)) {
    const found = columns.matchAll(/(\w+): ([^;]+);?/g);
    tables[table] = Object.fromEntries(
      [...found].map(([, name, type = '']) => [name, type.includes('null')]),
    );
  }
  return tables;
}
