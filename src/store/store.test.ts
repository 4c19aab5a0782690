import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { silentLog } from '#core/log.ts';
import { query, statement } from './statement.ts';
import { Store, setDatabaseAside } from './store.ts';
import { Unit } from './unit.ts';

const setMeta = statement<{ key: string; value: string }>((db, p) =>
  db.insertInto('meta').values({ key: p.key, value: p.value }),
);
const changeMeta = statement<{ key: string; value: string }>((db, p) =>
  db.updateTable('meta').set({ value: p.value }).where('key', '=', p.key),
);
const metaByKey = query((db, p: { key: string }) =>
  db.selectFrom('meta').select(['key', 'value']).where('key', '=', p.key),
);
const events = query((db, p: { after: number }) =>
  db.selectFrom('events').select(['seq', 'type']).where('seq', '>', p.after).orderBy('seq').limit(10_000),
);

const event = (type: string) => ({ type, subject: '', actor: 'system:test', time: 1, data: '{}' });
const never = new AbortController().signal;

let directory: string;
let store: Store;
const open = async (): Promise<Store> => {
  const made = new Store({
    file: join(directory, 'chainbot.db'),
    telemetryFile: join(directory, 'telemetry.db'),
    log: silentLog,
    quickCheck: true,
    telemetry: { flushMs: 10_000, retentionMs: 1e9 },
    queueLimit: 2000,
  });
  await made.start(never);
  return made;
};

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'chainbot-store-'));
  store = await open();
});
afterEach(async () => {
  await store.stop();
  rmSync(directory, { recursive: true, force: true });
});

describe('group commit', () => {
  test('many units share few commits, keep their order and get gapless sequence numbers', async () => {
    const heard: number[] = [];
    store.onCommit((first, list) => heard.push(...list.map((_, index) => first + index)));
    const all = await Promise.all(
      Array.from({ length: 1000 }, (_, index) =>
        store.commit(new Unit().add(setMeta, { key: `k${index}`, value: 'v' }, 1).event(event(`t${index}`))),
      ),
    );
    expect(all.map((one) => one.seqs[0])).toEqual(Array.from({ length: 1000 }, (_, index) => index + 1));
    expect(heard).toEqual(Array.from({ length: 1000 }, (_, index) => index + 1));
    expect(store.commits).toBeLessThan(20);
    expect(store.reader.get(metaByKey, { key: 'k999' })).toEqual({ key: 'k999', value: 'v' });
  });

  test('a unit that breaks a constraint or a guard is undone alone', async () => {
    const results = await Promise.allSettled([
      store.commit(new Unit().add(setMeta, { key: 'a', value: '1' }).event(event('a'))),
      store.commit(
        new Unit()
          .add(setMeta, { key: 'b', value: '1' })
          .add(setMeta, { key: 'a', value: '2' })
          .event(event('b')),
      ),
      store.commit(
        new Unit()
          .add(setMeta, { key: 'c', value: '1' })
          .add(changeMeta, { key: 'none', value: '2' }, 1)
          .event(event('c')),
      ),
      store.commit(new Unit().add(setMeta, { key: 'd', value: '1' }).event(event('d'))),
    ]);
    expect(results.map((one) => (one.status === 'rejected' ? one.reason.code : one.value.seqs[0]))).toEqual([
      1,
      'store.constraint',
      'store.guard',
      2,
    ]);
    expect(store.reader.get(metaByKey, { key: 'b' })).toBeUndefined();
    expect(store.reader.get(metaByKey, { key: 'c' })).toBeUndefined();
    expect(store.reader.all(events, { after: 0 }).map((row) => row.type)).toEqual(['a', 'd']);
  });

  test('a full queue is refused, and what was taken is still written', async () => {
    const results = await Promise.allSettled(
      Array.from({ length: 3000 }, (_, index) =>
        store.commit(new Unit().add(setMeta, { key: `q${index}`, value: '' })),
      ),
    );
    const refused = results.filter((one) => one.status === 'rejected');
    expect(refused.length).toBeGreaterThan(900);
    expect((refused[0] as PromiseRejectedResult).reason.code).toBe('store.busy');
  });

  test('closing commits what is queued; afterwards commits are refused', async () => {
    const last = store.commit(new Unit().add(setMeta, { key: 'last', value: '1' }));
    await store.stop();
    await last;
    await expect(store.commit(new Unit())).rejects.toMatchObject({ code: 'store.closed' });
    store = await open();
    expect(store.reader.get(metaByKey, { key: 'last' })).toBeDefined();
  });
});

