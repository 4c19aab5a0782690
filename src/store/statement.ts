import {
  type Compilable,
  DummyDriver,
  Kysely,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely';
import type { Database } from './tables.ts';

/**
 * Statements are written with kysely and compiled once, when their module loads: compiling per call cost
 * 11 µs a unit (docs/ARCHITECTURE.md, "The writer"). A statement knows its SQL and the order of its
 * parameters; `bind` turns named parameters into the flat list the writer thread wants.
 */

/** What SQLite takes. Booleans are 0 or 1, objects JSON text: the caller says so. */
export type SqlValue = string | number | null | Uint8Array;
export type Params = Readonly<Record<string, SqlValue>>;

type Slot = SqlValue | Placeholder;

class Placeholder {
  readonly name: string;
  constructor(name: string) {
    this.name = name;
  }
}

export interface Statement<P extends Params> {
  /** Stable within this process; the writer thread prepares each once. */
  readonly id: number;
  readonly sql: string;
  bind(params: P): SqlValue[];
}

/** A statement that reads rows of shape `Row`. Only a Reader runs it. */
export interface Query<P extends Params, Row> extends Statement<P> {
  /** Never there: carries the row's type. */
  readonly row?: Row;
}

const compiler = new Kysely<Database>({
  dialect: {
    createAdapter: () => new SqliteAdapter(),
    createDriver: () => new DummyDriver(),
    createIntrospector: (db) => new SqliteIntrospector(db),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  },
});

let lastId = 0;

function compile<P extends Params>(build: (db: Kysely<Database>, p: P) => Compilable<unknown>): Statement<P> {
  const placeholders = new Proxy({} as P, {
    get: (_, name) => new Placeholder(String(name)),
  });
  const compiled = build(compiler, placeholders).compile();
  const id = ++lastId;
  const { sql, slots } = withLiteralLimits(compiled.sql, compiled.parameters as readonly Slot[]);
  return {
    id,
    sql,
    bind: (params) => slots.map((slot) => (slot instanceof Placeholder ? (params[slot.name] ?? null) : slot)),
  };
}

/**
 * Puts fixed limits into the text. SQLite plans a statement again at every binding of a LIMIT parameter,
 * because its value may change the plan: 10 µs where the reading takes 6 (measured with 3.54).
 */
function withLiteralLimits(sql: string, slots: readonly Slot[]): { sql: string; slots: Slot[] } {
  const parts = sql.split('?');
  const kept: Slot[] = [];
  let text = parts[0] ?? '';
  for (const [index, slot] of slots.entries()) {
    const isFixedLimit = typeof slot === 'number' && /\blimit $/i.test(text);
    if (!isFixedLimit) kept.push(slot);
    text += (isFixedLimit ? String(slot) : '?') + (parts[index + 1] ?? '');
  }
  return { sql: text, slots: kept };
}

/**
 * A writing statement, compiled once: `statement<{ id: string }>((db, p) => db.deleteFrom('tokens').where('id', '=', p.id))`.
 * Every parameter named in `build` must be given at `bind`; a missing one is null.
 */
export function statement<P extends Params>(
  build: (db: Kysely<Database>, p: P) => Compilable<unknown>,
): Statement<P> {
  return compile(build);
}

/** A reading statement, compiled once; its row type is what kysely infers. */
export function query<P extends Params, Row>(
  build: (db: Kysely<Database>, p: P) => Compilable<Row>,
): Query<P, Row> {
  return compile<P>(build as (db: Kysely<Database>, p: P) => Compilable<unknown>);
}
