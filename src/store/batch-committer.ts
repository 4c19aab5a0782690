import type { Statement as Prepared, Database as Sqlite } from 'better-sqlite3';
import type { BatchMessage, BatchOutcome, RefusedUnit } from './batch.ts';
import { WorkReader } from './batch.ts';
import type { SqlValue } from './statement.ts';
import type { EventRow } from './unit.ts';

/**
 * Commits batches of units with one fsync each.
 *
 * I1  A batch is one transaction: what is reported committed is on disk (WAL, synchronous=FULL).
 * I2  A unit that is refused leaves no trace and takes no other unit with it.
 * I3  After any caught error `inTransaction` is asked before anything else: SQLite ends the transaction by
 *     itself after SQLITE_FULL, and going on would commit the rest one by one.
 * I4  writer_state holds the number of the last committed batch and its refused units, written in that very
 *     transaction: after a failed COMMIT or the thread's death the truth is read there, not guessed.
 * I5  Events of a batch get consecutive sequence numbers in unit order; refused units use none up.
 */
export class BatchCommitter {
  readonly #db: Sqlite;
  readonly #sql = new Map<number, string>();
  readonly #prepared = new Map<number, Prepared>();
  readonly #eventInserts = new Map<number, Prepared>();
  readonly #mark: Prepared;
  /** The sequence number given last. */
  #lastSeq = 0;

  constructor(db: Sqlite) {
    this.#db = db;
    this.#mark = db.prepare('UPDATE writer_state SET last_batch = ?, failed = ? WHERE id = 1');
  }

  commit(message: BatchMessage): BatchOutcome {
    for (let index = 0; index < message.sql.length; index += 2) {
      this.#sql.set(message.sql[index] as number, message.sql[index + 1] as string);
    }
    try {
      const quick = this.#attempt(message, false);
      return quick ?? (this.#attempt(message, true) as BatchOutcome);
    } catch (error) {
      this.#rollback();
      return outcomeOf(error);
    }
  }

  /** Returns undefined when a unit was refused and there were no savepoints to undo it alone. */
  #attempt(message: BatchMessage, savepoints: boolean): BatchOutcome | undefined {
    const reader = new WorkReader(message.work);
    const events: EventRow[] = [];
    const refused: RefusedUnit[] = [];
    this.#db.exec('BEGIN IMMEDIATE');
    for (let unit = 0; unit < message.units; unit++) {
      if (savepoints) this.#db.exec('SAVEPOINT unit');
      const own: EventRow[] = savepoints ? [] : events;
      const problem =
        this.#runUnit(reader, unit, own) ?? (savepoints ? this.#tryEvents(own, unit) : undefined);
      if (problem && !savepoints) {
        this.#rollback();
        return undefined;
      }
      if (problem) {
        refused.push(problem);
        this.#db.exec('ROLLBACK TO unit');
      } else if (savepoints) events.push(...own);
      if (savepoints) this.#db.exec('RELEASE unit');
    }
    const firstSeq = savepoints ? this.#firstOf(events.length) : this.#insertedOrRefused(events);
    if (firstSeq === undefined) return undefined;
    this.#mark.run(message.batch, refused.length === 0 ? '[]' : JSON.stringify(refused));
    this.#db.exec('COMMIT');
    return { result: 'committed', firstSeq, refused };
  }

  #runUnit(reader: WorkReader, unit: number, events: EventRow[]): RefusedUnit | undefined {
    const statements = reader.number();
    let problem: RefusedUnit | undefined;
    for (let index = 0; index < statements && !problem; index++) {
      const id = reader.number();
      const expect = reader.number();
      const values = reader.values(reader.number());
      problem = this.#runStatement(id, expect, values, unit);
      if (problem) reader.skipStatements(statements - index - 1);
    }
    if (problem) reader.skipEvents();
    else for (let left = reader.number(); left > 0; left--) events.push(reader.event());
    return problem;
  }

  #runStatement(id: number, expect: number, values: SqlValue[], unit: number): RefusedUnit | undefined {
    try {
      const { changes } = this.#prepare(id).run(values);
      if (expect < 0 || changes === expect) return undefined;
      return { unit, reason: 'guard', message: `${changes} rows changed where ${expect} must` };
    } catch (error) {
      return this.#refusal(error, unit);
    }
  }

  /** @throws the error itself when it is the disk's and not the unit's */
  #refusal(error: unknown, unit: number): RefusedUnit {
    if (!this.#db.inTransaction || isDiskError(error)) throw error;
    const { code, message } = error as { code?: string; message: string };
    return { unit, reason: code?.startsWith('SQLITE_CONSTRAINT') ? 'constraint' : 'error', message };
  }

  #prepare(id: number): Prepared {
    let prepared = this.#prepared.get(id);
    if (!prepared) {
      const sql = this.#sql.get(id);
      if (sql === undefined) throw new Error(`statement ${id} was never sent to the writer`);
      prepared = this.#db.prepare(sql);
      this.#prepared.set(id, prepared);
    }
    return prepared;
  }

  /** Undefined, with everything rolled back, when one of the events was refused: which one, a replay tells. */
  #insertedOrRefused(events: readonly EventRow[]): number | undefined {
    const problem = this.#tryEvents(events, 0);
    if (!problem) return this.#firstOf(events.length);
    this.#rollback();
    return undefined;
  }

  #tryEvents(events: readonly EventRow[], unit: number): RefusedUnit | undefined {
    try {
      this.#insertEvents(events);
      return undefined;
    } catch (error) {
      return this.#refusal(error, unit);
    }
  }

  /** The first sequence number of the `count` events inserted last; 0 when there are none. */
  #firstOf(count: number): number {
    return count === 0 ? 0 : this.#lastSeq - count + 1;
  }

  /** Multi-row inserts in chunks of a few sizes, so that few statements are ever prepared. */
  #insertEvents(events: readonly EventRow[]): void {
    for (let from = 0; from < events.length; ) {
      const left = events.length - from;
      const size = left >= 64 ? 64 : left >= 8 ? 8 : 1;
      const values: SqlValue[] = [];
      for (let index = from; index < from + size; index++) {
        const event = events[index] as EventRow;
        values.push(event.type, event.subject, event.actor, event.time, event.data);
      }
      this.#lastSeq = Number(this.#eventInsert(size).run(values).lastInsertRowid);
      from += size;
    }
  }

  #eventInsert(rows: number): Prepared {
    let prepared = this.#eventInserts.get(rows);
    if (!prepared) {
      const places = Array.from({ length: rows }, () => '(?, ?, ?, ?, ?)').join(', ');
      prepared = this.#db.prepare(`INSERT INTO events (type, subject, actor, time, data) VALUES ${places}`);
      this.#eventInserts.set(rows, prepared);
    }
    return prepared;
  }

  #rollback(): void {
    if (this.#db.inTransaction) this.#db.exec('ROLLBACK');
  }
}

function codeOf(error: unknown): string {
  return String((error as { code?: unknown }).code ?? '');
}

function isDiskError(error: unknown): boolean {
  return /^SQLITE_(FULL|IOERR|CORRUPT|NOTADB|READONLY|CANTOPEN|NOMEM|BUSY)/.test(codeOf(error));
}

function outcomeOf(error: unknown): BatchOutcome {
  const message = `${codeOf(error)} ${(error as Error).message}`.trim();
  return codeOf(error).startsWith('SQLITE_FULL')
    ? { result: 'full', message }
    : { result: 'unknown', message };
}
