import type { MessagePort } from 'node:worker_threads';
import type { Database as Sqlite } from 'better-sqlite3';
import type { RefusedUnit, WriterReply, WriterRequest } from './batch.ts';
import { BatchCommitter } from './batch-committer.ts';
import { asOpenError, openDatabase } from './open-database.ts';
import { TelemetryFile } from './telemetry-file.ts';

/** Where the two files are. */
export interface WriterFiles {
  readonly path: string;
  readonly telemetryPath: string;
}

/**
 * What the writer thread does: opens the database, says where it stands, and answers one batch after the
 * other. After an outcome that it cannot know it ends, and the writer on the main thread starts a new one,
 * which reads the truth from the file.
 */
export function serveWriter(port: MessagePort, { path, telemetryPath }: WriterFiles): void {
  const reply = (message: WriterReply): void => port.postMessage(message);
  try {
    const { db, migrated } = openDatabase(path);
    reply(standing(db, migrated));
    serve(port, db, telemetryPath);
  } catch (error) {
    const { code, message } = asOpenError(error, path);
    reply({ kind: 'open_failed', code, message });
  }
}

function standing(db: Sqlite, migrated: number): WriterReply {
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
  return { kind: 'ready', lastBatch: state.last_batch, refused, epoch, head: sequence?.seq ?? 0, migrated };
}

function serve(port: MessagePort, db: Sqlite, telemetryPath: string): void {
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
    port.postMessage({ kind: 'outcome', batch: message.batch, outcome } satisfies WriterReply);
    if (outcome.result === 'unknown') {
      db.close();
      port.close();
    }
  });
}
