import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ApiHarness, call, post, startApi } from '../../tests/api/api-harness.ts';

let api: ApiHarness;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api.close());

describe('module', () => {
  test('health needs no token, and says with its status when nothing works', async () => {
    const well = await call(api, '/health', { token: null });
    expect([well.status, await well.json()]).toEqual([200, { status: 'ok', score: 1, parts: [] }]);
    api.health = { status: 'degraded', score: 0.6, parts: [] };
    expect((await call(api, '/health?t=1', { token: null })).status).toBe(200);
    api.health = { status: 'failed', score: 0, parts: [] };
    const failed = await call(api, '/health', { token: null });
    expect([failed.status, ((await failed.json()) as { score: number }).score]).toEqual([503, 0]);
    api.health = { status: 'ok', score: 1, parts: [] };
  });

  test('info tells where the API is', async () => {
    const info = await (await call(api, '/info')).json();
    expect(info).toMatchObject({ name: 'chainbot', api: { url: api.url, socket: api.socketPath } });
  });

  test('metrics are Prometheus text', async () => {
    const answer = await call(api, '/metrics');
    expect(answer.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    const text = await answer.text();
    expect(text).toContain('# TYPE chainbot_runs_total counter\nchainbot_runs_total 7\n');
    expect(text).toMatch(/^chainbot_http_answers_total\{class="2xx"\} \d+$/m);
  });

  test('the OpenAPI document is 3.1 and has every route', async () => {
    const answer = await call(api, '/openapi.json');
    const document = (await answer.json()) as {
      openapi: string;
      paths: Record<string, Record<string, { security?: unknown[]; responses: object }>>;
      components: { schemas: Record<string, object>; securitySchemes: object };
    };
    expect(document.openapi).toBe('3.1.0');
    expect(Object.keys(document.paths)).toEqual(
      expect.arrayContaining([
        '/api/chainbot/health',
        '/api/chainbot/workflows/{name}/runs',
        '/api/chainbot/runs/{id}/signal',
        '/api/chainbot/devices/{id}/history',
        '/api/chainbot/events',
      ]),
    );
    expect(Object.keys(document.components.schemas)).toEqual(
      expect.arrayContaining(['Run', 'Problem', 'CloudEvent']),
    );
    expect(document.paths['/api/chainbot/health']?.get?.security).toEqual([]);
    expect(document.paths['/api/chainbot/runs/{id}']?.get?.responses).toHaveProperty('default');
    expect(document.components.securitySchemes).toEqual({ token: { type: 'http', scheme: 'bearer' } });
  });

  test('answers are kept by nobody and guessed at by nobody', async () => {
    const { headers } = await call(api, '/info');
    expect(headers.get('cache-control')).toBe('no-store');
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('access-control-allow-origin')).toBeNull();
    expect(headers.get('set-cookie')).toBeNull();
  });
});

describe('workflows', () => {
  const yaml = 'name: night-cooling\nsteps: []\n';
  const save = (body: string, type: string): Promise<Response> =>
    call(api, '/workflows', { method: 'POST', body, headers: { 'content-type': type } });

  test('a definition is stored from YAML or JSON; the same again is no new version', async () => {
    const first = await save(yaml, 'application/yaml; charset=utf-8');
    expect([first.status, await first.json()]).toEqual([
      201,
      { id: 'w-night-cooling', name: 'night-cooling', version: 1 },
    ]);
    expect((await save(yaml, 'text/yaml')).status).toBe(200);
    const json = await save('{"name": "day", "steps": []}', 'application/json');
    expect(json.status).toBe(201);
    expect(api.workflows.saves).toMatchObject([
      { source: yaml, type: 'yaml', actor: 'token:t1' },
      { type: 'yaml' },
      { type: 'json', source: '{"name": "day", "steps": []}' },
    ]);
  });

  test('faults come with their line and column', async () => {
    const answer = await save('name: broken', 'application/yaml');
    expect(answer.status).toBe(400);
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
    expect(await answer.json()).toEqual({
      type: 'urn:chainbot:error:workflow.invalid',
      title: 'The request is not right',
      status: 400,
      code: 'workflow.invalid',
      detail: 'the definition has a fault',
      hint: 'Mend it.',
      faults: [{ path: 'steps/0/type', message: 'is no step type', line: 3, column: 5 }],
    });
  });

  test('list, show, versions, remove', async () => {
    await save('name: short-lived\nsteps: []\n', 'application/yaml');
    const list = (await (await call(api, '/workflows')).json()) as { workflows: object[] };
    expect(list.workflows).toContainEqual(expect.objectContaining({ name: 'short-lived', version: 1 }));
    const shown = await (await call(api, '/workflows/short-lived?version=1')).json();
    expect(shown).toMatchObject({
      name: 'short-lived',
      source: 'name: short-lived\nsteps: []\n',
      source_type: 'yaml',
      definition: { name: 'short-lived' },
      created_at: '2026-03-01T08:15:30.250Z',
    });
    const versions = await (await call(api, '/workflows/short-lived/versions')).json();
    expect(versions).toEqual({
      versions: [{ version: 1, created_at: '2026-03-01T08:15:30.250Z', actor: 'socket:local' }],
    });
    const removed = await call(api, '/workflows/short-lived', { method: 'DELETE' });
    expect([removed.status, await removed.text()]).toEqual([204, '']);
    expect((await call(api, '/workflows/short-lived')).status).toBe(404);
  });
});

