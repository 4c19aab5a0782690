import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { RetryableError } from '#core/errors.ts';
import { silentLog } from '#core/log.ts';
import { Unit } from '#store/unit.ts';
import { FileStore } from '../../tests/support/file-store.ts';
import { HandClock } from '../../tests/support/hand-clock.ts';
import { Cursor } from './cursor.ts';
import { eventMatcher } from './event-filter.ts';
import { EventLog } from './event-log.ts';
import { Retention, type RetentionLimits } from './retention.ts';

const never = new AbortController().signal;
let directory: string;
let store: FileStore;
let log: EventLog;
let clock: HandClock;

function open(): void {
  store = new FileStore(join(directory, 'chainbot.db'));
  log = new EventLog(store, '/chainbot/test');
  log.open();
}
/** `count` events, many to a unit; every tenth is rare. */
async function write(count: number): Promise<void> {
  for (let left = count; left > 0; left -= 500) {
    const unit = new Unit();
    for (let index = 0; index < Math.min(left, 500); index++) {
      const type = index % 10 === 9 ? 'chainbot.test.rare' : 'chainbot.test.common';
      unit.event({
        type,
        subject: `run/${index % 3}`,
        actor: 'system:test',
        time: clock.now(),
        data: `{"n":${index}}`,
      });
    }
    await store.commit(unit);
  }
}
const seqs = (events: readonly { seq: number }[]): number[] => events.map(({ seq }) => seq);
const range = (from: number, to: number): number[] =>
  Array.from({ length: Math.max(0, to - from + 1) }, (_, index) => from + index);

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'chainbot-bus-'));
  clock = new HandClock();
  open();
});
afterEach(() => {
  store.close();
  rmSync(directory, { recursive: true, force: true });
});

describe('reading', () => {
  test('nothing is there', () => {
    expect([log.head(), log.tail(), log.after(0, 10), log.before(10, 10)]).toEqual([0, 1, [], []]);
  });

  test('across the edge between what is in memory and what is on disk', async () => {
    await write(5000);
    const edge = 5000 - 4096; // the last that is on disk only
    expect([log.head(), log.tail()]).toEqual([5000, 1]);
    for (const from of [0, 1, edge - 2, edge - 1, edge, edge + 1, 4998, 4999, 5000, 6000]) {
      expect(seqs(log.after(from, 3))).toEqual(range(from + 1, Math.min(5000, from + 3)));
    }
    expect(seqs(log.after(0, 5000))).toEqual(range(1, 5000));
    expect(seqs(log.before(5001, 3))).toEqual([5000, 4999, 4998]);
    expect(seqs(log.before(2, 3))).toEqual([1]);
    expect(log.after(edge - 1, 2).map((event) => [event.data, event.subject])).toEqual(
      [edge - 1, edge].map((index) => [{ n: index % 500 }, `run/${(index % 500) % 3}`]),
    );
  });

  test('with filters, from memory and from disk', async () => {
    await write(5000);
    const rare = { types: ['chainbot.test.rare'] };
    expect(seqs(log.after(0, 3, rare))).toEqual([10, 20, 30]);
    expect(seqs(log.after(895, 3, rare))).toEqual([900, 910, 920]);
    expect(seqs(log.after(4985, 9, rare))).toEqual([4990, 5000]);
    expect(seqs(log.before(4985, 2, rare))).toEqual([4980, 4970]);
    expect(
      log
        .after(0, 9000, { types: ['chainbot.test.*'], subject: 'run/2' })
        .every((event) => event.subject === 'run/2'),
    ).toBe(true);
    expect(log.after(0, 9, { types: ['chainbot.other'] })).toEqual([]);
    expect(log.before(5001, 9, { subject: 'nobody' })).toEqual([]);
  });

  test('after a restart the numbers go on and everything is read from disk', async () => {
    await write(30);
    const { epoch } = log;
    store.close();
    open();
    expect([log.head(), log.tail(), log.epoch]).toEqual([30, 1, epoch]);
    await write(10);
    expect(seqs(log.after(25, 100))).toEqual(range(26, 40));
  });

  test('what was committed and never heard of is found on disk', async () => {
    const heard: Parameters<FileStore['onCommit']>[0][] = [];
    const deaf = new EventLog(
      {
        reader: store.reader,
        epoch: 'e',
        headAtOpen: 0,
        onCommit: (listener) => {
          heard.push(listener);
          return () => undefined;
        },
      },
      's',
    );
    deaf.open();
    await write(10);
    expect(deaf.head()).toBe(0);
    heard[0]?.(9, store.rows('SELECT * FROM events WHERE seq >= 9'));
    expect(seqs(deaf.after(0, 100))).toEqual(range(1, 10));
    expect(seqs(deaf.after(8, 100))).toEqual([9, 10]);
  });

  test('as CloudEvents', async () => {
    await write(1);
    const [event] = log.after(0, 1);
    if (!event) throw new Error('no event');
    expect(log.toCloudEvent(event)).toEqual({
      specversion: '1.0',
      id: `${log.epoch}-1`,
      source: '/chainbot/test',
      type: 'chainbot.test.common',
      subject: 'run/0',
      time: '2026-07-01T10:00:00.000Z',
      datacontenttype: 'application/json',
      data: { n: 0 },
      actor: 'system:test',
      seq: 1,
      epoch: log.epoch,
    });
    expect(
      'subject' in log.toCloudEvent({ seq: 2, type: 't', subject: '', actor: 'a', time: 0, data: {} }),
    ).toBe(false);
  });

  test('two logs have epochs of their own', () => {
    const other = new FileStore(join(directory, 'other.db'));
    expect(other.epoch).not.toBe(log.epoch);
    other.close();
  });
});

