import Sqlite from 'better-sqlite3';
import type { TelemetryPort, TelemetryRow } from './port.ts';

export interface TelemetryOptions {
  /** Readings are written this often. */
  readonly flushMs: number;
  readonly retentionMs: number;
}

interface TelemetryWriter {
  telemetry(rows: readonly (string | number)[], keepFrom: number): boolean;
}

const MOST_WAITING = 20_000;
const TRIM_EVERY_MS = 3_600_000;
const HISTORY =
  'SELECT at, value, quality FROM readings WHERE device = ? AND at >= ? AND at <= ? ORDER BY at DESC LIMIT ?';

/** Collects readings and hands them to the writer thread a batch at a time. */
export class Telemetry implements TelemetryPort {
  readonly #path: string;
  readonly #writer: TelemetryWriter;
  readonly #options: TelemetryOptions;
  #waiting: (string | number)[] = [];
  #timer: NodeJS.Timeout | undefined;
  #reader: Sqlite.Database | undefined;
  #trimmedAt = 0;
  /** Readings given up because the writer was away for too long. */
  dropped = 0;

  constructor(path: string, writer: TelemetryWriter, options: TelemetryOptions) {
    this.#path = path;
    this.#writer = writer;
    this.#options = options;
  }

  start(): void {
    this.#timer = setInterval(() => this.flush(), this.#options.flushMs);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.flush();
    this.#reader?.close();
    this.#reader = undefined;
  }

  record(row: TelemetryRow): void {
    if (this.#waiting.length >= MOST_WAITING * 4) {
      this.#waiting.splice(0, 4);
      this.dropped++;
    }
    this.#waiting.push(row.device, row.at, row.value, row.quality);
  }

  /** Hands what is waiting to the writer now. */
  flush(): void {
    if (this.#waiting.length === 0) return;
    const now = Date.now();
    const trim = now - this.#trimmedAt > TRIM_EVERY_MS;
    if (!this.#writer.telemetry(this.#waiting, trim ? now - this.#options.retentionMs : 0)) return;
    if (trim) this.#trimmedAt = now;
    this.#waiting = [];
  }

  history(device: string, from: number, to: number, limit: number): readonly TelemetryRow[] {
    try {
      this.#reader ??= new Sqlite(this.#path, { readonly: true, fileMustExist: true });
      const rows = this.#reader.prepare(HISTORY).all(device, from, to, limit) as Omit<
        TelemetryRow,
        'device'
      >[];
      return rows.map((row) => ({ device, ...row }));
    } catch {
      return []; // no reading was ever written, or the file is being made anew
    }
  }
}
