import { parentPort, workerData } from 'node:worker_threads';
import { serveWriter, type WriterFiles } from './serve-writer.ts';

/** The writer thread: the only place that writes to chainbot.db and telemetry.db. */
serveWriter(parentPort as NonNullable<typeof parentPort>, workerData as WriterFiles);
