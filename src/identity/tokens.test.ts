import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Actor } from '#core/actor.ts';
import type { Clock } from '#core/clock.ts';
import { silentLog } from '#core/log.ts';
import type { WriterPort } from '#store/port.ts';
import { query } from '#store/statement.ts';
import { Store } from '#store/store.ts';
import { Tokens } from './tokens.ts';

const rows = query((db, p: { limit: number }) => db.selectFrom('tokens').selectAll().limit(p.limit));
const events = query((db, p: { limit: number }) =>
  db.selectFrom('events').selectAll().orderBy('seq').limit(p.limit),
);
const owner: Actor = { kind: 'socket', id: 'local' };

let directory: string;
let store: Store;
let now: number;
const clock: Clock = {
  now: () => 1_700_000_000_000 + now,
  monotonic: () => now,
  after: () => ({ [Symbol.dispose]: () => {} }),
};
const tokensOn = (writer: WriterPort = store): Tokens =>
  new Tokens({ writer, reader: store.reader, clock, log: silentLog });

beforeEach(async () => {
  now = 0;
  directory = mkdtempSync(join(tmpdir(), 'chainbot-tokens-'));
  store = new Store({
    file: join(directory, 'chainbot.db'),
    telemetryFile: join(directory, 'telemetry.db'),
    log: silentLog,
    quickCheck: false,
    telemetry: { flushMs: 10_000, retentionMs: 1e9 },
  });
  await store.start(new AbortController().signal);
});
afterEach(async () => {
  await store.stop();
  rmSync(directory, { recursive: true, force: true });
});

test('a token opens, before and after a restart; only its hash is stored', async () => {
  const tokens = tokensOn();
  const made = await tokens.create('laptop', owner);
  expect(made.token).toMatch(/^cb_[\w-]{43}$/);
  expect(tokens.verify(made.token)).toEqual({ kind: 'token', id: made.id });
  expect(tokensOn().verify(made.token)).toEqual({ kind: 'token', id: made.id });
  await tokens.stop();
  expect(JSON.stringify(store.reader.all(rows, { limit: 9 }))).not.toContain(made.token.slice(3));
  expect(store.reader.all(events, { limit: 9 })).toMatchObject([
    {
      type: 'chainbot.token.created',
      subject: `token/${made.id}`,
      actor: 'socket:local',
      data: JSON.stringify({ id: made.id, name: 'laptop' }),
    },
  ]);
});

test.each(['', 'cb_', 'nonsense', `cb_${'A'.repeat(43)}`, `cb_${'A'.repeat(9000)}`])(
  '%s opens nothing',
  async (wrong) => {
    const tokens = tokensOn();
    await tokens.create('laptop', owner);
    expect(tokens.verify(wrong)).toBeUndefined();
  },
);

test('a revoked token opens nothing, and its name is free again', async () => {
  const tokens = tokensOn();
  const made = await tokens.create('laptop', owner);
  await tokens.revoke(made.id, owner);
  expect(tokens.verify(made.token)).toBeUndefined();
  expect(tokensOn().verify(made.token)).toBeUndefined();
  expect(tokens.list()).toEqual([]);
  await expect(tokens.revoke(made.id, owner)).rejects.toMatchObject({ code: 'token.not_found' });
  await expect(tokens.create('laptop', owner)).resolves.toMatchObject({ name: 'laptop' });
  expect(store.reader.all(events, { limit: 9 }).map((event) => event.type)).toEqual([
    'chainbot.token.created',
    'chainbot.token.revoked',
    'chainbot.token.created',
  ]);
});

test('names are unique and plain', async () => {
  const tokens = tokensOn();
  await tokens.create('Pi 4 - kitchen.2', owner);
  await expect(tokens.create('Pi 4 - kitchen.2', owner)).rejects.toMatchObject({ code: 'token.name_taken' });
  for (const name of ['', ' a', 'a\n', 'ä', 'x'.repeat(64), '../x']) {
    await expect(tokens.create(name, owner), name).rejects.toMatchObject({ code: 'token.name_invalid' });
  }
});

test('what somebody else wrote meanwhile is noticed by the database', async () => {
  const one = tokensOn();
  const other = tokensOn();
  expect([one.list(), other.list()]).toEqual([[], []]);
  const made = await one.create('laptop', owner);
  await expect(other.create('laptop', owner)).rejects.toMatchObject({ code: 'token.name_taken' });
  expect(other.list()).toHaveLength(1);
  await one.revoke(made.id, owner);
  await expect(other.revoke(made.id, owner)).rejects.toMatchObject({ code: 'token.not_found' });
});

test('the last use is noted at most once a minute', async () => {
  const tokens = tokensOn();
  const made = await tokens.create('laptop', owner);
  const commits = store.commits;
  for (let i = 0; i < 100; i++) tokens.verify(made.token);
  await tokens.stop();
  expect(store.commits).toBe(commits + 1);
  now = 59_999;
  tokens.verify(made.token);
  await tokens.stop();
  expect(tokens.list()[0]?.lastUsedAt).toBe(1_700_000_000_000);
  now = 60_000;
  tokens.verify(made.token);
  await tokens.stop();
  expect(store.reader.all(rows, { limit: 9 })[0]).toMatchObject({ last_used_at: 1_700_000_060_000 });
});

test('a disk that takes no writes stops nobody from coming in', async () => {
  const made = await tokensOn().create('laptop', owner);
  const tokens = tokensOn({ commit: () => Promise.reject(new Error('disk')) });
  expect(tokens.verify(made.token)).toBeDefined();
  await tokens.stop();
  await expect(tokens.create('other', owner)).rejects.toThrow('disk');
  expect(tokens.list()).toHaveLength(1);
});
