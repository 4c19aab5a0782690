import { parentPort, workerData } from 'node:worker_threads';
import Sqlite from 'better-sqlite3';

/** Runs `PRAGMA quick_check` beside the daemon: on a big file it reads for seconds. Answers the list of faults. */
const { path } = workerData as { path: string };
let faults: string[];
try {
  const db = new Sqlite(path, { readonly: true, fileMustExist: true });
  const rows = db.pragma('quick_check(10)') as { quick_check: string }[];
  db.close();
  faults = rows.map((row) => row.quick_check).filter((line) => line !== 'ok');
} catch (error) {
  faults = [(error as Error).message];
}
parentPort?.postMessage(faults);
