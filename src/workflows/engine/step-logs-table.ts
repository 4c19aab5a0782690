import { sql } from 'kysely';
import { query, statement } from '#store/statement.ts';

/** Statements of the table step_logs: what steps logged, a line of JSON each. */

/** Characters of all attempts of a step; what a later attempt says counts more. */
const MOST_KEPT = 8192;

/** Puts lines behind those of earlier attempts, or in their place when all would be too much. */
export const keepStepLines = statement((db, p: { run: number; path: string; lines: string }) =>
  db
    .insertInto('step_logs')
    .values({ run: p.run, path: p.path, lines: p.lines })
    .onConflict((conflict) =>
      conflict.columns(['run', 'path']).doUpdateSet({
        lines: sql<string>`CASE WHEN length(step_logs.lines) + length(excluded.lines) < ${sql.lit(MOST_KEPT)}
          THEN step_logs.lines || char(10) || excluded.lines ELSE excluded.lines END`,
      }),
    ),
);

export const linesOfRun = query((db, p: { run: number }) =>
  db.selectFrom('step_logs').select(['path', 'lines']).where('run', '=', p.run).limit(10_000),
);