describe('waiting', () => {
  test('ends when there is more, at once when there is already, and with the signal', async () => {
    const ended: string[] = [];
    const abort = new AbortController();
    void log.waitBeyond(0, never).then(() => ended.push('one'));
    void log.waitBeyond(5, never).then(() => ended.push('six'));
    void log.waitBeyond(100, abort.signal).then(() => ended.push('aborted'));
    await write(3);
    expect(ended).toEqual(['one']);
    await log.waitBeyond(2, never);
    await write(3);
    expect(ended).toEqual(['one', 'six']);
    abort.abort();
    await log.waitBeyond(100, abort.signal);
    await Promise.resolve();
    expect(ended).toEqual(['one', 'six', 'aborted']);
  });
});

test('filters', () => {
  const event = { type: 'chainbot.run.ended', subject: 'run/1', actor: '', time: 0, seq: 1, data: {} };
  const passes = (filter: Parameters<typeof eventMatcher>[0]): boolean => eventMatcher(filter)(event);
  expect(
    [
      undefined,
      {},
      { types: [] },
      { types: ['chainbot.run.ended'] },
      { types: ['chainbot.run.*'] },
      { types: ['*'] },
    ].map(passes),
  ).toEqual(Array(6).fill(true));
  expect(
    [
      { types: ['chainbot.run'] },
      { types: ['other.*'] },
      { subject: 'run/2' },
      { types: ['*'], subject: '' },
    ].map(passes),
  ).toEqual(Array(4).fill(false));
});

describe('cursors', () => {
  test('go forward only, and are where they were left', async () => {
    const cursor = new Cursor('c', { reader: store.reader, writer: store }, clock);
    cursor.open(7);
    expect(cursor.position()).toBe(7);
    await cursor.advance(5);
    await Promise.all([cursor.advance(20), cursor.advance(10)]);
    expect(cursor.position()).toBe(20);
    const again = new Cursor('c', { reader: store.reader, writer: store }, clock);
    again.open(0);
    expect(again.position()).toBe(20);
    store.refusals.push(new RetryableError('store.full', 'full'));
    await expect(again.advance(30)).rejects.toMatchObject({ code: 'store.full' });
    expect(again.position()).toBe(20);
  });
});

describe('retention', () => {
  const retention = (limits: Partial<RetentionLimits>): Retention =>
    new Retention({
      log,
      store: { reader: store.reader, writer: store },
      limits: { maxAgeMs: 1e12, maxCount: 1e9, hardCap: 1e9, ...limits },
      clock,
      logger: silentLog,
    });
  const cursorAt = async (name: string, seq: number): Promise<void> => {
    const cursor = new Cursor(name, { reader: store.reader, writer: store }, clock);
    cursor.open(0);
    await cursor.advance(seq);
  };

  test('by count, in pieces, and numbers are not used again', async () => {
    await write(5000);
    await retention({ maxCount: 100 }).trim(never);
    expect([log.tail(), log.head()]).toEqual([4901, 5000]);
    expect(seqs(log.before(5001, 9000)).length).toBe(100);
    expect(log.after(0, 1).map(({ seq }) => seq)).toEqual([4901]);
    await retention({ maxCount: 0 }).trim(never);
    expect(log.tail()).toBe(5001);
    await write(1);
    expect([log.tail(), log.head()]).toEqual([5001, 5001]);
  });

  test('by age', async () => {
    await write(10);
    await clock.advance(1000);
    await write(10);
    await retention({ maxAgeMs: 500 }).trim(never);
    expect(log.tail()).toBe(11);
    await clock.advance(1000);
    await retention({ maxAgeMs: 500 }).trim(never);
    expect(log.tail()).toBe(21);
  });

  test('events of a clock that was behind do not take younger ones along', async () => {
    await write(10);
    clock.leap(-40 * 86_400_000);
    await write(10);
    clock.leap(40 * 86_400_000);
    await write(10);
    await retention({ maxAgeMs: 86_400_000 }).trim(never);
    expect(log.tail()).toBe(1);
  });

  test('never past a cursor, until the hard cap: then the loss is an event, the health is lower, and heals', async () => {
    await write(1000);
    await cursorAt('late', 300);
    await cursorAt('soon', 900);
    const keeper = retention({ maxCount: 100, hardCap: 500 });
    await retention({ maxCount: 100, hardCap: 800 }).trim(never);
    expect(log.tail()).toBe(301);
    await keeper.trim(never);
    expect(log.tail()).toBe(501);
    expect(log.after(1000, 9).map(({ type, data }) => [type, data])).toEqual([
      ['chainbot.log.gap', { cursor: 'late', from: 301, to: 500 }],
    ]);
    expect(keeper.health()).toMatchObject({ score: 0.6 });
    await keeper.trim(never);
    expect(keeper.health().score).toBe(0.6);
    await cursorAt('late', 1002);
    await cursorAt('soon', 1002);
    await keeper.trim(never);
    expect(keeper.health().score).toBe(1);
    // The gap's own event had pushed one more over the cap.
    expect(log.after(1001, 9).map(({ data }) => data)).toEqual([{ cursor: 'late', from: 501, to: 501 }]);
  });

  test('by itself, and again after an error', async () => {
    await write(50);
    const keeper = retention({ maxCount: 10 });
    await keeper.start(never);
    store.refusals.push(new RetryableError('store.full', 'full'));
    await clock.advance(30_000);
    expect(log.tail()).toBe(1);
    await clock.advance(600_000);
    for (let turns = 0; turns < 5; turns++) await new Promise((resolve) => setImmediate(resolve));
    expect(log.tail()).toBe(41);
    await keeper.stop();
    expect(clock.waiting).toBe(0);
  });
});
