import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { WriterReply, WriterRequest } from './batch.ts';
import { Reader } from './reader.ts';
import { serveWriter } from './serve-writer.ts';
import { query } from './statement.ts';

const types = query((db, _p: Record<never, never>) =>
  db.selectFrom('events').select(['seq', 'type']).orderBy('seq').limit(10),
);

let directory: string;
let port: MessagePort;
let replies: WriterReply[];
let isClosed: boolean;

function serve(): void {
  const { port1, port2 } = new MessageChannel();
  [port, replies, isClosed] = [port1, [], false];
  port.on('message', (reply: WriterReply) => replies.push(reply));
  port.on('close', () => {
    isClosed = true;
  });
  serveWriter(port2, {
    path: join(directory, 'chainbot.db'),
    telemetryPath: join(directory, 'telemetry.db'),
  });
}
const send = (request: WriterRequest): void => port.postMessage(request);
const batch = (number: number, type: string, sql: (string | number)[] = []): WriterRequest => ({
  kind: 'batch',
  batch: number,
  units: 1,
  sql,
  work: [0, 1, type, '', 'system:test', 1, '{}'],
});
const answered = (count: number) => expect.poll(() => replies.length).toBe(count);

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'chainbot-serve-'));
});
afterEach(() => {
  port.close();
  rmSync(directory, { recursive: true, force: true });
});

test('says where the file stands, answers batches, takes readings, and closes', async () => {
  serve();
  await answered(1);
  expect(replies[0]).toMatchObject({ kind: 'ready', lastBatch: 0, head: 0, refused: [], migrated: 1 });
  send(batch(1, 'one'));
  send({ kind: 'telemetry', rows: ['t', 1, 20, 'good'], keepFrom: 0 });
  send(batch(2, 'two'));
  await answered(3);
  expect(replies.slice(1)).toMatchObject([
    { batch: 1, outcome: { result: 'committed', firstSeq: 1 } },
    { batch: 2, outcome: { result: 'committed', firstSeq: 2 } },
  ]);
  send({ kind: 'close' });
  await expect.poll(() => isClosed).toBe(true);
  serve();
  await answered(1);
  expect(replies[0]).toMatchObject({ kind: 'ready', lastBatch: 2, head: 2, migrated: 0 });
  const reader = new Reader(join(directory, 'chainbot.db'));
  reader.open();
  expect(reader.all(types, {}).map((row) => row.type)).toEqual(['one', 'two']);
  reader.close();
  send({ kind: 'close' });
  await expect.poll(() => isClosed).toBe(true);
});

test('ends after an outcome that it cannot know', async () => {
  serve();
  await answered(1);
  // The table goes away under it: neither the unit's fault nor a full disk.
  send({ kind: 'batch', batch: 1, units: 1, sql: [1, 'DROP TABLE writer_state'], work: [1, 1, -1, 0, 0] });
  await expect.poll(() => isClosed).toBe(true);
  expect(replies[1]).toMatchObject({ outcome: { result: 'unknown' } });
});

test('a file that is no database', async () => {
  writeFileSync(join(directory, 'chainbot.db'), 'nothing of the kind'.repeat(300));
  serve();
  await answered(1);
  expect(replies[0]).toMatchObject({ kind: 'open_failed', code: 'corrupt' });
});
