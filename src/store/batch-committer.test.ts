import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Database as Sqlite } from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type BatchMessage, type BatchOutcome, encodeUnit, type FlatWork } from './batch.ts';
import { BatchCommitter } from './batch-committer.ts';
import { openDatabase } from './open-database.ts';
import { statement } from './statement.ts';
import { Unit } from './unit.ts';

const put = statement<{ key: string; value: string }>((db, p) =>
  db.insertInto('meta').values({ key: p.key, value: p.value }),
);
const touch = statement<{ key: string }>((db, p) =>
  db.updateTable('meta').set({ value: 'y' }).where('key', '=', p.key),
);
const event = (type: string, more = {}) => ({
  type,
  subject: '',
  actor: 'system:test',
  time: 1,
  data: '{}',
  ...more,
});
const good = (key: string, events = 1): Unit => {
  const unit = new Unit().add(put, { key, value: '' }, 1);
  for (let index = 0; index < events; index++) unit.event(event(`${key}.${index}`));
  return unit;
};

let directory: string;
let db: Sqlite;
let committer: BatchCommitter;
let batch: number;

function message(units: readonly Unit[], withSql = true): BatchMessage {
  const work: FlatWork = [];
  for (const unit of units) encodeUnit(unit, work);
  const sql = withSql ? [put.id, put.sql, touch.id, touch.sql] : [];
  return { kind: 'batch', batch: ++batch, units: units.length, sql, work };
}
const commit = (...units: Unit[]): BatchOutcome => committer.commit(message(units));
const kept = (): string[] =>
  (db.prepare("SELECT key FROM meta WHERE key <> 'epoch' ORDER BY key").all() as { key: string }[]).map(
    ({ key }) => key,
  );
const log = (): string[] =>
  (db.prepare('SELECT seq, type FROM events ORDER BY seq').all() as { seq: number; type: string }[]).map(
    ({ seq, type }) => `${seq} ${type}`,
  );
const state = () =>
  db.prepare('SELECT last_batch, failed FROM writer_state').get() as { last_batch: number; failed: string };

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'chainbot-batch-'));
  db = openDatabase(join(directory, 'chainbot.db')).db;
  committer = new BatchCommitter(db);
  batch = 0;
});
afterEach(() => {
  db.close();
  rmSync(directory, { recursive: true, force: true });
});

describe('I5: sequence numbers', () => {
  test.each([1, 7, 8, 9, 63, 64, 65, 200])('%i events of one unit are in order and have no gap', (count) => {
    expect(commit(good('a', count), good('b'), new Unit())).toMatchObject({
      result: 'committed',
      firstSeq: 1,
      refused: [],
    });
    expect(commit(good('c'))).toMatchObject({ firstSeq: count + 2 });
    const wanted = [...Array.from({ length: count }, (_, index) => `a.${index}`), 'b.0', 'c.0'];
    expect(log()).toEqual(wanted.map((type, index) => `${index + 1} ${type}`));
  });

  test('a batch without events has none', () => {
    expect(commit(new Unit().add(put, { key: 'a', value: '' }))).toMatchObject({ firstSeq: 0 });
    expect(commit(new Unit())).toMatchObject({ result: 'committed', firstSeq: 0 });
  });
});

describe('I2: a refused unit leaves no trace and takes no other with it', () => {
  const bad: Record<string, () => Unit> = {
    guard: () => good('x').add(touch, { key: 'none' }, 1).add(put, { key: 'after', value: '' }),
    'constraint: primary key': () => good('x').add(put, { key: 'a', value: '' }),
    'constraint: not null': () => good('x').add(put, { key: 'n', value: null as never }),
    'constraint: an event': () => good('x', 3).event(event('bad', { time: Number.NaN })),
    'constraint: the type of a column of an event': () => good('x', 70).event(event('bad', { time: 1.5 })),
    'error: a statement that nobody knows': () => {
      const unknown = statement<{ key: string }>((build, p) =>
        build.deleteFrom('meta').where('key', '=', p.key),
      );
      return good('x').add(unknown, { key: 'a' });
    },
  };

  test.each(Object.entries(bad))('%s', (name, make) => {
    commit(good('seed'));
    const outcome = commit(good('a', 2), make(), good('b', 70), make(), good('c'));
    const reason = name.split(':')[0];
    expect(outcome).toMatchObject({
      result: 'committed',
      firstSeq: 2,
      refused: [
        { unit: 1, reason },
        { unit: 3, reason },
      ],
    });
    expect(kept()).toEqual(['a', 'b', 'c', 'seed']);
    expect(log().length).toBe(1 + 2 + 70 + 1);
    expect(log().at(-1)).toBe('74 c.0');
    expect(JSON.parse(state().failed)).toHaveLength(2);
    expect(commit(good('d'))).toMatchObject({ firstSeq: 75 });
    expect(state()).toEqual({ last_batch: 3, failed: '[]' });
  });

  test('a later unit may use what an earlier one wrote, and only what was committed', () => {
    const outcome = commit(
      good('a'),
      new Unit().add(touch, { key: 'a' }, 1),
      new Unit().add(touch, { key: 'b' }, 1),
      good('b'),
    );
    expect(outcome).toMatchObject({ refused: [{ unit: 2, reason: 'guard' }] });
  });
});

