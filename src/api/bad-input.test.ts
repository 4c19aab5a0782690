import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ApiHarness, call, startApi } from '../../tests/api/api-harness.ts';

let api: ApiHarness;
beforeAll(async () => {
  api = await startApi({ limits: { bodyBytes: 100_000 } });
  api.runs.add('r1', 'running');
});
afterAll(() => api.close());

const JSON_TYPE = { 'content-type': 'application/json' };
const start = (body: string, headers: Record<string, string> = JSON_TYPE): RequestInit => ({
  method: 'POST',
  body,
  headers,
});
const RUNS = '/workflows/cooling/runs';

/** What comes in, and the status and code that must answer it. */
const CASES: readonly [
  what: string,
  path: string,
  init: RequestInit & { token?: string | null },
  number,
  string,
][] = [
  ['no token', '/runs', { token: null }, 401, 'auth.required'],
  ['a wrong token', '/runs', { token: 'cb_wrong' }, 401, 'auth.token_wrong'],
  ['a token that is no token', '/runs', { token: 'a b' }, 401, 'auth.token_wrong'],
  ['basic auth', '/runs', { token: null, headers: { authorization: 'Basic YTpi' } }, 401, 'auth.token_wrong'],
  ['no token for an unknown route', '/none', { token: null }, 401, 'auth.required'],
  ['an unknown route', '/none', {}, 404, 'request.not_found'],
  ['an unknown run', '/runs/r9', {}, 404, 'run.not_found'],
  ['a path that climbs', '/workflows/..%2f..%2fetc%2fpasswd', {}, 404, 'workflow.not_found'],
  ['a path that climbs by dots', '/../../etc/passwd', {}, 404, 'request.not_found'],
  ['a NUL in a path', '/runs/%00', {}, 404, 'run.not_found'],
  ['a broken percent sign', '/runs/%ZZ', {}, 404, 'run.not_found'],
  ['an endless id', `/runs/${'x'.repeat(5000)}`, {}, 400, 'request.invalid'],
  ['a wrong method', '/runs/r1', { method: 'PUT' }, 405, 'request.method'],
  ['a preflight', '/runs', { method: 'OPTIONS' }, 405, 'request.method'],
  ['an unknown query', '/runs?stauts=failed', {}, 400, 'request.invalid'],
  ['a limit that is none', '/runs?limit=lots', {}, 400, 'request.invalid'],
  ['a limit too high', '/runs?limit=100000', {}, 400, 'request.invalid'],
  ['an unknown status', '/runs?status=failed,gone', {}, 400, 'request.invalid'],
  ['a wrong version', '/workflows/x?version=-1', {}, 400, 'request.invalid'],
  ['a wrong time', '/devices/fan/history?from=yesterday', {}, 400, 'request.invalid'],
  [
    'times the wrong way',
    '/devices/fan/history?from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z',
    {},
    400,
    'request.invalid',
  ],
  ['JSON that ends early', RUNS, start('{"input": '), 400, 'request.malformed'],
  ['an empty body that must be one', '/runs/r1/signal', start(''), 400, 'request.malformed'],
  ['JSON that is no object', RUNS, start('[]'), 400, 'request.invalid'],
  ['an unknown key', RUNS, start('{"inputs": 1}'), 400, 'request.invalid'],
  ['a wrong type', RUNS, start('{"version": "3"}'), 400, 'request.invalid'],
  [
    'JSON too deep',
    RUNS,
    start(`{"input": ${'['.repeat(40_000)}${']'.repeat(40_000)}}`),
    400,
    'request.too_deep',
  ],
  [
    'no UTF-8',
    RUNS,
    { ...start(''), body: new Uint8Array([0x22, 0xff, 0xfe, 0x22]) },
    400,
    'request.malformed',
  ],
  [
    'a form',
    RUNS,
    start('a=b', { 'content-type': 'application/x-www-form-urlencoded' }),
    415,
    'request.media_type',
  ],
  ['text', RUNS, start('{}'), 202, ''],
  ['no content type', RUNS, start('{}', { 'content-type': '' }), 415, 'request.media_type'],
  [
    'a definition as text',
    '/workflows',
    start('name: x', { 'content-type': 'text/plain' }),
    415,
    'request.media_type',
  ],
  [
    'a type of the prototype',
    '/workflows',
    start('x', { 'content-type': 'constructor' }),
    415,
    'request.media_type',
  ],
  ['a body too large', RUNS, start(`{"input": "${'x'.repeat(100_000)}"}`), 413, 'request.too_large'],
  [
    'an empty key',
    RUNS,
    start('{}', { ...JSON_TYPE, 'idempotency-key': '""' }),
    400,
    'idempotency.key_invalid',
  ],
  [
    'a key too long',
    RUNS,
    start('{}', { ...JSON_TYPE, 'idempotency-key': 'x'.repeat(256) }),
    400,
    'idempotency.key_invalid',
  ],
  [
    'a key with an open quote',
    RUNS,
    start('{}', { ...JSON_TYPE, 'idempotency-key': '"x' }),
    400,
    'idempotency.key_invalid',
  ],
  [
    'a duration that is none',
    '/devices/fan',
    start('{"value": true, "pulse_for": "soon"}'),
    400,
    'duration.invalid',
  ],
  ['an object for a device', '/devices/fan', start('{"value": {}}'), 400, 'request.invalid'],
  [
    'an id of another log',
    '/events',
    { headers: { accept: 'text/event-stream', 'last-event-id': 'what' } },
    400,
    'request.invalid',
  ],
  ['a taken name', '/tokens', start('{"name": "laptop"}'), 409, 'token.name_taken'],
  ['a daemon that is busy', '/workflows/busy/runs', start('{}'), 503, 'engine.busy'],
  ['a bug', '/workflows/bug/runs', start('{}'), 500, 'internal'],
];

