import Sqlite from 'better-sqlite3';

const SCHEMA = `CREATE TABLE IF NOT EXISTS readings (
  device TEXT NOT NULL, at INTEGER NOT NULL, value ANY NOT NULL, quality TEXT NOT NULL,
  PRIMARY KEY (device, at)) STRICT, WITHOUT ROWID`;

/**
 * telemetry.db: sensor readings, in a file of their own with synchronous=NORMAL, because a lost minute of
 * temperatures is worth less than the card. It never takes the journal down with it: a file that cannot be
 * opened or written costs the readings, and `lastError` says so.
 */
export class TelemetryFile {
  readonly #path: string;
  #db: Sqlite.Database | undefined;
  #insert: Sqlite.Statement | undefined;
  #trim: Sqlite.Statement | undefined;
  lastError: string | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  /** `rows` is device, at, value, quality, device, …; what is older than `keepFrom` (0: nothing) goes. */
  write(rows: readonly (string | number)[], keepFrom: number): void {
    try {
      const db = this.#open();
      db.transaction(() => {
        for (let index = 0; index + 3 < rows.length; index += 4)
          this.#insert?.run(rows.slice(index, index + 4));
        if (keepFrom > 0) this.#trim?.run(keepFrom);
      })();
      this.lastError = undefined;
    } catch (error) {
      this.lastError = (error as Error).message;
      this.close();
    }
  }

  close(): void {
    this.#db?.close();
    this.#db = undefined;
  }

  #open(): Sqlite.Database {
    if (this.#db) return this.#db;
    const db = new Sqlite(this.#path);
    db.pragma('journal_mode = WAL');
    db.pragma('synchronous = NORMAL');
    db.exec(SCHEMA);
    this.#insert = db.prepare(
      'INSERT OR REPLACE INTO readings (device, at, value, quality) VALUES (?, ?, ?, ?)',
    );
    // Bounded, so that a first trim after a long time does not hold the writer.
    this.#trim = db.prepare(
      'DELETE FROM readings WHERE (device, at) IN (SELECT device, at FROM readings WHERE at < ? LIMIT 5000)',
    );
    this.#db = db;
    return db;
  }
}
