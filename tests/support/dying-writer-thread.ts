import { existsSync, unlinkSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import type { WriterRequest } from '#store/batch.ts';
import { BatchCommitter } from '#store/batch-committer.ts';
import { openDatabase } from '#store/open-database.ts';

/**
 * A writer thread for tests: it ends without an answer before or after committing its n-th batch, or has a
 * disk that is full until the file `lifted` is there.
 */
const { path, die, batches, maxPages } = workerData as {
  path: string;
  die?: 'before' | 'after';
  batches: number;
  maxPages?: number;
};
const { db } = openDatabase(path);
const one = (sql: string): Record<string, unknown> | undefined =>
  db.prepare(sql).get() as Record<string, unknown>;
if (maxPages) db.pragma(`max_page_count = ${maxPages}`);
const committer = new BatchCommitter(db);
let left = batches;
parentPort?.on('message', (message: WriterRequest) => {
  if (message.kind === 'close') {
    db.close();
    parentPort?.close();
  }
  if (message.kind !== 'batch') return;
  if (existsSync(`${path}.lifted`)) {
    db.pragma('max_page_count = 1073741823');
    unlinkSync(`${path}.lifted`);
  }
  left--;
  if (left === 0 && die === 'before') process.exit(1);
  const outcome = committer.commit(message);
  if (left === 0 && die === 'after') process.exit(1);
  parentPort?.postMessage({ kind: 'outcome', batch: message.batch, outcome });
});
parentPort?.postMessage({
  kind: 'ready',
  lastBatch: one('SELECT last_batch FROM writer_state')?.last_batch,
  refused: [],
  epoch: one("SELECT value FROM meta WHERE key = 'epoch'")?.value,
  head: one("SELECT seq FROM sqlite_sequence WHERE name = 'events'")?.seq ?? 0,
  migrated: 0,
});