describe('over TCP', () => {
  test.each(CASES)('%s', async (_what, path, init, status, code) => {
    const answer = await call(api, path, init);
    const body = (await answer.json()) as { code: string; status: number; type: string };
    expect([answer.status, body.code ?? '']).toEqual([status, code]);
    if (code === '') return;
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
    expect(body).toMatchObject({ status, type: `urn:chainbot:error:${code}` });
    expect(JSON.stringify(body)).not.toContain('node_modules');
  });

  test('headers that go with a refusal', async () => {
    const unknown = await call(api, '/runs', { token: null });
    expect(unknown.headers.get('www-authenticate')).toBe('Bearer realm="chainbot"');
    const busy = await call(api, '/workflows/busy/runs', start('{}'));
    expect(busy.headers.get('retry-after')).toBe('3');
    const method = await call(api, '/devices/fan', { method: 'DELETE' });
    expect(method.headers.get('allow')).toBe('GET, HEAD, POST, PUT');
  });

  test('malformed JSON is pointed at', async () => {
    const answer = await call(api, RUNS, start('{\n  "input": 1,\n  oops\n}'));
    expect(await answer.json()).toMatchObject({ faults: [{ line: 3, column: 3 }] });
  });

  test('a bug is logged once and told to nobody', async () => {
    api.errors.length = 0;
    const text = await (await call(api, '/workflows/bug/runs', start('{}'))).text();
    expect(text).not.toContain('secret');
    expect(api.errors).toMatchObject([{ path: '/api/chainbot/workflows/bug/runs', method: 'POST' }]);
  });

  test('HEAD answers like GET, without the body', async () => {
    const head = await call(api, '/runs/r1', { method: 'HEAD', headers: { accept: 'text/event-stream' } });
    expect([head.status, await head.text()]).toEqual([200, '']);
    const events = await call(api, '/events', { method: 'HEAD', headers: { accept: 'text/event-stream' } });
    expect(events.headers.get('content-type')).toContain('application/json');
  });
});

/** Sends bytes as they are; resolves with everything that came back when the other side closes. */
function raw(text: string, more?: (socket: Socket) => void, url = api.url): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    let answer = '';
    socket.setEncoding('latin1');
    socket.on('data', (chunk) => {
      answer += chunk;
    });
    socket.on('close', () => resolve(answer));
    socket.on('error', reject);
    socket.write(text);
    more?.(socket);
  });
}

const AUTH = 'authorization: Bearer cb_right\r\n';

