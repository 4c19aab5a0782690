import { describe, expect, test } from 'vitest';
import { act } from '../../../tests/support/crash-scenarios.ts';
import { EngineRig } from '../../../tests/support/engine-rig.ts';

/**
 * The power goes after each unit of an operation, once so that the engine heard of the unit, once so that it
 * did not. The operation has happened or it has not: nothing in between is ever seen, nothing is lost.
 */
const ME = { kind: 'person', id: 'me' } as const;
const hold = { id: 'h', type: 'wait', signal: 'go' };
const first = { name: 'w', steps: [act('a'), hold, act('b')] };
const second = { name: 'w', steps: [act('a'), hold, act('b'), act('c')] };
const MINUTE = 60_000;

interface Operation {
  /** What is there before; returns what `check` wants. */
  readonly before: (rig: EngineRig) => Promise<string[]>;
  readonly act: (rig: EngineRig, ids: readonly string[]) => Promise<unknown>;
  /** After the crash, or without one. */
  readonly check: (rig: EngineRig, ids: readonly string[], crashed: boolean) => Promise<void>;
}

const waiting = async (rig: EngineRig, count: number): Promise<string[]> => {
  await rig.save(first);
  const ids: string[] = [];
  for (let run = 0; run < count; run++) ids.push(await rig.start('w'));
  await rig.settle();
  return ids;
};
const rows = (rig: EngineRig) =>
  rig.store.rows<{ id: string; status: string; forked_from: string | null }>(
    'SELECT id, status, forked_from FROM runs ORDER BY key',
  );
const effectsOf = (rig: EngineRig, id: string) =>
  rig.effects.filter(({ key }) => key.startsWith(id)).map(({ path }) => path);
const last = (all: readonly string[]) => [...new Set(all)];

const operations: Record<string, Operation> = {
  'started for later': {
    before: async (rig) => {
      await rig.save({ name: 'w', steps: [act('a'), act('b')] });
      return [];
    },
    act: async (rig) => {
      await rig.engine.runs.start({ workflow: 'w', actor: ME, startInMs: 5 * MINUTE });
      await rig.pass(320);
    },
    check: async (rig, _ids, crashed) => {
      expect(rows(rig).length).toBe(crashed ? rows(rig).length : 1);
      await rig.pass(400, () => rows(rig).every(({ status }) => status === 'completed'));
      for (const { id, status } of rows(rig)) {
        expect([status, last(effectsOf(rig, id))]).toEqual(['completed', ['a', 'b']]);
        const [row] = rig.store.rows<{ late: number }>(`SELECT started_at - start_at AS late FROM runs`);
        expect(row?.late).toBeGreaterThanOrEqual(-1);
        expect(rig.typesOf(id).filter((type) => type === 'workflow.started')).toHaveLength(1);
      }
    },
  },
  fork: {
    before: async (rig) => {
      const [id = ''] = await waiting(rig, 1);
      await rig.engine.runs.signal(id, 'go', null, ME);
      await rig.end(id);
      return [id];
    },
    act: (rig, [id = '']) => rig.engine.runs.fork(id, { step: 'b' }, ME),
    check: async (rig, [id = ''], crashed) => {
      await rig.pass(60, () => rows(rig).every(({ status }) => status === 'completed'));
      const forks = rows(rig).filter((row) => row.forked_from === id);
      if (!crashed) expect(forks).toHaveLength(1);
      for (const fork of forks) {
        expect([fork.status, last(effectsOf(rig, fork.id))]).toEqual(['completed', ['b']]);
        expect(rig.engine.runs.get(fork.id).steps.map(({ path }) => path)).toEqual(['a', 'h', 'b']);
      }
      expect(rows(rig)).toHaveLength(1 + forks.length);
    },
  },
  migrate: {
    before: async (rig) => {
      const ids = await waiting(rig, 1);
      await rig.save(second);
      return ids;
    },
    act: (rig, [id = '']) => rig.engine.runs.migrate(id, undefined, ME),
    check: async (rig, [id = ''], crashed) => {
      await rig.engine.runs.signal(id, 'go', null, ME);
      const end = await rig.end(id);
      if (!crashed) expect(end.version).toBe(2);
      const paths = end.version === 2 ? ['a', 'b', 'c'] : ['a', 'b'];
      expect([end.status, last(effectsOf(rig, id))]).toEqual(['completed', paths]);
      const moves = rig.typesOf(id).filter((type) => type === 'workflow.migrated');
      expect(moves).toHaveLength(end.version - 1);
    },
  },
  'bulk cancel': {
    before: (rig) => waiting(rig, 6),
    act: (rig) => rig.engine.runs.bulk({ verb: 'cancel', workflow: 'w', limit: 100 }, ME),
    check: async (rig, ids) => {
      await rig.settle();
      const again = rig.engine.runs.bulk({ verb: 'cancel', workflow: 'w', limit: 100 }, ME);
      await rig.settle();
      expect((await again).results.every(({ error }) => error === null)).toBe(true);
      for (const id of ids) {
        expect(rig.typesOf(id).filter((type) => type === 'workflow.cancelled')).toHaveLength(1);
      }
      expect(rows(rig).map(({ status }) => status)).toEqual(ids.map(() => 'cancelled'));
    },
  },
  'bulk delete': {
    before: async (rig) => {
      const ids = await waiting(rig, 4);
      await rig.engine.runs.bulk({ verb: 'cancel', workflow: 'w', limit: 100 }, ME);
      return ids;
    },
    act: (rig) => rig.engine.runs.bulk({ verb: 'delete', workflow: 'w', limit: 100 }, ME),
    check: async (rig, ids) => {
      await rig.engine.runs.bulk({ verb: 'delete', workflow: 'w', limit: 100 }, ME);
      expect([rig.count('runs'), rig.steps()]).toEqual([0, []]);
      for (const id of ids)
        expect(rig.typesOf(id).filter((type) => type === 'workflow.deleted')).toHaveLength(1);
    },
  },
};

describe.each(Object.entries(operations))('%s', (_name, operation) => {
  test.each([{ deaf: false }, { deaf: true }])(
    'a crash after every unit (deaf: $deaf)',
    { timeout: 60_000 },
    async ({ deaf }) => {
      const units = await play(operation, undefined, deaf);
      expect(units).toBeGreaterThan(0);
      for (let after = 0; after <= units; after++) {
        await play(operation, after, deaf).catch((error: Error) => {
          error.message = `crash after unit ${after}: ${error.message}`;
          throw error;
        });
      }
    },
  );
});

/** How many units the operation took; `after` undefined: no crash. */
async function play(operation: Operation, after: number | undefined, deaf: boolean): Promise<number> {
  const rig = new EngineRig({ restAfterMs: deaf ? 0 : 1000 });
  try {
    await rig.open();
    const ids = await operation.before(rig);
    await rig.settle();
    rig.store.dieAfter(after ?? Number.POSITIVE_INFINITY, deaf);
    const acted = operation.act(rig, ids).catch(() => undefined);
    if (after === undefined) await Promise.all([acted, rig.pass(1)]);
    else await Promise.race([acted, rig.pass(400, () => rig.store.dead)]);
    await rig.settle();
    const units = rig.store.asked;
    const crashed = after !== undefined;
    if (crashed) await rig.crash();
    await operation.check(rig, ids, crashed);
    expect(rig.count('wakes')).toBe(0);
    return units;
  } finally {
    rig.drop();
  }
}
