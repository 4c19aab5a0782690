import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { RetryableError } from '#core/errors.ts';
import { silentLog } from '#core/log.ts';
import { Unit } from '#store/unit.ts';
import { act } from '../../tests/support/crash-scenarios.ts';
import { EngineRig } from '../../tests/support/engine-rig.ts';
import { stepTypes } from './definition/step-types.ts';
import { Notifications } from './notifications.ts';
import { insertNotification } from './notifications-table.ts';
import { storeFolder } from './site-folder.ts';
import { WorkflowCatalog } from './workflow-catalog.ts';

const ME = { kind: 'person', id: 'me' } as const;
const codeOf = async (work: () => unknown): Promise<string> => {
  try {
    await work();
    return 'none';
  } catch (error) {
    return (error as { code: string }).code;
  }
};
const text = (name: string, value: number): string => JSON.stringify({ name, steps: [act('a', { value })] });

let rig: EngineRig;
beforeEach(async () => {
  rig = new EngineRig();
  await rig.open();
});
afterEach(() => rig.close());

test('versions: a change makes one, the same text none; runs keep theirs', async () => {
  const { catalog } = rig;
  expect(await catalog.save(text('w', 1), 'json', ME)).toMatchObject({ version: 1, created: true });
  expect(await catalog.save(text('w', 1), 'json', ME)).toMatchObject({ version: 1, created: false });
  const both = await Promise.all([
    catalog.save(text('w', 2), 'json', ME),
    catalog.save(text('w', 3), 'json', ME),
  ]);
  expect(both.map((one) => one.version)).toEqual([2, 3]);
  expect(catalog.versions('w').map((one) => [one.version, one.actor])).toEqual([
    [3, 'person:me'],
    [2, 'person:me'],
    [1, 'person:me'],
  ]);
  expect(catalog.get('w', 2)).toMatchObject({ version: 2, source: text('w', 2), sourceType: 'json' });
  const { id } = await rig.engine.runs.start({ workflow: 'w', version: 1, actor: ME });
  expect(await rig.end(id)).toMatchObject({ version: 1, output: 1 });
  expect(await codeOf(() => catalog.get('w', 9))).toBe('workflow.not_found');
  expect(await codeOf(() => catalog.save('{', 'json', ME))).toBe('workflow.invalid');
});

test('taken out of use, and back; the name that was meant', async () => {
  const { catalog } = rig;
  let changes = 0;
  const stop = catalog.onChanged(() => changes++);
  await catalog.save(text('greenhouse', 1), 'json', ME);
  expect(() => catalog.get('grenhouse')).toThrow(
    expect.objectContaining({ hint: expect.stringContaining('greenhouse') }),
  );
  await catalog.remove('greenhouse', ME);
  expect(catalog.list()).toEqual([]);
  expect(await codeOf(() => catalog.runnable('greenhouse'))).toBe('workflow.not_found');
  expect(await codeOf(() => catalog.remove('greenhouse', ME))).toBe('workflow.not_found');
  expect(await catalog.save(text('greenhouse', 1), 'json', ME)).toMatchObject({ version: 2, created: true });
  expect(changes).toBe(3);
  stop();
  await rig.crash();
  expect(rig.catalog.list().map((one) => [one.name, one.version])).toEqual([['greenhouse', 2]]);
});

test('after an unknown outcome what is stored counts', async () => {
  const { catalog, store } = rig;
  await catalog.save(text('w', 1), 'json', ME);
  // It lands, and the answer is that nobody knows.
  const commit = store.commit.bind(store);
  store.commit = async (unit) => {
    await commit(unit);
    store.commit = commit;
    throw new RetryableError('store.unknown', 'who knows');
  };
  expect(await codeOf(() => catalog.save(text('w', 2), 'json', ME))).toBe('store.unknown');
  expect(await catalog.save(text('w', 2), 'json', ME)).toMatchObject({ version: 2, created: false });
  expect(await catalog.save(text('w', 3), 'json', ME)).toMatchObject({ version: 3 });
});

test('compiled versions are bounded, old ones are compiled again', async () => {
  const { catalog } = rig;
  for (let index = 0; index < 510; index++) await catalog.save(text(`w${index}`, index), 'json', ME);
  const { id } = await rig.engine.runs.start({ workflow: 'w0', actor: ME });
  expect((await rig.end(id)).output).toBe(0);
});

test('a folder: what is right is stored, what is wrong is named', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'chainbot-folder-'));
  writeFileSync(join(folder, 'a.yaml'), 'name: a\nsteps:\n  - { id: s, type: act }\n');
  writeFileSync(join(folder, 'b.json'), text('b', 1));
  writeFileSync(join(folder, 'c.yml'), 'name: c\nsteps:\n  - { id: s, type: nonsense }\n');
  writeFileSync(join(folder, 'd.yaml'), '#'.repeat(300_000));
  writeFileSync(join(folder, 'notes.txt'), 'no workflow');
  mkdirSync(join(folder, 'e.json'));
  const first = await storeFolder(folder, rig.catalog, silentLog);
  expect(first.stored).toEqual(['a', 'b']);
  expect(first.failed.map((one) => one.file)).toEqual(['c.yml', 'd.yaml', 'e.json']);
  expect(first.failed[0]?.message).toMatch(/^3:\d+ .*nonsense/);
  expect(first.failed[1]?.message).toContain('256 KiB');
  await storeFolder(folder, rig.catalog, silentLog);
  expect(rig.catalog.get('a').version).toBe(1);
  rmSync(folder, { recursive: true });
  expect((await storeFolder(folder, rig.catalog, silentLog)).failed.length).toBe(1);
});

test('notifications: newest first, acknowledged once', async () => {
  const notifications = new Notifications({ reader: rig.store.reader, writer: rig.store }, rig.clock);
  for (const [id, at] of [
    ['n1', 1],
    ['n2', 2],
  ] as const) {
    await rig.store.commit(
      new Unit().add(insertNotification, {
        id,
        key: null,
        severity: 'info',
        title: id,
        body: '',
        run: '',
        targets: '[]',
        at,
      }),
    );
  }
  expect(notifications.list(10).map((one) => one.id)).toEqual(['n2', 'n1']);
  const done = await notifications.acknowledge('n1', ME);
  expect(done.acknowledgedAt).toBe(rig.clock.now());
  await rig.clock.advance(1000);
  expect((await notifications.acknowledge('n1', ME)).acknowledgedAt).toBe(done.acknowledgedAt);
  expect(rig.log().filter((event) => event.type === 'chainbot.notification.acknowledged').length).toBe(1);
  expect(await codeOf(() => notifications.acknowledge('n3', ME))).toBe('notification.not_found');
});

test('as long as nobody could read what is stored, no workflow is said to be missing', async () => {
  const store = { reader: rig.store.reader, writer: rig.store };
  const unread = new WorkflowCatalog({ store, stepTypes: stepTypes([]), clock: rig.clock });
  expect(await codeOf(() => unread.runnable('w'))).toBe('store.degraded');
  unread.open();
  expect(await codeOf(() => unread.runnable('w'))).toBe('workflow.not_found');
});
