import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Log, silentLog } from '#core/log.ts';
import { query } from './statement.ts';
import { Store, setDatabaseAside } from './store.ts';
import { Unit } from './unit.ts';

const never = new AbortController().signal;
const event = { type: 'test', subject: '', actor: 'system:test', time: 1, data: '{}' };
const events = query((db, _p: Record<never, never>) => db.selectFrom('events').selectAll().limit(10));

let directory: string;
let store: Store;
let said: string[];

async function open(): Promise<void> {
  const say = (_fields: object, message: string): void => void said.push(message);
  const log: Log = { ...silentLog, error: say, warn: say, child: () => log };
  store = new Store({
    file: join(directory, 'chainbot.db'),
    telemetryFile: join(directory, 'telemetry.db'),
    log,
    quickCheck: true,
    telemetry: { flushMs: 10_000, retentionMs: 1e9 },
  });
  await store.start(never);
}

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'chainbot-trouble-'));
  said = [];
});
afterEach(async () => {
  await store.stop();
  rmSync(directory, { recursive: true, force: true });
});

test('a database that cannot be opened at all: up, unwell, and no writes', async () => {
  mkdirSync(join(directory, 'chainbot.db'));
  await open();
  expect(store.degraded?.code).toBe('io');
  expect([store.epoch, store.headAtOpen, store.commits, store.backlog]).toEqual(['unknown', 0, 0, 0]);
  expect(store.health()).toMatchObject({ score: 0, remedies: [expect.stringContaining('dmesg')] });
  await expect(store.commit(new Unit())).rejects.toMatchObject({
    code: 'store.degraded',
    hint: expect.any(String),
  });
  expect(() => store.reader.all(events, {})).toThrow(expect.objectContaining({ code: 'store.unreadable' }));
  store.startQuickCheck(); // nothing to check
  expect(said.length).toBeGreaterThan(0);
});

test('its size, and what is set aside when there is nothing', async () => {
  expect(setDatabaseAside(join(directory, 'chainbot.db'), new Date(0))).toBeUndefined();
  await open();
  expect(store.size()).toBeGreaterThan(4096);
  await store.commit(new Unit().event(event));
  const heard: number[] = [];
  store.onCommit((seq) => heard.push(seq));
  await store.commit(new Unit().event(event));
  expect([heard, store.commits]).toEqual([[2], 2]);
  expect(store.health().score).toBe(1);
  await store.stop();
  writeFileSync(join(directory, 'chainbot.db-wal'), '');
  expect(setDatabaseAside(join(directory, 'chainbot.db'), new Date(0))).toContain('.aside-1970-01-01');
  await open();
  expect(store.headAtOpen).toBe(0);
});
