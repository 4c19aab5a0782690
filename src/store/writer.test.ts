import { chmodSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { silentLog } from '#core/log.ts';
import { Reader } from './reader.ts';
import { query, statement } from './statement.ts';
import { Unit } from './unit.ts';
import { Writer, type WriterOptions, type WriterTrouble } from './writer.ts';

const put = statement<{ key: string }>((db, p) =>
  db.insertInto('meta').values({ key: p.key, value: 'x'.repeat(500) }),
);
const touch = statement<{ key: string }>((db, p) =>
  db.updateTable('meta').set({ value: 'y' }).where('key', '=', p.key),
);
const keys = query((db, _p: Record<never, never>) =>
  db.selectFrom('meta').select('key').where('key', 'like', 'k%').orderBy('key').limit(10_000),
);
const event = (type: string, time = 1) => ({ type, subject: '', actor: 'system:test', time, data: '{}' });
const unit = (key: string): Unit => new Unit().add(put, { key }, 1).event(event(key));
const codes = (results: PromiseSettledResult<unknown>[]): string[] =>
  results.map((one) => (one.status === 'fulfilled' ? 'ok' : one.reason.code));

let directory: string;
let path: string;
let writer: Writer;
let heard: [number, string][];
let troubles: (string | undefined)[];
let workers: Worker[];

const dying = (data: object): Worker =>
  new Worker(new URL('../../tests/support/dying-writer-thread.ts', import.meta.url), {
    workerData: { path, batches: 0, ...data },
  });
const plain = (data: { path: string; telemetryPath: string }): Worker =>
  new Worker(new URL('./writer-thread.ts', import.meta.url), { workerData: data });

/** The first threads are made by these, the others are plain. */
async function open(first: readonly (() => Worker)[] = [], more: Partial<WriterOptions> = {}): Promise<void> {
  const made = [...first];
  writer = new Writer({
    path,
    telemetryPath: join(directory, 'telemetry.db'),
    log: silentLog,
    onTrouble: (trouble: WriterTrouble | undefined) => troubles.push(trouble?.code),
    spawn: (data) => {
      const worker = (made.shift() ?? (() => plain(data)))();
      workers.push(worker);
      return worker;
    },
    ...more,
  });
  writer.onCommit((from, events) =>
    heard.push(...events.map((one, index): [number, string] => [from + index, one.type])),
  );
  await writer.open();
}
function stored(): string[] {
  const reader = new Reader(path);
  reader.open();
  const rows = reader.all(keys, {}).map((row) => row.key);
  reader.close();
  return rows;
}

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'chainbot-writer-'));
  path = join(directory, 'chainbot.db');
  [heard, troubles, workers] = [[], [], []];
});
afterEach(async () => {
  await writer.close();
  rmSync(directory, { recursive: true, force: true });
});

