import type { SqlValue } from './statement.ts';
import type { EventRow, Unit } from './unit.ts';

/**
 * How a batch of units crosses to the writer thread: one flat list, because structured cloning of many small
 * objects costs more than the writing (docs/ARCHITECTURE.md, "The writer").
 *
 * Per unit: statements n, then n × (statement id, rows it must change, values m, m values), events k, then
 * k × (type, subject, actor, time, data).
 */
export type FlatWork = (SqlValue | number)[];

export interface BatchMessage {
  readonly kind: 'batch';
  readonly batch: number;
  readonly units: number;
  /** Statements this thread has not seen: id, SQL, id, SQL … */
  readonly sql: readonly (number | string)[];
  readonly work: FlatWork;
}

export interface TelemetryMessage {
  readonly kind: 'telemetry';
  /** device, at, value, quality, device, … */
  readonly rows: readonly (string | number)[];
  /** Rows older than this go (Unix milliseconds). */
  readonly keepFrom: number;
}

export type WriterRequest = BatchMessage | TelemetryMessage | { readonly kind: 'close' };

/** A unit that was refused while the others were committed. */
export interface RefusedUnit {
  readonly unit: number;
  readonly reason: 'guard' | 'constraint' | 'error';
  readonly message: string;
}

export type BatchOutcome =
  | { readonly result: 'committed'; readonly firstSeq: number; readonly refused: readonly RefusedUnit[] }
  /** Nothing of the batch is on disk. */
  | { readonly result: 'full'; readonly message: string }
  /** The disk failed: whether the batch is on disk is known only after opening the file again. */
  | { readonly result: 'unknown'; readonly message: string };

export type WriterReply =
  | {
      readonly kind: 'ready';
      readonly lastBatch: number;
      readonly refused: readonly RefusedUnit[];
      readonly epoch: string;
      readonly head: number;
      readonly migrated: number;
    }
  | {
      readonly kind: 'open_failed';
      readonly code: 'newer' | 'corrupt' | 'sqlite_old' | 'io';
      readonly message: string;
    }
  | { readonly kind: 'outcome'; readonly batch: number; readonly outcome: BatchOutcome };

/** Writes a unit at the end of the list. */
export function encodeUnit(unit: Unit, work: FlatWork): void {
  work.push(unit.steps.length);
  for (const step of unit.steps) {
    work.push(step.statement.id, step.expect, step.values.length);
    for (const value of step.values) work.push(value);
  }
  work.push(unit.events.length);
  for (const event of unit.events) work.push(event.type, event.subject, event.actor, event.time, event.data);
}

/** Reads a flat list again; one instance per batch and pass. */
export class WorkReader {
  readonly #work: FlatWork;
  #at = 0;

  constructor(work: FlatWork) {
    this.#work = work;
  }

  number(): number {
    return this.#work[this.#at++] as number;
  }

  values(count: number): SqlValue[] {
    const from = this.#at;
    this.#at += count;
    return this.#work.slice(from, this.#at);
  }

  event(): EventRow {
    const [type, subject, actor, time, data] = this.values(5) as [string, string, string, number, string];
    return { type, subject, actor, time, data };
  }

  /** Goes past the rest of a unit whose statement failed: `left` statements after this one. */
  skipStatements(left: number): void {
    for (let index = 0; index < left; index++) {
      this.#at += 2;
      const values = this.number();
      this.#at += values;
    }
  }

  skipEvents(): void {
    const events = this.number();
    this.#at += events * 5;
  }
}