describe('runs', () => {
  test('a start is accepted and replayed by its key, quoted or bare', async () => {
    const first = await post(
      api,
      '/workflows/cooling/runs',
      { input: { limit: 28 } },
      { 'idempotency-key': '"k 1"' },
    );
    expect(first.status).toBe(202);
    const run = (await first.json()) as { id: string };
    expect(run).toMatchObject({ status: 'running', workflow: 'cooling', version: 3, actor: 'token:t1' });
    expect(first.headers.get('location')).toBe(`/api/chainbot/runs/${run.id}`);
    expect(first.headers.get('idempotency-replayed')).toBeNull();
    const again = await post(
      api,
      '/workflows/cooling/runs',
      { input: { limit: 28 } },
      { 'idempotency-key': '"k 1"' },
    );
    expect([again.status, again.headers.get('idempotency-replayed')]).toEqual([202, 'true']);
    await post(api, '/workflows/cooling/runs', { version: 2 }, { 'idempotency-key': 'bare-1' });
    expect(api.runs.started.at(-1)).toMatchObject({ idempotencyKey: 'bare-1', version: 2, input: undefined });
  });

  test('a start needs no body', async () => {
    const answer = await call(api, '/workflows/cooling/runs', { method: 'POST' });
    expect(answer.status).toBe(202);
  });

  test('a run has the shape that others rely on', async () => {
    api.runs.add('done', 'completed', { input: { limit: 1 } });
    expect(await (await call(api, '/runs/done')).json()).toEqual({
      id: 'done',
      workflow: 'cooling',
      version: 3,
      status: 'completed',
      actor: 'system:test',
      trigger: { type: 'manual' },
      priority: 'normal',
      start_at: null,
      forked_from: null,
      created_at: '2026-03-01T08:15:30.250Z',
      started_at: '2026-03-01T08:15:30.251Z',
      ended_at: '2026-03-01T08:15:32.250Z',
      error: null,
      input: { limit: 1 },
      output: { fan: true },
      verbs: ['cancel', 'pause', 'signal'],
      steps: [
        {
          path: 'read',
          id: 'read',
          type: 'device_read',
          status: 'completed',
          attempts: 2,
          output: 33,
          error: null,
          history: [
            {
              attempt: 1,
              at: '2026-03-01T08:15:30.252Z',
              error: { code: 'device.fault', message: 'no answer', retryable: true },
            },
          ],
          started_at: '2026-03-01T08:15:30.251Z',
          ended_at: '2026-03-01T08:15:32.250Z',
        },
      ],
    });
  });

  test('lists take filters and a cursor', async () => {
    const page = await (
      await call(api, '/runs?workflow=cooling&status=failed,queued&limit=1&cursor=abc')
    ).json();
    expect(page).toMatchObject({ runs: [{ workflow: 'cooling' }], next: 'more' });
    expect(api.runs.filters.at(-1)).toEqual({
      workflow: 'cooling',
      status: ['failed', 'queued'],
      limit: 1,
      cursor: 'abc',
    });
    await call(api, '/runs');
    expect(api.runs.filters.at(-1)).toMatchObject({ limit: 50, status: undefined });
  });

  test.each([
    ['pause', 'paused'],
    ['resume', 'running'],
    ['cancel', 'cancelled'],
    ['retry', 'queued'],
  ])('%s', async (verb, status) => {
    api.runs.add('verbs', 'running');
    const answer = await call(api, `/runs/verbs/${verb}`, { method: 'POST' });
    expect([answer.status, await answer.json()]).toMatchObject([200, { id: 'verbs', status }]);
    const refused = await call(api, `/runs/done/${verb}`, { method: 'POST' });
    expect([refused.status, await refused.json()]).toMatchObject([409, { code: 'run.illegal' }]);
  });

  test('signal', async () => {
    api.runs.add('waits', 'waiting');
    expect((await post(api, '/runs/waits/signal', { name: 'go', payload: { by: 'me' } })).status).toBe(200);
    await post(api, '/runs/waits/signal', { name: 'go' });
    expect(api.runs.signals).toEqual([
      { name: 'go', payload: { by: 'me' } },
      { name: 'go', payload: null },
    ]);
  });
});

