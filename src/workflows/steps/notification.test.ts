import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '#core/clock.ts';
import { RetryableError, TerminalError } from '#core/errors.ts';
import type { Json, JsonObject } from '#core/json.ts';
import { silentLog } from '#core/log.ts';
import { query } from '#store/statement.ts';
import type { Store } from '#store/store.ts';
import { openStore } from '../../../tests/support/open-store.ts';
import { NotificationChannels } from '../notification-targets.ts';
import type { StepContext } from '../port.ts';
import { notificationStep } from './notification.ts';

const rows = query((db, _: Record<string, never>) => db.selectFrom('notifications').selectAll().limit(100));
const events = query((db, _: Record<string, never>) =>
  db.selectFrom('events').select(['type', 'subject', 'actor', 'data']).orderBy('seq').limit(100),
);

let opened: Awaited<ReturnType<typeof openStore>>;
let store: Store;

const context = (path: string): StepContext => ({
  runId: 'run-1',
  path,
  attempt: 1,
  idempotencyKey: `run-1/${path}`,
  actor: { kind: 'run', id: 'run-1' },
  signal: new AbortController().signal,
  log: silentLog,
  clock: systemClock,
  written: {},
  conceal: () => {},
});
const run = (fields: JsonObject, path = 'tell') =>
  notificationStep(store.reader, store).run(fields, context(path)) as Promise<{
    id: string;
    created: boolean;
  }>;

beforeEach(async () => {
  opened = await openStore();
  store = opened.store;
});
afterEach(async () => {
  await opened.close();
});

describe('notification', () => {
  it('is kept with its event', async () => {
    const { id, created } = await run({ title: 'Too hot', body: '33 °C', severity: 'warning' });
    expect(created).toBe(true);
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(store.reader.all(rows, {})).toEqual([
      expect.objectContaining({
        id,
        key: null,
        severity: 'warning',
        title: 'Too hot',
        body: '33 °C',
        run: 'run-1',
      }),
    ]);
    const [event] = store.reader.all(events, {});
    expect(event).toMatchObject({
      type: 'chainbot.notification.created',
      subject: `notification/${id}`,
      actor: 'run:run-1',
    });
    expect(JSON.parse(event?.data ?? '')).toEqual({
      id,
      severity: 'warning',
      title: 'Too hot',
      body: '33 °C',
      targets: ['panel'],
    });
  });

  it('is made once by a step, however often it runs', async () => {
    const first = await run({ title: 'a' });
    expect(await run({ title: 'a' })).toEqual(first);
    const other = await run({ title: 'a' }, 'other');
    expect(other.created).toBe(true);
    expect(store.reader.all(events, {})).toHaveLength(2);
  });

  it('with a key is not said again while it stands', async () => {
    const [one, two] = await Promise.all([
      run({ title: 'a', key: 'hot' }, 'one'),
      run({ title: 'b', key: 'hot' }, 'two'),
    ]);
    const standing = { id: one.id, created: false, delivered: [], failed: [] };
    expect(two).toEqual(standing);
    expect(await run({ title: 'c', key: 'hot' }, 'three')).toEqual(standing);
    expect(store.reader.all(rows, {})).toHaveLength(1);
    expect(store.reader.all(events, {})).toHaveLength(1);
  });

  it('says when the disk cannot keep it', async () => {
    const full = { commit: () => Promise.reject(new RetryableError('store.full', 'the disk is full')) };
    const step = notificationStep(store.reader, full);
    await expect(step.run({ title: 'a' }, context('x'))).rejects.toMatchObject({ code: 'store.full' });
  });

  it('checks what is written', () => {
    const { check, onInterrupt } = notificationStep(store.reader, store);
    expect(check({ title: '{{ input.t }}', severity: '{{ input.s }}' })).toEqual([]);
    expect(check({ titel: 'x', severity: 'bad' }).map((fault) => fault.path)).toEqual([
      'title',
      'severity',
      'titel',
    ]);
    expect(onInterrupt({})).toBe('retry');
  });
});

describe('the targets of a notification', () => {
  const down = new RetryableError('mqtt.offline', 'no broker');
  let delivered: unknown[][];
  let fails: Error | undefined;
  const channels = () =>
    new NotificationChannels().register({
      name: 'horn',
      fault: (option) => (option === 'bad' ? 'not so loud' : undefined),
      deliver: async (...args) => {
        if (fails) throw fails;
        delivered.push(args);
      },
    });
  const step = () => notificationStep(store.reader, store, channels());
  const tell = (targets: Json, path = 'tell') => step().run({ title: 'a', targets }, context(path));
  beforeEach(() => {
    delivered = [];
    fails = undefined;
  });

  it('get it once it is kept, with a key of their own', async () => {
    const output = await tell(['panel', 'horn', { horn: 'loud' }]);
    expect(output).toMatchObject({ created: true, delivered: ['panel', 'horn', 'horn'], failed: [] });
    const { id } = output as { id: string };
    expect(delivered.map(([notice, option, key]) => [(notice as { id: string }).id, option, key])).toEqual([
      [id, null, `${id}/1`],
      [id, 'loud', `${id}/2`],
    ]);
    expect(store.reader.all(rows, {})[0]).toMatchObject({ targets: '["panel","horn"]' });
  });

  it('do not get what stands already', async () => {
    await step().run({ title: 'a', key: 'k', targets: ['horn'] }, context('one'));
    await step().run({ title: 'a', key: 'k', targets: ['horn'] }, context('two'));
    expect(delivered).toHaveLength(1);
  });

  it('may fail as long as one takes it', async () => {
    fails = down;
    expect(await tell(['panel', 'horn'])).toMatchObject({
      delivered: ['panel'],
      failed: [{ target: 'horn', code: 'mqtt.offline', retryable: true }],
    });
    const none = { code: 'notification.undelivered', message: expect.stringContaining('horn: no broker') };
    await expect(tell(['horn'])).rejects.toBeInstanceOf(RetryableError);
    fails = new TerminalError('failed', 'x', 'no broker');
    await expect(tell(['horn'])).rejects.toMatchObject({ ...none, name: 'TerminalError' });
    fails = undefined;
    expect(await tell(['horn'])).toMatchObject({ created: true, delivered: ['horn'] });
    expect(store.reader.all(rows, {})).toHaveLength(1);
  });

  it('are checked, as written and as evaluated', async () => {
    const faults = (targets: Json) =>
      step()
        .check({ title: 'a', targets })
        .map(({ path, message }) => [path, message]);
    expect(faults(['panel', 'horn', '{{ x }}', { horn: '{{ y }}' }])).toEqual([]);
    expect(faults('{{ x }}')).toEqual([]);
    expect(faults(['hron', { horn: 'bad' }, { a: 1, b: 2 }, {}])).toEqual([
      ['targets.0', 'there is no target "hron"'],
      ['targets.1', 'not so loud'],
      ['targets.2', 'is no target'],
      ['targets.3', 'is no target'],
    ]);
    expect(step().check({ title: 'a', targets: ['hron'] })[0]?.hint).toContain('"horn"');
    await expect(tell(['hron'])).rejects.toMatchObject({ code: 'notification.target_invalid' });
    expect(() => channels().register({ name: 'horn' } as never)).toThrow('registered twice');
  });
});