test('sequence numbers and the epoch survive a restart', async () => {
  const { epoch } = store;
  await store.commit(new Unit().event(event('one')));
  await store.stop();
  store = await open();
  expect(store.epoch).toBe(epoch);
  expect(store.headAtOpen).toBe(1);
  expect((await store.commit(new Unit().event(event('two')))).seqs).toEqual([2]);
});

test('quick_check finds nothing in a good file', async () => {
  store.startQuickCheck();
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(store.health().score).toBe(1);
});

describe('telemetry', () => {
  test('readings arrive in a batch and are read back newest first', async () => {
    const now = Date.now();
    for (let at = 1; at <= 5; at++)
      store.telemetry.record({ device: 't', at: now + at, value: at / 2, quality: 'good' });
    expect(store.telemetry.history('t', 0, now * 2, 10)).toEqual([]);
    store.telemetry.flush();
    await store.commit(new Unit());
    expect(store.telemetry.history('t', now, now * 2, 2)).toEqual([
      { device: 't', at: now + 5, value: 2.5, quality: 'good' },
      { device: 't', at: now + 4, value: 2, quality: 'good' },
    ]);
  });
});

describe('a database that cannot be used', () => {
  test('from the future: degraded, readable, nothing written', async () => {
    await store.stop();
    const db = new Sqlite(join(directory, 'chainbot.db'));
    db.pragma('user_version = 99');
    db.close();
    store = await open();
    expect(store.degraded?.code).toBe('newer');
    await expect(store.commit(new Unit())).rejects.toMatchObject({ code: 'store.degraded' });
    expect(store.reader.get(metaByKey, { key: 'epoch' })).toBeDefined();
    expect(store.health().score).toBe(0);
    expect(store.health().remedies[0]).toContain('Install that version');
  });

  test('not a database: kept as it is, and set aside only when asked', async () => {
    await store.stop();
    const path = join(directory, 'chainbot.db');
    writeFileSync(path, 'this is not a database, but it may hold something dear'.repeat(100));
    rmSync(`${path}-wal`, { force: true });
    const before = readFileSync(path);
    store = await open();
    expect(store.degraded?.code).toBe('corrupt');
    expect(readFileSync(path)).toEqual(before);
    await store.stop();
    const aside = setDatabaseAside(path, new Date(0));
    expect(readFileSync(aside as string)).toEqual(before);
    store = await open();
    expect(store.degraded).toBeUndefined();
  });

  test('damage that quick_check finds stops the writing', async () => {
    await Promise.all(
      Array.from({ length: 500 }, (_, index) =>
        store.commit(new Unit().add(setMeta, { key: `x${index}`, value: 'y'.repeat(200) })),
      ),
    );
    await store.stop();
    const path = join(directory, 'chainbot.db');
    const bytes = readFileSync(path);
    bytes.fill(0xff, bytes.length - 40_000, bytes.length - 20_000);
    writeFileSync(path, bytes);
    store = await open();
    store.startQuickCheck();
    await expect.poll(() => store.degraded?.code ?? store.degraded, { timeout: 5000 }).toBe('corrupt');
    await expect(store.commit(new Unit())).rejects.toMatchObject({ code: 'store.degraded' });
  });
});
