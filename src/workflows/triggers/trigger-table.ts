import { query, statement } from '#store/statement.ts';

/** Statements of the tables of triggers: what each remembers, firings that wait, deliveries and files seen. */

type Key = { workflow: string; trigger_index: number };

export const allTriggers = query((db, _p: Record<never, never>) =>
  db.selectFrom('triggers').selectAll().limit(100_000),
);

/** When it fired last; its state stays. */
export const putFired = statement((db, p: Key & { fired_at: number; fired_tick: number }) =>
  db
    .insertInto('triggers')
    .values({
      workflow: p.workflow,
      trigger_index: p.trigger_index,
      fired_at: p.fired_at,
      fired_tick: p.fired_tick,
      state: null,
    })
    .onConflict((conflict) =>
      conflict
        .columns(['workflow', 'trigger_index'])
        .doUpdateSet({ fired_at: p.fired_at, fired_tick: p.fired_tick }),
    ),
);

export const putState = statement((db, p: Key & { state: string }) =>
  db
    .insertInto('triggers')
    .values({
      workflow: p.workflow,
      trigger_index: p.trigger_index,
      fired_at: null,
      fired_tick: null,
      state: p.state,
    })
    .onConflict((conflict) =>
      conflict.columns(['workflow', 'trigger_index']).doUpdateSet({ state: p.state }),
    ),
);

export const dropState = statement((db, p: Key) =>
  db
    .updateTable('triggers')
    .set({ state: null })
    .where('workflow', '=', p.workflow)
    .where('trigger_index', '=', p.trigger_index),
);

export const allPending = query((db, _p: Record<never, never>) =>
  db.selectFrom('pending_firings').selectAll().orderBy('since_tick').limit(100_000),
);

export const putPending = statement(
  (db, p: Key & { since_tick: number; due_tick: number; cause: string; count: number; firing: string }) =>
    db
      .insertInto('pending_firings')
      .values({
        workflow: p.workflow,
        trigger_index: p.trigger_index,
        since_tick: p.since_tick,
        due_tick: p.due_tick,
        cause: p.cause,
        count: p.count,
        firing: p.firing,
      })
      .onConflict((conflict) =>
        conflict
          .columns(['workflow', 'trigger_index', 'since_tick'])
          .doUpdateSet({ due_tick: p.due_tick, count: p.count, firing: p.firing }),
      ),
);

export const dropPending = statement((db, p: Key & { since_tick: number }) =>
  db
    .deleteFrom('pending_firings')
    .where('workflow', '=', p.workflow)
    .where('trigger_index', '=', p.trigger_index)
    .where('since_tick', '=', p.since_tick),
);

export const deliveryById = query((db, p: Key & { id: string }) =>
  db
    .selectFrom('hook_deliveries')
    .select('received_at')
    .where('workflow', '=', p.workflow)
    .where('trigger_index', '=', p.trigger_index)
    .where('id', '=', p.id),
);

export const insertDelivery = statement(
  (db, p: Key & { id: string; received_at: number; received_tick: number }) =>
    db.insertInto('hook_deliveries').values({
      workflow: p.workflow,
      trigger_index: p.trigger_index,
      id: p.id,
      received_at: p.received_at,
      received_tick: p.received_tick,
    }),
);

export const dropDeliveriesBefore = statement((db, p: { tick: number }) =>
  db.deleteFrom('hook_deliveries').where('received_tick', '<', p.tick),
);

export const filesSeen = query((db, p: Key) =>
  db
    .selectFrom('files_seen')
    .select(['path', 'size', 'modified'])
    .where('workflow', '=', p.workflow)
    .where('trigger_index', '=', p.trigger_index)
    .limit(100_000),
);

export const putFileSeen = statement((db, p: Key & { path: string; size: number; modified: number }) =>
  db
    .insertInto('files_seen')
    .values({
      workflow: p.workflow,
      trigger_index: p.trigger_index,
      path: p.path,
      size: p.size,
      modified: p.modified,
    })
    .onConflict((conflict) =>
      conflict
        .columns(['workflow', 'trigger_index', 'path'])
        .doUpdateSet({ size: p.size, modified: p.modified }),
    ),
);

export const dropFileSeen = statement((db, p: Key & { path: string }) =>
  db
    .deleteFrom('files_seen')
    .where('workflow', '=', p.workflow)
    .where('trigger_index', '=', p.trigger_index)
    .where('path', '=', p.path),
);
