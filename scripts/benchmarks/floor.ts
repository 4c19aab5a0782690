import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { silentLog } from '../../src/core/log.ts';
import type { SqlValue, Statement } from '../../src/store/statement.ts';
import { Unit } from '../../src/store/unit.ts';
import { Writer } from '../../src/store/writer.ts';

/**
 * The floor: the product's own writer thread doing the bare seven FULL commits of a run of five steps (create,
 * five steps, end) on two plain tables, statements prepared, no engine and no events. The client waits for
 * each commit before the next, as a run does.
 */
export class Floor {
  readonly #directory = mkdtempSync(join(tmpdir(), 'chainbot-bench-floor-'));
  readonly #writer: Writer;
  #key = 0;

  constructor() {
    const path = join(this.#directory, 'floor.db');
    this.#writer = new Writer({ path, telemetryPath: join(this.#directory, 'none.db'), log: silentLog });
  }

  async open(): Promise<void> {
    await this.#writer.open();
    const db = new Sqlite(join(this.#directory, 'floor.db'));
    db.exec('CREATE TABLE floor_runs (key INTEGER PRIMARY KEY, status TEXT, output TEXT)');
    db.exec(
      'CREATE TABLE floor_steps (run INTEGER, step INTEGER, output TEXT, PRIMARY KEY (run, step)) WITHOUT ROWID',
    );
    db.close();
  }

  get commits(): number {
    return this.#writer.commits;
  }

  async run(): Promise<void> {
    const key = ++this.#key;
    await this.#writer.commit(new Unit().add(INSERT_RUN, { a: key, b: 'running' }));
    for (let step = 0; step < 5; step++) {
      await this.#writer.commit(new Unit().add(INSERT_STEP, { a: key, b: step, c: OUTPUT }));
    }
    await this.#writer.commit(new Unit().add(END_RUN, { a: 'completed', b: OUTPUT, c: key }));
  }

  async close(): Promise<void> {
    await this.#writer.close();
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

const OUTPUT = JSON.stringify({ value: 42 });
type Bare = { [name: string]: SqlValue };
const INSERT_RUN = bare(9001, 'INSERT INTO floor_runs (key, status) VALUES (?, ?)', 2);
const INSERT_STEP = bare(9002, 'INSERT INTO floor_steps (run, step, output) VALUES (?, ?, ?)', 3);
const END_RUN = bare(9003, 'UPDATE floor_runs SET status = ?, output = ? WHERE key = ?', 3);

/** A statement on a table that is none of the product's. */
function bare(id: number, sql: string, values: 2 | 3): Statement<Bare> {
  const bind = (params: Bare): SqlValue[] =>
    values === 2
      ? [params.a ?? null, params.b ?? null]
      : [params.a ?? null, params.b ?? null, params.c ?? null];
  return { id, sql, bind };
}