describe('the thread dies', () => {
  test('before the commit: those in flight are told it is not written, those behind them are written', async () => {
    await open([() => dying({ die: 'before', batches: 2 })]);
    await writer.commit(unit('k0'));
    const first = writer.commit(unit('k1'));
    // On a slow disk a batch goes with the next turn: the first is on its way before the others come.
    await new Promise((resolve) => setImmediate(resolve));
    const results = await Promise.allSettled([first, writer.commit(unit('k2')), writer.commit(unit('k3'))]);
    expect(codes(results)[0]).toBe('store.failed');
    expect(codes(results)[2]).toBe('ok');
    expect(stored()).toEqual([
      'k0',
      ...['k1', 'k2', 'k3'].filter((_, index) => results[index]?.status === 'fulfilled'),
    ]);
    expect(heard.map(([seq]) => seq)).toEqual(heard.map((_, index) => index + 1));
  });

  test('after the commit: what landed is told so, with its sequence numbers', async () => {
    await open([() => dying({ die: 'after', batches: 1 })]);
    const results = await Promise.all([writer.commit(unit('k1')), writer.commit(unit('k2'))]);
    expect(results.map((one) => one.seqs)).toEqual([[1], [2]]);
    expect(stored()).toEqual(['k1', 'k2']);
    expect(heard).toEqual([
      [1, 'k1'],
      [2, 'k2'],
    ]);
  });

  test('after a commit that refused a unit: the refusal is remembered', async () => {
    await open([() => dying({ die: 'after', batches: 2 })]);
    await writer.commit(unit('k1'));
    // A blocker first, so that the three are one batch or two, whichever: the outcome is the same.
    const results = await Promise.allSettled([
      writer.commit(new Unit().add(touch, { key: 'none' }, 1).event(event('no'))),
      writer.commit(unit('k2')),
    ]);
    expect(codes(results)).toEqual(['store.guard', 'ok']);
    expect(heard.map(([, type]) => type)).toEqual(['k1', 'k2']);
  });

  test('killed from outside, again and again, under load: nothing acknowledged is lost, nothing waits for ever', async () => {
    await open();
    const all = Array.from({ length: 2000 }, async (_, index) => {
      await new Promise((resolve) => setTimeout(resolve, index));
      return writer.commit(unit(`k${index}`));
    });
    const killer = setInterval(() => void workers.at(-1)?.terminate(), 450);
    const results = await Promise.allSettled(all);
    clearInterval(killer);
    await new Promise((resolve) => setTimeout(resolve, 1500));
    const there = new Set(stored());
    const wrong = results.flatMap((one, index) => {
      const code = one.status === 'fulfilled' ? 'ok' : one.reason.code;
      const isThere = there.has(`k${index}`);
      return code === 'store.unknown' || isThere === (code === 'ok') ? [] : [`k${index} ${code} ${isThere}`];
    });
    expect(wrong).toEqual([]);
    expect(workers.length).toBeGreaterThan(2);
    expect(heard.map(([seq]) => seq)).toEqual(heard.map((_, index) => index + 1));
    expect(codes(results)).toContain('store.failed');
  });

  test('and the file cannot be opened again for a while: unknown, then the truth', {
    timeout: 30_000,
  }, async () => {
    await open([() => dying({ die: 'after', batches: 1 })]);
    // The directory is a file while the thread is away.
    const away = join(directory, 'away');
    const failing = writer.commit(unit('k1'));
    workers[0]?.on('exit', () => {
      renameSync(path, away);
      writeFileSync(path, 'no database at all'.repeat(100));
    });
    await expect(failing).rejects.toMatchObject({ code: 'store.unknown' });
    expect(troubles).toEqual(['corrupt']);
    await expect(writer.commit(unit('k2'))).rejects.toMatchObject({ code: 'store.failed' });
    expect(writer.telemetry(['d', 1, 1, 'good'], 0)).toBe(false);
    rmSync(path);
    renameSync(away, path);
    await expect.poll(() => troubles.at(-1), { timeout: 10_000 }).toBeUndefined();
    expect(stored()).toEqual(['k1']);
    expect(heard).toEqual([[1, 'k1']]);
    expect((await writer.commit(unit('k3'))).seqs).toEqual([2]);
  });

  test('while it starts', async () => {
    await expect(open([() => new Worker('process.exit(3)', { eval: true })])).rejects.toMatchObject({
      code: 'store.io',
    });
    await expect(writer.commit(unit('k'))).rejects.toMatchObject({ code: 'store.closed' });
  });
});

describe('a full disk', () => {
  test('is told to those whose work is not on it, and over when there is room', async () => {
    await open([() => dying({ maxPages: 40 })]);
    const results = await Promise.allSettled(
      Array.from({ length: 400 }, (_, index) => writer.commit(unit(`k${String(index).padStart(3, '0')}`))),
    );
    const seen = codes(results);
    expect(new Set(seen)).toContain('store.full');
    expect(stored().length).toBe(seen.filter((code) => code === 'ok').length);
    expect(writer.trouble?.code).toBe('full');
    writeFileSync(`${path}.lifted`, '');
    await writer.commit(unit('k999'));
    expect(troubles).toEqual(['full', undefined]);
    expect(heard.map(([seq]) => seq)).toEqual(heard.map((_, index) => index + 1));
  });
});

test('a bounded queue; a listener that throws harms nobody', async () => {
  await open([], { queueLimit: 10 });
  writer.onCommit(() => {
    throw new Error('mine');
  })();
  const stop = writer.onCommit(() => {
    throw new Error('mine');
  });
  const results = await Promise.allSettled(
    Array.from({ length: 30 }, (_, index) => writer.commit(unit(`k${index}`))),
  );
  expect(codes(results).filter((code) => code === 'store.busy').length).toBeGreaterThan(15);
  expect(codes(results).filter((code) => code === 'ok').length).toBeGreaterThan(9);
  expect(writer.backlog).toBe(0);
  stop();
});

test('a file that cannot be written', async () => {
  await open();
  await writer.close();
  expect(() => chmodSync(path, 0o644)).not.toThrow();
  writeFileSync(path, 'x'.repeat(5000));
  await expect(open()).rejects.toMatchObject({ code: 'store.corrupt' });
  expect(writer.trouble?.code).toBe('corrupt');
});