describe('devices', () => {
  test('list and show', async () => {
    const list = (await (await call(api, '/devices')).json()) as { devices: object[] };
    expect(list.devices[1]).toMatchObject({
      id: 'temp',
      unit: 'Cel',
      reported_at: '2026-03-01T08:15:30.250Z',
    });
    expect(await (await call(api, '/devices/fan')).json()).toEqual({
      id: 'fan',
      name: 'Fan',
      driver: 'sim',
      kind: 'switch',
      unit: null,
      area: null,
      writable: true,
      safe: false,
      reported: null,
      reported_at: null,
      quality: 'stale',
      desired: null,
    });
  });

  test('read, write for good and for a while, simulate', async () => {
    const read = await call(api, '/devices/temp/read', { method: 'POST' });
    expect(await read.json()).toMatchObject({ device: 'temp', value: 21.5, unit: 'Cel' });
    const put = await call(api, '/devices/fan', {
      method: 'PUT',
      body: '{"value": true}',
      headers: { 'content-type': 'application/json' },
    });
    expect(await put.json()).toMatchObject({ device: 'fan', value: true, unit: null });
    await post(api, '/devices/fan', { value: true, pulse_for: '5s' });
    expect(api.devices.writes).toMatchObject([
      { pulseMs: undefined },
      { pulseMs: 5000, actor: { kind: 'token' } },
    ]);
    const simulated = await post(api, '/simulator/temp', { value: 33 });
    expect(await simulated.json()).toMatchObject({ device: 'temp', value: 33 });
  });

  test('history', async () => {
    const query = 'from=2026-01-01T00:00:00Z&to=2026-01-01T01:00:00%2B01:00&limit=1';
    expect(await (await call(api, `/devices/temp/history?${query}`)).json()).toEqual({
      device: 'temp',
      from: '2026-01-01T00:00:00.000Z',
      to: '2026-01-01T00:00:00.000Z',
      readings: [{ at: '2026-01-01T00:00:00.000Z', value: 22, quality: 'good' }],
    });
    const day = (await (await call(api, '/devices/temp/history')).json()) as { from: string; to: string };
    expect(Date.parse(day.to) - Date.parse(day.from)).toBe(86_400_000);
  });

  test('where nothing is simulated the simulator is not there', async () => {
    const bare = await startApi({ simulator: undefined, notifications: undefined });
    const answer = await post(bare, '/simulator/temp', { value: 1 });
    expect([answer.status, await answer.json()]).toMatchObject([404, { code: 'sim.not_simulated' }]);
    expect((await call(bare, '/notifications')).status).toBe(404);
    await bare.close();
  });
});

describe('tokens and notifications', () => {
  test('make, list, revoke', async () => {
    const made = await post(api, '/tokens', { name: 'phone' });
    expect([made.status, await made.json()]).toEqual([201, { id: 't2', name: 'phone', token: 'cb_new' }]);
    const list = (await (await call(api, '/tokens')).json()) as { tokens: object[] };
    expect(list.tokens[0]).toEqual({
      id: 't1',
      name: 'laptop',
      created_at: '2026-03-01T08:15:30.250Z',
      last_used_at: null,
    });
    expect((await call(api, '/tokens/t2', { method: 'DELETE' })).status).toBe(204);
    expect((await call(api, '/tokens/t2', { method: 'DELETE' })).status).toBe(404);
  });

  test('list and acknowledge', async () => {
    const list = await (await call(api, '/notifications?limit=5')).json();
    expect(list).toMatchObject({ notifications: [{ id: 'n1', title: 'Hot', acknowledged_at: null }] });
    const seen = await call(api, '/notifications/n1/acknowledge', { method: 'POST' });
    expect(await seen.json()).toMatchObject({ id: 'n1', acknowledged_at: '2023-11-14T22:13:21.000Z' });
    expect((await call(api, '/notifications/n9/acknowledge', { method: 'POST' })).status).toBe(404);
  });
});
