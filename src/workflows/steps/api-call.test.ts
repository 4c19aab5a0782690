import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { SYSTEM } from '#core/actor.ts';
import { systemClock } from '#core/clock.ts';
import { errorRecord, RetryableError, TerminalError } from '#core/errors.ts';
import type { JsonObject } from '#core/json.ts';
import { silentLog } from '#core/log.ts';
import { HttpClient } from '#outbound/http-client.ts';
import type { StepContext } from '../port.ts';
import { apiCallStep } from './api-call.ts';

interface Seen {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

let server: Server;
let base: string;
let seen: Seen;
let answer: (response: ServerResponse) => void;
const http = new HttpClient({ clock: systemClock, userAgent: 'test', allowHosts: [], listening: () => [] });
const step = apiCallStep(http, { timeoutMs: 5000, maxBytes: 10_000 });

const run = (fields: JsonObject, more: Partial<StepContext> = {}, type = step) =>
  type.run(fields, {
    runId: 'run-1',
    path: 'each/2/tell',
    attempt: 1,
    idempotencyKey: 'run-1/each/2/tell',
    actor: SYSTEM,
    signal: new AbortController().signal,
    log: silentLog,
    clock: systemClock,
    written: fields,
    conceal: () => {},
    ...more,
  });
const json = (value: unknown) => (response: ServerResponse) =>
  response.setHeader('content-type', 'application/json; charset=utf-8').end(JSON.stringify(value));
const status = (code: number, body = '', headers: Record<string, string> = {}) => {
  answer = (response) => response.writeHead(code, headers).end(body);
};

beforeAll(async () => {
  server = createServer(async (message, response) => {
    let body = '';
    for await (const chunk of message) body += chunk;
    seen = { method: message.method, url: message.url, headers: message.headers, body };
    answer(response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
beforeEach(() => {
  answer = json({ ok: true });
});
afterAll(async () => {
  http.close();
  await new Promise((resolve) => server.close(resolve));
});

describe('api_call', () => {
  it('gets JSON and carries the key of its step', async () => {
    expect(await run({ url: `${base}/state` })).toMatchObject({
      status: 200,
      headers: { 'content-type': 'application/json; charset=utf-8' },
      body: { ok: true },
    });
    expect(seen).toMatchObject({ method: 'GET', url: '/state', body: '' });
    expect(seen.headers['idempotency-key']).toBe('"run-1/each/2/tell"');
  });

  it('posts objects as JSON and text as it is', async () => {
    await run({ method: 'post', url: base, body: { a: [1] }, headers: { 'X-Count': 3 } });
    expect(seen).toMatchObject({ method: 'POST', body: '{"a":[1]}' });
    expect(seen.headers).toMatchObject({ 'content-type': 'application/json', 'x-count': '3' });
    await run({ method: 'PUT', url: base, body: 'plain', headers: { 'Content-Type': 'text/csv' } });
    expect(seen).toMatchObject({ method: 'PUT', body: 'plain' });
    expect(seen.headers['content-type']).toBe('text/csv');
    await run({ method: 'POST', url: base, body: null, headers: { 'Idempotency-Key': 'mine' } });
    expect(seen.headers['idempotency-key']).toBe('mine');
    expect(seen.body).toBe('');
  });

  it('adds a query', async () => {
    await run({ url: `${base}/s?a=1`, query: { b: 'x y', c: [1, true], d: null } });
    expect(seen.url).toBe('/s?a=1&b=x+y&c=1&c=true');
    await expect(run({ url: 'nonsense', query: { a: 1 } })).rejects.toMatchObject({
      code: 'http.url_invalid',
    });
  });

  it.each<[string, string, string | Buffer, unknown]>([
    ['auto', 'application/json', '{"a":1}', { a: 1 }],
    ['auto', 'application/problem+json', 'null', null],
    ['auto', 'application/json', 'broken', 'broken'],
    ['auto', 'text/plain', '1', '1'],
    ['auto', '', 'x', 'x'],
    ['auto', 'application/json', '', null],
    ['auto', 'image/png', Buffer.from([0xff, 0xd8]), '/9g='],
    ['json', 'text/plain', '[1]', [1]],
    ['text', 'application/json', '[1]', '[1]'],
    ['text', '', '', ''],
    ['base64', 'text/plain', 'hi', 'aGk='],
  ])('reads %s of %s %j', async (response, type, body, expected) => {
    answer = (out) => out.writeHead(200, type === '' ? {} : { 'content-type': type }).end(body);
    expect(await run({ url: base, response })).toMatchObject({ body: expected });
  });

  it('refuses a body that is not the form that was asked for', async () => {
    status(200, 'no json');
    await expect(run({ url: base, response: 'json' })).rejects.toMatchObject({ code: 'http.body_invalid' });
    answer = (out) => out.end(Buffer.from([0xff]));
    await expect(run({ url: base, response: 'text' })).rejects.toMatchObject({ code: 'http.body_invalid' });
    await expect(run({ url: base, response: 'json' })).rejects.toMatchObject({ code: 'http.body_invalid' });
  });

  it('keeps its limit of bytes', async () => {
    status(200, 'x'.repeat(10_001));
    await expect(run({ url: base })).rejects.toMatchObject({ code: 'http.too_large' });
    expect(await run({ url: base, max_bytes: 20_000 })).toMatchObject({ status: 200 });
  });

  it('keeps its time, or the time of its step', async () => {
    answer = () => {};
    const slow = apiCallStep(http, { timeoutMs: 20, maxBytes: 10 });
    await expect(run({ url: base }, {}, slow)).rejects.toMatchObject({
      code: 'http.timeout',
    });
    await expect(run({ url: base }, { timeoutMs: 20 })).rejects.toMatchObject({ code: 'http.timeout' });
  });
});

describe('an answer that is not wanted', () => {
  it.each([408, 425, 429, 500, 503, 599])('%s may be tried again', async (code) => {
    status(code, '', { 'retry-after': '7' });
    const error = await run({ url: base }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(RetryableError);
    expect(error).toMatchObject({ code: 'http.status', retryAfterMs: 7000 });
    expect(errorRecord(error)).toMatchObject({ status: code, retryable: true });
  });

  it.each([300, 400, 401, 403, 404, 409, 422])('%s is for good', async (code) => {
    status(code);
    const error = await run({ url: base }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(TerminalError);
    expect(errorRecord(error)).toMatchObject({ status: code, code: 'http.status' });
  });

  it('is told without what is secret, and short', async () => {
    status(422, `bad\u0000\n${'y'.repeat(500)}`);
    const url = `${base.replace('//', '//me:secret@')}/orders?token=secret`;
    const error = (await run({ method: 'POST', url }).catch((thrown: unknown) => thrown)) as Error;
    expect(error.message).toMatch(new RegExp(`^POST ${base}/orders answered 422: bad y+…$`));
    expect(error.message).not.toContain('secret');
    expect(error.message.length).toBeLessThan(300);
  });

  it('names where a redirect to another host leads', async () => {
    status(302, '', { location: 'http://other.example/login?next=1' });
    await expect(run({ url: base })).rejects.toMatchObject({
      hint: expect.stringContaining('http://other.example/login'),
    });
    status(302);
    await expect(run({ url: base })).rejects.toMatchObject({ hint: expect.stringContaining('no address') });
  });

  it('is what expect says', async () => {
    status(404, 'none');
    expect(await run({ url: base, expect: [200, 404] })).toMatchObject({ status: 404, body: 'none' });
    status(201);
    await expect(run({ url: base, expect: [200] })).rejects.toMatchObject({
      name: 'TerminalError',
      hint: expect.stringContaining('expect'),
    });
  });
});

describe('the host', () => {
  it('may be on this machine only when it is written literally', async () => {
    const written = { url: '{{ input.url }}' };
    await expect(run({ url: base }, { written })).rejects.toMatchObject({ code: 'http.address_refused' });
    expect(await run({ url: `${base}/a` }, { written: { url: `${base}/{{ input.path }}` } })).toMatchObject({
      status: 200,
    });
  });
});

describe('the check of an api_call', () => {
  it.each<[JsonObject, string[]]>([
    [{ url: 'http://a/' }, []],
    [
      { url: '{{ x }}', method: '{{ y }}', headers: { a: '{{ z }}' }, body: '{{ b }}', expect: '{{ e }}' },
      [],
    ],
    [{ url: 'http://a/', expect: [200, '{{ e }}'], query: '{{ q }}', max_bytes: '{{ m }}' }, []],
    [{}, ['url']],
    [{ url: 'http://a/', method: 'CONNECT' }, ['method']],
    [{ url: 'http://a/', headers: { a: {} } }, ['headers.a']],
    [{ url: 'http://a/', expect: [99] }, ['expect.0']],
    [{ url: 'http://a/', response: 'xml' }, ['response']],
    [{ url: 'http://a/', header: {} }, ['header']],
  ])('of %j', (written, paths) => {
    expect(step.check(written).map((fault) => fault.path)).toEqual(paths);
  });

  it('is done again after a power cut', () => {
    expect(step.onInterrupt({ url: 'http://a/', method: 'POST' })).toBe('retry');
  });
});