describe('bytes on the wire', () => {
  const host = (name: string): Promise<string> =>
    raw(`GET /api/chainbot/info HTTP/1.1\r\nhost: ${name}\r\n${AUTH}connection: close\r\n\r\n`);

  test.each(['127.0.0.1', 'localhost:8000', '[::1]:1', 'LOCALHOST', 'pi.local', 'PI.local:99'])(
    'the host %s is served',
    async (name) => {
      expect(await host(name)).toMatch(/^HTTP\/1\.1 200 /);
    },
  );

  test.each(['evil.example', '192.168.1.9', 'localhost.evil.example', '127.0.0.1.evil.example:80'])(
    'the host %s is not',
    async (name) => {
      expect(await host(name)).toMatch(/^HTTP\/1\.1 421 [\s\S]*"request\.host"/);
    },
  );

  test.each(['', 'a b', 'x/y', '127.0.0.1:port:2'])('the host "%s" is refused', async (name) => {
    expect(await host(name)).toMatch(/^HTTP\/1\.1 4(00|21) /);
  });

  test.each([
    ['GET http://evil.example/api/chainbot/health HTTP/1.1', 401],
    ['GET /api/chainbot/x/../health HTTP/1.1', 401],
    ['GET //api/chainbot/health HTTP/1.1', 401],
    ['GET /api/chainbot/%68ealth HTTP/1.1', 401],
    ['GET /api/chainbot\\health HTTP/1.1', 400],
  ])('%s does not get past the gate', async (line, status) => {
    expect(await raw(`${line}\r\nhost: localhost\r\nconnection: close\r\n\r\n`)).toMatch(
      new RegExp(`^HTTP/1\\.1 ${status} `),
    );
  });

  test('what is not HTTP, and headers without end', async () => {
    expect(await raw('\x16\x03\x01 hello\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 [\s\S]*"request\.malformed"/);
    const endless = `GET / HTTP/1.1\r\nhost: localhost\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`;
    expect(await raw(endless)).toMatch(/^HTTP\/1\.1 431 [\s\S]*"request\.headers_too_large"/);
    const path = `GET /api/chainbot/${'y'.repeat(20_000)} HTTP/1.1\r\nhost: localhost\r\n\r\n`;
    expect(await raw(path)).toMatch(/^HTTP\/1\.1 431 /);
  });

  test('a client that dawdles is sent away', async () => {
    const strict = await startApi({ limits: { headersTimeoutMs: 300, requestTimeoutMs: 500 } });
    const head = 'GET /api/chainbot/health HTTP/1.1\r\nhost: loc';
    expect(await raw(head, undefined, strict.url)).toMatch(/^HTTP\/1\.1 408 /);
    const post = `POST /api/chainbot${RUNS} HTTP/1.1\r\nhost: localhost\r\n${AUTH}content-type: application/json\r\n`;
    expect(await raw(`${post}content-length: 9\r\n\r\n{`, undefined, strict.url)).toMatch(/^HTTP\/1\.1 408 /);
    await strict.close();
  });

  test('a body of 10 MB is answered, not reset, announced or chunked', async () => {
    const head = `POST /api/chainbot${RUNS} HTTP/1.1\r\nhost: localhost\r\n${AUTH}content-type: application/json\r\n`;
    const megabyte = 'x'.repeat(1_000_000);
    const announced = await raw(`${head}connection: close\r\ncontent-length: 10000000\r\n\r\n`, (socket) => {
      for (let i = 0; i < 10; i++) socket.write(megabyte);
    });
    expect(announced).toMatch(/^HTTP\/1\.1 413 [\s\S]*"request\.too_large"/);
    const chunked = await raw(`${head}connection: close\r\ntransfer-encoding: chunked\r\n\r\n`, (socket) => {
      for (let i = 0; i < 10; i++) socket.write(`${megabyte.length.toString(16)}\r\n${megabyte}\r\n`);
      socket.write('0\r\n\r\n');
    });
    expect(chunked).toMatch(/^HTTP\/1\.1 413 /);
  });

  test('who asks first whether it may send is told', async () => {
    const head = `POST /api/chainbot${RUNS} HTTP/1.1\r\nhost: localhost\r\n${AUTH}content-type: application/json\r\n`;
    const wait = `${head}expect: 100-continue\r\nconnection: close\r\n`;
    expect(await raw(`${wait}content-length: 2\r\n\r\n{}`)).toMatch(/^HTTP\/1\.1 100 [\s\S]*HTTP\/1\.1 202 /);
    expect(await raw(`${wait}content-length: 9999999\r\n\r\n`)).toMatch(/^HTTP\/1\.1 413 /);
  });

  test('a client that leaves in the middle of its body harms nobody', async () => {
    const head = `POST /api/chainbot${RUNS} HTTP/1.1\r\nhost: localhost\r\n${AUTH}content-type: application/json\r\n`;
    await raw(`${head}content-length: 900\r\n\r\n{"input"`, (socket) =>
      setTimeout(() => socket.destroy(), 50),
    );
    expect((await call(api, '/health')).status).toBe(200);
    expect(api.errors.filter((error) => 'path' in error)).toHaveLength(1);
  });
});
