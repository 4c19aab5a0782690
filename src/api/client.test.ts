import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { RetryableError, TerminalError } from '#core/errors.ts';
import { type ApiHarness, startApi } from '../../tests/api/api-harness.ts';
import { ApiClient, createClient } from './client.ts';

let api: ApiHarness;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api.close());

describe.each([
  ['the socket', () => createClient({ socketPath: api.socketPath })],
  ['a URL and a token', () => createClient({ url: api.url, token: 'cb_right' })],
])('over %s', (_what, connect) => {
  test('every verb answers', async () => {
    const client = connect();
    expect(await client.health()).toMatchObject({ status: 'ok' });
    expect(await client.info()).toMatchObject({ name: 'chainbot' });
    expect(await client.metrics()).toContain('chainbot_runs_total');
    expect(await client.openapi()).toMatchObject({ openapi: '3.1.0' });
    const source = `name: via-${_what === 'the socket' ? 'socket' : 'url'}\nsteps: []\n`;
    const saved = await client.saveWorkflow(source, 'yaml');
    expect(saved).toMatchObject({ version: 1, created: true });
    expect(await client.saveWorkflow(source, 'yaml')).toMatchObject({ created: false });
    expect((await client.workflows()).workflows).toContainEqual(
      expect.objectContaining({ name: saved.name }),
    );
    expect(await client.workflow(saved.name, 1)).toMatchObject({ source });
    expect((await client.workflowVersions(saved.name)).versions).toHaveLength(1);
    await client.removeWorkflow(saved.name);
    const run = await client.startRun('cooling', { input: { limit: 28 }, idempotencyKey: `k "${_what}" \\` });
    expect((await client.startRun('cooling', { idempotencyKey: `k "${_what}" \\` })).id).toBe(run.id);
    expect(api.runs.started.at(-1)?.idempotencyKey).toBe(`k "${_what}" \\`);
    expect((await client.startRun('cooling')).status).toBe('running');
    expect((await client.runs({ status: ['running', 'queued'], limit: 1 })).runs).toHaveLength(1);
    expect(await client.run(run.id)).toMatchObject({ input: { limit: 28 } });
    expect(await client.pauseRun(run.id)).toMatchObject({ status: 'paused' });
    expect(await client.resumeRun(run.id)).toMatchObject({ status: 'running' });
    expect(await client.signalRun(run.id, 'go', { by: 1 })).toMatchObject({ id: run.id });
    expect(await client.cancelRun(run.id)).toMatchObject({ status: 'cancelled' });
    expect(await client.retryRun(run.id)).toMatchObject({ status: 'queued' });
    expect((await client.devices()).devices).toHaveLength(2);
    expect(await client.device('fan')).toMatchObject({ id: 'fan' });
    expect(await client.readDevice('temp')).toMatchObject({ value: 21.5 });
    expect(await client.writeDevice('fan', { value: true, pulse_for: 2 })).toMatchObject({ value: true });
    expect((await client.deviceHistory('temp', { limit: 1 })).readings).toHaveLength(1);
    expect(await client.simulate('temp', 33)).toMatchObject({ value: 33 });
    expect((await client.notifications(5)).notifications).toHaveLength(1);
    expect(await client.acknowledgeNotification('n1')).toMatchObject({ id: 'n1' });
    expect((await client.tokens()).tokens).toHaveLength(1);
    const token = await client.createToken('phone');
    await client.revokeToken(token.id);
    client.close();
  });
});

describe('errors are the daemon’s own', () => {
  test('with their faults and hint, final or for now', async () => {
    const client = new ApiClient({ socketPath: api.socketPath });
    const invalid = await client.saveWorkflow('name: broken', 'yaml').catch((error: unknown) => error);
    expect(invalid).toBeInstanceOf(TerminalError);
    expect(invalid).toMatchObject({
      kind: 'invalid',
      code: 'workflow.invalid',
      message: 'the definition has a fault',
      hint: 'Mend it.',
      faults: [{ line: 3, column: 5 }],
    });
    const busy = await client.startRun('busy').catch((error: unknown) => error);
    expect(busy).toBeInstanceOf(RetryableError);
    expect(busy).toMatchObject({ code: 'engine.busy', retryAfterMs: 3000 });
    for (const name of ['', '.', '..']) expect(() => client.run(name)).toThrow('is not a name');
    await expect(client.run('a/b?c#d')).rejects.toMatchObject({ code: 'run.not_found' });
    await expect(client.startRun('bug')).rejects.toMatchObject({ kind: 'failed', code: 'internal' });
    await expect(client.runs({ limit: 0 })).rejects.toMatchObject({ code: 'request.invalid' });
    client.close();
  });

  test('a failed health is an answer, not an error', async () => {
    const client = new ApiClient({ url: api.url });
    api.health = { status: 'failed', score: 0, parts: [] };
    expect(await client.health()).toMatchObject({ status: 'failed' });
    api.health = { status: 'ok', score: 1, parts: [] };
    await expect(client.info()).rejects.toMatchObject({ kind: 'unauthenticated' });
    await expect(client.followEvents().next()).rejects.toMatchObject({ code: 'auth.required' });
    client.close();
  });
});

