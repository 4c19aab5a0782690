import type { Params, SqlValue, Statement } from './statement.ts';

/** An event row to be written with a unit; `data` is JSON text. */
export interface EventRow {
  readonly type: string;
  readonly subject: string;
  readonly actor: string;
  readonly time: number;
  readonly data: string;
}

/** Any number of rows may change. */
export const ANY = -1;

/**
 * A unit of work: statements and events that are committed together or not at all. A statement may say how
 * many rows it must change; a mismatch rolls back this unit alone (`store.guard`).
 */
export class Unit {
  /** Flat: id of statement, rows it must change (ANY), its values. */
  readonly steps: {
    readonly statement: Statement<never>;
    readonly expect: number;
    readonly values: SqlValue[];
  }[] = [];
  readonly events: EventRow[] = [];

  add<P extends Params>(statement: Statement<P>, params: P, expect: number = ANY): this {
    this.steps.push({
      statement: statement as unknown as Statement<never>,
      expect,
      values: statement.bind(params),
    });
    return this;
  }

  event(row: EventRow): this {
    this.events.push(row);
    return this;
  }
}
