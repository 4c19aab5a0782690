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
  readonly #prepared = new Map<number, Sqlite.Statement>();
  #db: Sqlite.Database | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  /** @throws RetryableError `store.unreadable` */
  open(): void {
    try {
      this.#db = new Sqlite(this.#path, { readonly: true, fileMustExist: true });
      this.#db.pragma('busy_timeout = 2000');
    } catch (error) {
      throw unreadable(error);
    }
  }

  close(): void {
    this.#prepared.clear();
    this.#db?.close();
    this.#db = undefined;
  }

  all<P extends Params, Row>(query: Query<P, Row>, params: P): Row[] {
    try {
      return this.#prepare(query).all(query.bind(params)) as Row[];
    } catch (error) {
      throw unreadable(error);
    }
  }

  get<P extends Params, Row>(query: Query<P, Row>, params: P): Row | undefined {
    try {
      return this.#prepare(query).get(query.bind(params)) as Row | undefined;
    } catch (error) {
      throw unreadable(error);
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
}

function unreadable(error: unknown): RetryableError {
  return new RetryableError('store.unreadable', `the database can't be read: ${(error as Error).message}`, {
    cause: error,
    hint: 'See `chainbot health`; a damaged database is set aside with `chainbotd --set-aside-database`.',
  });
}
