import { parentPort, workerData } from 'node:worker_threads';
import type { Database as Sqlite } from 'better-sqlite3';
import type { RefusedUnit, WriterReply, WriterRequest } from './batch.ts';
import { BatchCommitter } from './batch-committer.ts';
import { asOpenError, openDatabase } from './open-database.ts';
import { TelemetryFile } from './telemetry-file.ts';

/**
 * The writer thread: the only place that writes to chainbot.db and telemetry.db. After an outcome that it
 * cannot know it ends, and the writer on the main thread starts a new one, which reads the truth from the file.
 */
const port = parentPort as NonNullable<typeof parentPort>;
const { path, telemetryPath } = workerData as { path: string; telemetryPath: string };
const reply = (message: WriterReply): void => port.postMessage(message);

function announce(db: Sqlite, migrated: number): void {
  const state = db.prepare('SELECT last_batch, failed FROM writer_state').get() as {
    last_batch: number;
    failed: string;
  };
  const { value: epoch } = db.prepare("SELECT value FROM meta WHERE key = 'epoch'").get() as {
    value: string;
  };
  const sequence = db.prepare("SELECT seq FROM sqlite_sequence WHERE name = 'events'").get() as
    | { seq: number }
    | undefined;
  const refused = JSON.parse(state.failed) as RefusedUnit[];
  reply({ kind: 'ready', lastBatch: state.last_batch, refused, epoch, head: sequence?.seq ?? 0, migrated });
}

function serve(db: Sqlite): void {
  const committer = new BatchCommitter(db);
  const telemetry = new TelemetryFile(telemetryPath);
  port.on('message', (message: WriterRequest) => {
    if (message.kind === 'telemetry') {
      telemetry.write(message.rows, message.keepFrom);
      return;
    }
    if (message.kind === 'close') {
      telemetry.close();
      db.close();
      port.close();
      return;
    }
    const outcome = committer.commit(message);
    reply({ kind: 'outcome', batch: message.batch, outcome });
    if (outcome.result === 'unknown') {
      db.close();
      port.close();
    }
  });
}

try {
  const { db, migrated } = openDatabase(path);
  announce(db, migrated);
  serve(db);
} catch (error) {
  const { code, message } = asOpenError(error, path);
  reply({ kind: 'open_failed', code, message });
}
