import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ApiHarness, call, post, startApi } from '../../tests/api/api-harness.ts';

let api: ApiHarness;
beforeAll(async () => {
  api = await startApi();
  await api.workflows.save('{"name": "cooling"}', 'json', { kind: 'system', id: 'test' });
});
afterAll(() => api.close());

test('a start for later, with a priority', async () => {
  const at = '2030-03-01T10:00:00+02:00';
  await post(api, '/workflows/cooling/runs', { start_at: at, priority: 'high' });
  expect(api.runs.started.at(-1)).toMatchObject({ startAt: Date.UTC(2030, 2, 1, 8), priority: 'high' });
  await post(api, '/workflows/cooling/runs', { in: '10m' });
  expect(api.runs.started.at(-1)).toMatchObject({ startInMs: 600_000 });
  for (const body of [{ start_at: 'soon' }, { in: 'a while' }, { priority: 'urgent' }]) {
    expect((await post(api, '/workflows/cooling/runs', body)).status).toBe(400);
  }
});

test('fork, migrate and delete', async () => {
  api.runs.add('old', 'completed');
  const fork = await post(api, '/runs/old/fork', { step: 'read' });
  const body = (await fork.json()) as { id: string; forked_from: string };
  expect([fork.status, body.forked_from]).toEqual([202, 'old']);
  expect(fork.headers.get('location')).toBe(`/api/chainbot/runs/${body.id}`);
  expect(await (await post(api, '/runs/old/migrate', { version: 9 })).json()).toMatchObject({
    version: 9,
  });
  expect((await call(api, '/runs/old', { method: 'DELETE' })).status).toBe(204);
  expect((await call(api, '/runs/old', { method: 'DELETE' })).status).toBe(404);
});

test('the table of verbs, and one verb for many', async () => {
  const table = (await (await call(api, '/runs/verbs')).json()) as { verbs: Record<string, string[]> };
  expect(table.verbs.resume).toEqual(['paused']);
  const answer = await post(api, '/runs/bulk', { verb: 'cancel', workflow: 'cooling' });
  expect(await answer.json()).toMatchObject({ more: false });
  expect(api.runs.bulks).toEqual([{ verb: 'cancel', workflow: 'cooling', limit: 100 }]);
  expect((await post(api, '/runs/bulk', { verb: 'signal' })).status).toBe(400);
  expect((await post(api, '/runs/bulk', { verb: 'cancel', limit: 5000 })).status).toBe(400);
});

test('diff and rollback', async () => {
  const diff = await call(api, '/workflows/cooling/diff?from=1&to=1');
  expect(await diff.json()).toMatchObject({ name: 'cooling', from: 1, to: 1, changes: [{ step: 'fan' }] });
  expect((await call(api, '/workflows/cooling/diff?from=1')).status).toBe(400);
  const back = await post(api, '/workflows/cooling/rollback', { version: 1 });
  expect([back.status, await back.json()]).toEqual([201, expect.objectContaining({ version: 2 })]);
});
