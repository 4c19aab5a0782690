import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '#core/clock.ts';
import { RetryableError } from '#core/errors.ts';
import type { JsonObject } from '#core/json.ts';
import { silentLog } from '#core/log.ts';
import { query } from '#store/statement.ts';
import type { Store } from '#store/store.ts';
import { openStore } from '../../../tests/support/open-store.ts';
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
    });
  });

  it('is made once by a step, however often it runs', async () => {
    const first = await run({ title: 'a' });
    expect(await run({ title: 'a' })).toEqual({ id: first.id, created: false });
    const other = await run({ title: 'a' }, 'other');
    expect(other.created).toBe(true);
    expect(store.reader.all(events, {})).toHaveLength(2);
  });

  it('with a key is not said again while it stands', async () => {
    const [one, two] = await Promise.all([
      run({ title: 'a', key: 'hot' }, 'one'),
      run({ title: 'b', key: 'hot' }, 'two'),
    ]);
    expect(two).toEqual({ id: one.id, created: false });
    expect(await run({ title: 'c', key: 'hot' }, 'three')).toEqual({ id: one.id, created: false });
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
