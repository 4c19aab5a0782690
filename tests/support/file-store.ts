import { TerminalError } from '#core/errors.ts';
import type { BatchMessage } from '#store/batch.ts';
import { encodeUnit, type FlatWork } from '#store/batch.ts';
import { BatchCommitter } from '#store/batch-committer.ts';
import { openDatabase } from '#store/open-database.ts';
import type { CommitListener, Committed, WriterPort } from '#store/port.ts';
import { Reader } from '#store/reader.ts';
import type { EventRow, Unit } from '#store/unit.ts';

interface Waiting {
  readonly unit: Unit;
  readonly resolve: (committed: Committed) => void;
  readonly reject: (error: unknown) => void;
}

const never = <T>(): Promise<T> => new Promise<T>(() => undefined);

/**
 * The store without its thread: the real committer on a real file, a batch per turn of the event loop. It can
 * be told to die after a number of units: what is committed later never is, and nobody hears of it.
 */
export class FileStore implements WriterPort {
  readonly reader: Reader;
  readonly epoch: string;
  readonly headAtOpen: number;
  readonly #db: ReturnType<typeof openDatabase>['db'];
  readonly #committer: BatchCommitter;
  readonly #listeners = new Set<CommitListener>();
  readonly #known = new Set<number>();
  readonly #queue: Waiting[] = [];
  #batch: number;
  #left = Number.POSITIVE_INFINITY;
  #isDeaf = false;
  /** Units asked for since the last `dieAfter`. */
  asked = 0;
  /** A disk that takes its time: nothing is written until it thaws. */
  frozen = false;
  /** Nothing more is written. */
  dead = false;
  /** Thrown instead of committing, once each. */
  refusals: unknown[] = [];

  constructor(path: string) {
    this.#db = openDatabase(path).db;
    this.#db.pragma('synchronous = OFF');
    this.#committer = new BatchCommitter(this.#db);
    this.reader = new Reader(path);
    this.reader.open();
    const one = (sql: string): Record<string, unknown> | undefined =>
      this.#db.prepare(sql).get() as Record<string, unknown> | undefined;
    this.epoch = String(one("SELECT value FROM meta WHERE key = 'epoch'")?.value);
    this.headAtOpen = Number(one("SELECT seq FROM sqlite_sequence WHERE name = 'events'")?.seq ?? 0);
    this.#batch = Number(one('SELECT last_batch FROM writer_state')?.last_batch);
  }

  /** After `units` more the store is dead; `deaf`: the last of them lands, but its promise never settles. */
  dieAfter(units: number, deaf: boolean): void {
    this.#left = units;
    this.#isDeaf = deaf;
    this.asked = 0;
  }

  get idle(): boolean {
    return this.dead || this.frozen || this.#queue.length === 0;
  }

  onCommit(listener: CommitListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  commit(unit: Unit): Promise<Committed> {
    if (this.dead || this.#left === 0) {
      this.dead = true;
      return never();
    }
    if (this.refusals.length > 0) return Promise.reject(this.refusals.shift());
    this.#left--;
    this.asked++;
    const last = this.#left === 0;
    return new Promise((resolve, reject) => {
      const deaf = last && this.#isDeaf;
      this.#queue.push(
        deaf ? { unit, resolve: () => undefined, reject: () => undefined } : { unit, resolve, reject },
      );
      if (this.#queue.length === 1) setImmediate(() => this.#flush());
    });
  }

  rows<Row>(sql: string): Row[] {
    return this.#db.prepare(sql).all() as Row[];
  }

  close(): void {
    this.dead = true;
    this.reader.close();
    this.#db.close();
  }

  #flush(): void {
    if (this.frozen && this.#db.open) {
      setImmediate(() => this.#flush());
      return;
    }
    if (this.#queue.length === 0 || !this.#db.open) return;
    const waiting = this.#queue.splice(0);
    const outcome = this.#committer.commit(this.#message(waiting));
    if (this.#left === 0 && this.#isDeaf) this.dead = true;
    if (outcome.result !== 'committed') throw new Error(outcome.message);
    const refused = new Map(outcome.refused.map((one) => [one.unit, one]));
    const events: EventRow[] = [];
    const settle = waiting.map((one, index) => {
      const problem = refused.get(index);
      if (problem)
        return () => one.reject(new TerminalError('conflict', `store.${problem.reason}`, problem.message));
      const from = outcome.firstSeq + events.length;
      events.push(...one.unit.events);
      return () => one.resolve({ seqs: one.unit.events.map((_, offset) => from + offset) });
    });
    if (events.length > 0 && !this.dead)
      for (const listener of this.#listeners) listener(outcome.firstSeq, events);
    for (const one of settle) one();
  }

  #message(waiting: readonly Waiting[]): BatchMessage {
    const work: FlatWork = [];
    const sql: (number | string)[] = [];
    for (const { unit } of waiting) {
      for (const { statement } of unit.steps) {
        if (!this.#known.has(statement.id)) sql.push(statement.id, statement.sql);
        this.#known.add(statement.id);
      }
      encodeUnit(unit, work);
    }
    return { kind: 'batch', batch: ++this.#batch, units: waiting.length, sql, work };
  }
}