describe('I3: a full disk', () => {
  test('nothing of the batch is on it, whatever SQLite did by itself', () => {
    commit(good('a'));
    const pages = db.pragma('page_count', { simple: true }) as number;
    db.pragma(`max_page_count = ${pages + 2}`);
    const big = (key: string): Unit =>
      new Unit().add(put, { key, value: 'x'.repeat(3000) }, 1).event(event(key));
    expect(commit(big('b'), big('c'), big('d'), good('e'), good('f'))).toMatchObject({ result: 'full' });
    expect(db.inTransaction).toBe(false);
    expect(kept()).toEqual(['a']);
    expect(state().last_batch).toBe(1);
    db.pragma('max_page_count = 1073741823');
    expect(commit(big('b'), good('e'))).toMatchObject({ result: 'committed', firstSeq: 2 });
  });

  test('full during the replay with savepoints', () => {
    commit(good('a'));
    const pages = db.pragma('page_count', { simple: true }) as number;
    db.pragma(`max_page_count = ${pages + 1}`);
    const big = new Unit().add(put, { key: 'b', value: 'x'.repeat(30_000) }, 1);
    expect(commit(new Unit().add(touch, { key: 'none' }, 1), big, good('c'))).toMatchObject({
      result: 'full',
    });
    expect(kept()).toEqual(['a']);
  });

  test('full when the events are written', () => {
    commit(good('a'));
    const pages = db.pragma('page_count', { simple: true }) as number;
    db.pragma(`max_page_count = ${pages + 1}`);
    expect(commit(new Unit().event(event('big', { data: 'x'.repeat(50_000) })))).toMatchObject({
      result: 'full',
    });
    expect(log()).toEqual(['1 a.0']);
  });
});

/** The real database, except that one kind of call fails once with a code of SQLite's. */
function failing(
  at: 'BEGIN IMMEDIATE' | 'COMMIT' | 'SAVEPOINT unit' | 'INSERT',
  code: string,
  lands = false,
): Sqlite {
  const fail = (): never => {
    throw Object.assign(new Error('injected'), { code });
  };
  let left = 1;
  return new Proxy(db, {
    get(target, name) {
      if (name === 'exec') {
        return (sql: string) => {
          if (sql !== at || left-- <= 0) return target.exec(sql);
          if (lands) target.exec(sql);
          return fail();
        };
      }
      if (name === 'prepare') {
        return (sql: string) => {
          const real = target.prepare(sql);
          if (at !== 'INSERT' || !sql.startsWith('insert')) return real;
          return { run: (values: unknown[]) => (left-- > 0 ? fail() : real.run(values)) };
        };
      }
      const value = Reflect.get(target, name, target) as unknown;
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

describe('errors of the disk', () => {
  test.each([
    'SQLITE_IOERR_FSYNC',
    'SQLITE_IOERR_WRITE',
    'SQLITE_CORRUPT',
    'SQLITE_READONLY_DBMOVED',
    'SQLITE_BUSY',
  ])('%s: the outcome is unknown, nothing is left open', (code) => {
    for (const at of ['BEGIN IMMEDIATE', 'COMMIT', 'INSERT'] as const) {
      committer = new BatchCommitter(failing(at, code));
      expect(commit(good(`${at}1`))).toMatchObject({ result: 'unknown', message: `${code} injected` });
      expect(db.inTransaction).toBe(false);
      expect(commit(good(`${at}2`))).toMatchObject({ result: 'committed' });
      expect(state().last_batch).toBe(batch);
    }
    expect(kept()).toEqual(['BEGIN IMMEDIATE2', 'COMMIT2', 'INSERT2']);
  });

  test('SQLITE_FULL at COMMIT is a full disk; a COMMIT that failed and had landed is unknown, and on disk', () => {
    committer = new BatchCommitter(failing('COMMIT', 'SQLITE_FULL'));
    expect(commit(good('a'))).toMatchObject({ result: 'full' });
    expect(kept()).toEqual([]);
    committer = new BatchCommitter(failing('COMMIT', 'SQLITE_IOERR_FSYNC', true));
    expect(commit(good('b'))).toMatchObject({ result: 'unknown' });
    expect(kept()).toEqual(['b']);
    expect(state().last_batch).toBe(2); // I4
  });

  test('during the replay', () => {
    committer = new BatchCommitter(failing('SAVEPOINT unit', 'SQLITE_IOERR'));
    expect(commit(good('a'), new Unit().add(touch, { key: 'none' }, 1))).toMatchObject({ result: 'unknown' });
    expect([db.inTransaction, kept()]).toEqual([false, []]);
  });
});

test('SQL that was sent once is known; what does not prepare is refused alone', () => {
  commit(good('a'));
  expect(committer.commit(message([good('b')], false))).toMatchObject({ result: 'committed' });
  const broken = { id: 999_999, sql: 'SELECT nonsense FROM nowhere', bind: () => [] };
  const unit = new Unit();
  unit.steps.push({ statement: broken as never, expect: -1, values: [] });
  const sent = message([good('c'), unit, good('d')]);
  const outcome = committer.commit({ ...sent, sql: [...sent.sql, broken.id, broken.sql] });
  expect(outcome).toMatchObject({ result: 'committed', refused: [{ unit: 1, reason: 'error' }] });
  expect(kept()).toEqual(['a', 'b', 'c', 'd']);
});
