import type { Params, Query } from './statement.ts';
import type { EventRow, Unit } from './unit.ts';

/** What a commit gave: the sequence number of each of the unit's events, in their order. */
export interface Committed {
  readonly seqs: readonly number[];
}

export interface WriterPort {
  /**
   * Resolves after the commit (fsync) that holds the unit.
   * @throws TerminalError `store.guard` (conflict): a statement changed another number of rows than it must
   * @throws TerminalError `store.constraint` (conflict): a unique, foreign key or check constraint refused it
   * @throws RetryableError `store.full`: the disk is full, the unit is not on it
   * @throws RetryableError `store.failed`: the disk failed, the unit is known not to be on it
   * @throws RetryableError `store.unknown`: the disk failed and could not be re-read: it may be on it
   * @throws RetryableError `store.busy`: the queue is full
   * @throws RetryableError `store.closed`, `store.degraded`: no writes now; the hint says the way out
   */
  commit(unit: Unit): Promise<Committed>;
}

export interface ReaderPort {
  /** All rows; never call it without a LIMIT in the query. */
  all<P extends Params, Row>(query: Query<P, Row>, params: P): Row[];
  get<P extends Params, Row>(query: Query<P, Row>, params: P): Row | undefined;
  /** Another number whenever something was committed since (PRAGMA data_version): what was read is still so. */
  version(): number;
}

/** Called synchronously after a commit, in order, before the commit's promise resolves. */
export type CommitListener = (firstSeq: number, events: readonly EventRow[]) => void;

/** A reading for telemetry.db; `value` is a number (true is 1) or a text. */
export interface TelemetryRow {
  readonly device: string;
  readonly at: number;
  readonly value: number | string;
  readonly quality: string;
}

export interface TelemetryPort {
  /** Takes readings; they are on disk within some seconds, a whole batch at a time. Bounded: the oldest are dropped and counted. */
  record(row: TelemetryRow): void;
  /** Newest first. */
  history(device: string, from: number, to: number, limit: number): readonly TelemetryRow[];
}
