import Sqlite from 'better-sqlite3';
import { RetryableError } from '#core/errors.ts';
import type { ReaderPort } from './port.ts';
import type { Params, Query, Statement } from './statement.ts';

/**
 * Reads chainbot.db on a read-only connection on the main thread (4 µs by id). Every call reads all its rows
 * at once: a cursor held across an await would keep the WAL from being checkpointed.
 */
export class Reader implements ReaderPort {
  readonly #path: string;
  readonly #onDamage: (message: string) => void;
  readonly #prepared = new Map<number, Sqlite.Statement>();
  #db: Sqlite.Database | undefined;
  #dataVersion: Sqlite.Statement | undefined;

  /** `onDamage` hears of a file that SQLite calls malformed. */
  constructor(path: string, onDamage: (message: string) => void = () => undefined) {
    this.#path = path;
    this.#onDamage = onDamage;
  }

  /** @throws RetryableError `store.unreadable` */
  open(): void {
    try {
      this.#db = new Sqlite(this.#path, { readonly: true, fileMustExist: true });
      this.#db.pragma('busy_timeout = 2000');
    } catch (error) {
      throw this.#unreadable(error);
    }
  }

  close(): void {
    this.#prepared.clear();
    this.#dataVersion = undefined;
    this.#db?.close();
    this.#db = undefined;
  }

  all<P extends Params, Row>(query: Query<P, Row>, params: P): Row[] {
    try {
      return this.#prepare(query).all(query.bind(params)) as Row[];
    } catch (error) {
      throw this.#unreadable(error);
    }
  }

  get<P extends Params, Row>(query: Query<P, Row>, params: P): Row | undefined {
    try {
      return this.#prepare(query).get(query.bind(params)) as Row | undefined;
    } catch (error) {
      throw this.#unreadable(error);
    }
  }

  version(): number {
    try {
      if (!this.#db) throw new Error('the database is not open');
      this.#dataVersion ??= this.#db.prepare('PRAGMA data_version').pluck();
      return this.#dataVersion.get() as number;
    } catch (error) {
      throw this.#unreadable(error);
    }
  }

  #prepare<P extends Params>(statement: Statement<P>): Sqlite.Statement {
    let prepared = this.#prepared.get(statement.id);
    if (!prepared) {
      if (!this.#db) throw new Error('the database is not open');
      prepared = this.#db.prepare(statement.sql);
      this.#prepared.set(statement.id, prepared);
    }
    return prepared;
  }

  #unreadable(error: unknown): RetryableError {
    const { code = '', message } = error as { code?: string; message: string };
    if (/^SQLITE_(CORRUPT|NOTADB)/.test(code)) this.#onDamage(message);
    return new RetryableError('store.unreadable', `the database can't be read: ${message}`, {
      cause: error,
      hint: 'See `chainbot health`; a damaged database is set aside with `chainbotd --set-aside-database`.',
    });
  }
}