describe('where nothing answers, or something else', () => {
  const servers: Server[] = [];
  const serve = async (handler: Parameters<typeof createServer>[1]): Promise<string> => {
    const server = createServer(handler);
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  };
  afterEach(() => {
    for (const server of servers.splice(0)) server.close().closeAllConnections();
  });

  test('nobody there', async () => {
    const client = createClient({ socketPath: '/nowhere/chainbot.sock' });
    await expect(client.info()).rejects.toMatchObject({
      code: 'client.unreachable',
      hint: expect.stringContaining('scripts/run'),
    });
    const once = client.followEvents({ reconnect: false });
    await expect(once.next()).rejects.toMatchObject({ code: 'client.unreachable' });
    await expect(createClient({ url: 'http://127.0.0.1:1' }).info()).rejects.toBeInstanceOf(RetryableError);
  });

  test('an address that is none', () => {
    for (const url of ['greenhouse', 'ftp://x', 'http://']) {
      expect(() => createClient({ url }), url).toThrow(TerminalError);
    }
  });

  test('another server', async () => {
    const url = await serve((_request, answer) => answer.writeHead(404).end('<html>'));
    await expect(createClient({ url }).info()).rejects.toMatchObject({ code: 'client.not_chainbot' });
    const odd = await serve((_request, answer) => answer.writeHead(404).end('{"code": 7}'));
    await expect(createClient({ url: odd }).info()).rejects.toMatchObject({ code: 'client.not_chainbot' });
    const teapot = await serve((_request, answer) =>
      answer.writeHead(418).end('{"code": "tea", "status": 418}'),
    );
    await expect(createClient({ url: teapot }).info()).rejects.toMatchObject({
      code: 'tea',
      kind: 'invalid',
    });
  });

  test('silence, and an answer that is cut off', async () => {
    const url = await serve(() => {});
    await expect(createClient({ url, timeoutMs: 100 }).info()).rejects.toMatchObject({
      code: 'client.timeout',
    });
    const cut = await serve((_request, answer) => {
      answer.writeHead(200, { 'content-length': '100' }).write('{');
      setTimeout(() => answer.destroy(), 20);
    });
    await expect(createClient({ url: cut }).info()).rejects.toMatchObject({ code: 'client.unreachable' });
  });

  test('a line without end in a stream', async () => {
    const url = await serve((_request, answer) => {
      answer.writeHead(200, { 'content-type': 'text/event-stream' });
      for (let i = 0; i < 6; i++) answer.write('x'.repeat(1024 * 1024));
    });
    const stream = createClient({ url }).followEvents({ reconnect: false });
    await expect(stream.next()).rejects.toMatchObject({ code: 'client.stream_lost' });
  });
});

describe('waiting for a run', () => {
  test('one that has ended, one that ends, one that nobody waits for any more', async () => {
    const client = createClient({ socketPath: api.socketPath });
    api.runs.add('w1', 'completed');
    expect(await client.waitForRun('w1')).toMatchObject({ status: 'completed' });
    api.runs.add('w2', 'running');
    const waiting = client.waitForRun('w2');
    await expect.poll(() => client.metrics()).toContain('chainbot_event_streams 1');
    api.runs.add('w2', 'completed');
    api.log.write('chainbot.workflow.completed', 'run/w2');
    expect(await waiting).toMatchObject({ id: 'w2', status: 'completed' });
    api.runs.add('w3', 'running');
    await expect(client.waitForRun('w3', AbortSignal.timeout(50))).rejects.toMatchObject({
      name: 'TimeoutError',
    });
    await expect(client.waitForRun('w9')).rejects.toMatchObject({ code: 'run.not_found' });
    client.close();
  });
});
