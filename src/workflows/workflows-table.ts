import { query, statement } from '#store/statement.ts';

/** Statements of the tables workflows and workflow_versions. */

export const putWorkflow = statement((db, p: { name: string; id: string; version: number; now: number }) =>
  db
    .insertInto('workflows')
    .values({
      name: p.name,
      id: p.id,
      version: p.version,
      created_at: p.now,
      updated_at: p.now,
      removed_at: null,
    })
    .onConflict((conflict) =>
      conflict.column('name').doUpdateSet({ version: p.version, updated_at: p.now, removed_at: null }),
    ),
);

export const insertVersion = statement(
  (
    db,
    p: {
      key: number;
      workflow: string;
      version: number;
      source: string;
      source_type: string;
      definition: string;
      actor: string;
      now: number;
    },
  ) =>
    db.insertInto('workflow_versions').values({
      key: p.key,
      workflow: p.workflow,
      version: p.version,
      source: p.source,
      source_type: p.source_type as 'yaml',
      definition: p.definition,
      actor: p.actor,
      created_at: p.now,
    }),
);

export const removeWorkflow = statement((db, p: { name: string; now: number }) =>
  db
    .updateTable('workflows')
    .set({ removed_at: p.now })
    .where('name', '=', p.name)
    .where('removed_at', 'is', null),
);

export const allWorkflows = query((db, _p: Record<never, never>) =>
  db
    .selectFrom('workflows')
    .innerJoin('workflow_versions', (join) =>
      join
        .onRef('workflow_versions.workflow', '=', 'workflows.name')
        .onRef('workflow_versions.version', '=', 'workflows.version'),
    )
    .select([
      'workflows.name',
      'workflows.id',
      'workflows.version',
      'workflows.created_at',
      'workflows.updated_at',
      'workflows.removed_at',
      'workflow_versions.key',
      'workflow_versions.definition',
    ])
    .orderBy('workflows.name')
    .limit(10_000),
);

export const versionOf = query((db, p: { workflow: string; version: number }) =>
  db
    .selectFrom('workflow_versions')
    .selectAll()
    .where('workflow', '=', p.workflow)
    .where('version', '=', p.version),
);

export const versionByKey = query((db, p: { key: number }) =>
  db.selectFrom('workflow_versions').selectAll().where('key', '=', p.key),
);

/** The newest version with this text: read for each file of the site's folder at a start. */
export const versionBySource = query((db, p: { source: string }) =>
  db
    .selectFrom('workflow_versions')
    .select(['workflow', 'version'])
    .where('source', '=', p.source)
    .orderBy('key', 'desc')
    .limit(1),
);

export const versionsOf = query((db, p: { workflow: string }) =>
  db
    .selectFrom('workflow_versions')
    .select(['version', 'created_at', 'actor'])
    .where('workflow', '=', p.workflow)
    .orderBy('version', 'desc')
    .limit(1000),
);

export const lastVersionKey = query((db, _p: Record<never, never>) =>
  db.selectFrom('workflow_versions').select((e) => e.fn.max('key').as('key')),
);
