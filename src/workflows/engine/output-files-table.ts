import { query, statement } from '#store/statement.ts';

/** Statements of the table output_files: which runs refer to which files of large outputs. */

/** Doing it again changes nothing. */
export const referToOutput = statement((db, p: { run: number; sha256: string }) =>
  db
    .insertInto('output_files')
    .values({ run: p.run, sha256: p.sha256 })
    .onConflict((conflict) => conflict.doNothing()),
);

/** What one run refers to, another does too: a fork has copied its steps. */
export const copyOutputReferences = statement((db, p: { from: number; to: number }) =>
  db
    .insertInto('output_files')
    .columns(['run', 'sha256'])
    .expression((e) =>
      e
        .selectFrom('output_files')
        .select((s) => [s.val(p.to).as('run'), 'sha256'])
        .where('run', '=', p.from),
    ),
);

export const outputReferred = query((db, p: { sha256: string }) =>
  db.selectFrom('output_files').select('run').where('sha256', '=', p.sha256).limit(1),
);
