import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { SYSTEM } from '#core/actor.ts';
import { systemClock } from '#core/clock.ts';
import { errorRecord, RetryableError, TerminalError } from '#core/errors.ts';
import type { JsonObject } from '#core/json.ts';
import { silentLog } from '#core/log.ts';
import { HttpClient } from '#outbound/http-client.ts';
import { fakeSecrets } from '../../../tests/support/fake-secrets.ts';
import { compileExpression } from '../expressions/expression.ts';
import type { StepContext } from '../port.ts';
import { apiCallStep } from './api-call.ts';
import { siteFiles } from './site-files.ts';

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
const folder = mkdtempSync(join(tmpdir(), 'chainbot-api-'));
const files = siteFiles(folder);
const hosts: string[] = [];
const secrets = fakeSecrets(
  {},
  {
    weather: { headers: { authorization: 'Bearer w' }, query: {}, hosts },
    maps: { headers: {}, query: { key: 'm' }, hosts },
  },
);
const deps = { http, secrets, files };
const step = apiCallStep(deps, { timeoutMs: 5000, maxBytes: 10_000 });

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
  hosts.push(new URL(base).host);
  writeFileSync(join(folder, 'door.jpg'), 'picture');
});
beforeEach(() => {
  answer = json({ ok: true });
});
afterAll(async () => {
  http.close();
  await new Promise((resolve) => server.close(resolve));
  rmSync(folder, { recursive: true });
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
    const slow = apiCallStep(deps, { timeoutMs: 20, maxBytes: 10 });
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
    [{ url: 'http://a/', body: 1, form: { a: 1 }, file: 'x' }, ['form', 'file']],
    [{ url: 'http://a/', multipart: { a: { file: 'x' }, b: 1, c: { text: 'y', name: 'z' } } }, []],
    [{ url: 'http://a/', multipart: { a: { path: 'x' } } }, ['multipart.a']],
    [{ url: 'http://a/', success: 'response.status == 200', credential: 'x' }, []],
    [{ url: 'http://a/', paginate: { by: 'cursor', param: 'c' } }, ['paginate.next']],
    [{ url: 'http://a/', paginate: { by: 'page' } }, ['paginate.items']],
    [{ url: 'http://a/', paginate: { by: 'link', next: 'x' } }, ['paginate.next']],
    [{ url: 'http://a/', paginate: { by: 'link', max_pages: 5000 } }, ['paginate.max_pages']],
    [{ url: 'http://a/', paginate: '{{ x }}' }, []],
  ])('of %j', (written, paths) => {
    expect(step.check(written).map((fault) => fault.path)).toEqual(paths);
  });

  it('is done again after a power cut', () => {
    expect(step.onInterrupt({ url: 'http://a/', method: 'POST' })).toBe('retry');
  });
});

/** As the engine does: late fields are expressions, and see what the step shows them. */
const asking = (texts: Readonly<Record<string, string>>): Partial<StepContext> => ({
  late: (field, seen) => {
    const text = texts[field];
    return text === undefined ? undefined : compileExpression(text).evaluate(seen);
  },
});

describe('other bodies', () => {
  it('are forms', async () => {
    await run({ method: 'POST', url: base, form: { a: 'x y', b: [1, true], c: null } });
    expect(seen.body).toBe('a=x+y&b=1&b=true');
    expect(seen.headers['content-type']).toBe('application/x-www-form-urlencoded');
  });

  it('are files', async () => {
    await run({ method: 'PUT', url: base, file: 'door.jpg' });
    expect(seen).toMatchObject({ body: 'picture', headers: { 'content-type': 'image/jpeg' } });
    await expect(run({ method: 'PUT', url: base, file: '../x' })).rejects.toMatchObject({
      code: 'file.not_found',
    });
  });

  it('are forms with files, the same in every attempt', async () => {
    const multipart = {
      kind: 'door',
      shot: { file: 'door.jpg' },
      'n"1': { text: 'a;b', name: 'a.csv', type: 'text/csv' },
    };
    await run({ method: 'POST', url: base, multipart });
    const first = seen.body;
    const boundary = /boundary=(\S+)$/.exec(String(seen.headers['content-type']))?.[1];
    expect(first.split(`--${boundary}`)).toEqual([
      '',
      '\r\nContent-Disposition: form-data; name="kind"\r\n\r\ndoor\r\n',
      '\r\nContent-Disposition: form-data; name="shot"; filename="door.jpg"\r\nContent-Type: image/jpeg\r\n\r\npicture\r\n',
      '\r\nContent-Disposition: form-data; name="n%221"; filename="a.csv"\r\nContent-Type: text/csv\r\n\r\na;b\r\n',
      '--\r\n',
    ]);
    await run({ method: 'POST', url: base, multipart }, { attempt: 2 });
    expect(seen.body).toBe(first);
    const form = await new Response(first, {
      headers: { 'content-type': seen.headers['content-type'] ?? '' },
    }).formData();
    expect(await (form.get('shot') as File).text()).toBe('picture');
  });
});

describe('a credential', () => {
  it('goes with the request, to its hosts only', async () => {
    const concealed: string[] = [];
    await run({ url: base, credential: 'weather' }, { conceal: (name) => concealed.push(name) });
    expect(seen.headers.authorization).toBe('Bearer w');
    expect(concealed).toEqual(['weather']);
    await run({ url: `${base}/x?a=1`, credential: 'maps' });
    expect(seen.url).toBe('/x?a=1&key=m');
    const elsewhere = base.replace('127.0.0.1', 'localhost');
    await expect(run({ url: elsewhere, credential: 'weather' })).rejects.toMatchObject({
      code: 'credential.host_refused',
    });
  });
});

describe('success', () => {
  const pending = asking({ success: 'response.status == 200 && response.body.state == "done"' });

  it('is what the expression says', async () => {
    answer = json({ state: 'done' });
    expect(await run({ url: base }, pending)).toMatchObject({ body: { state: 'done' } });
    answer = json({ state: 'pending' });
    const error = await run({ url: base }, pending).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(RetryableError);
    expect(error).toMatchObject({ code: 'http.unsuccessful' });
  });

  it('is neither text nor a number, and is asked of wanted answers only', async () => {
    await expect(run({ url: base }, asking({ success: '"yes"' }))).rejects.toMatchObject({
      code: 'http.success_invalid',
    });
    status(500);
    await expect(run({ url: base }, asking({ success: 'true' }))).rejects.toMatchObject({
      code: 'http.status',
    });
  });
});

describe('pages', () => {
  const pages = (respond: (url: URL) => { body: unknown; link?: string }): void => {
    answer = (response) => {
      const { body, link } = respond(new URL(seen.url ?? '', base));
      if (link !== undefined) response.setHeader('link', link);
      json(body)(response);
    };
  };

  it('follow a Link header', async () => {
    const asked: unknown[] = [];
    pages((url) => {
      asked.push([url.href.replace(base, ''), seen.headers['idempotency-key']]);
      const page = Number(url.searchParams.get('page') ?? 1);
      const link = `<${base}/?page=1>; rel=first, </?page=${page + 1}>; title="x"; rel="next last"`;
      return page < 3 ? { body: [page], link } : { body: [page], link: `</?page=1>; rel="prev"` };
    });
    expect(await run({ url: base, paginate: { by: 'link' } })).toMatchObject({
      ...{ status: 200, body: [1, 2, 3], pages: 3, more: false },
    });
    expect(asked).toEqual([
      ['/', '"run-1/each/2/tell"'],
      ['/?page=2', '"run-1/each/2/tell?page=1"'],
      ['/?page=3', '"run-1/each/2/tell?page=2"'],
    ]);
  });

  it('follow a cursor, in a parameter or as an address', async () => {
    pages((url) => {
      const at = Number(url.searchParams.get('after') ?? 0);
      return { body: { items: [at], next: at < 2 ? at + 1 : null, url: at < 2 ? `?after=${at + 1}` : '' } };
    });
    const items = 'response.body.items';
    const byParam = { by: 'cursor', param: 'after' };
    const ask = asking({ 'paginate.next': 'response.body.next', 'paginate.items': items });
    expect(await run({ url: `${base}/?q=1`, paginate: byParam }, ask)).toMatchObject({ body: [0, 1, 2] });
    const asAddress = asking({ 'paginate.next': 'response.body.url', 'paginate.items': items });
    expect(await run({ url: base, paginate: { by: 'cursor' } }, asAddress)).toMatchObject({
      body: [0, 1, 2],
    });
  });

  it('are counted until one has no items', async () => {
    pages((url) => {
      const page = Number(url.searchParams.get('p'));
      return { body: { items: page < 3 ? [page, page] : [] } };
    });
    const ask = asking({ 'paginate.items': 'response.body.items' });
    const paginate = { by: 'page', param: 'p', start: 0 };
    expect(await run({ url: base, paginate }, ask)).toMatchObject({
      body: [0, 0, 1, 1, 2, 2],
      pages: 4,
      more: false,
    });
    expect(await run({ url: base, paginate: { ...paginate, max_pages: 2 } }, ask)).toMatchObject({
      ...{ body: [0, 0, 1, 1], pages: 2, more: true },
    });
  });

  it('end where they must not go on', async () => {
    const fails = async (next: unknown, code: string, param?: string) => {
      pages(() => ({ body: { items: [1], next } }));
      const ask = asking({ 'paginate.next': 'response.body.next', 'paginate.items': 'response.body.items' });
      const paginate = param === undefined ? { by: 'cursor' } : { by: 'cursor', param };
      await expect(run({ url: base, paginate }, ask)).rejects.toMatchObject({ code });
    };
    await fails('http://other.example/', 'http.page_elsewhere');
    await fails('/', 'http.page_invalid');
    await fails('same', 'http.page_invalid', 'c');
    await fails({ a: 1 }, 'http.page_invalid', 'c');
    answer = json({ items: 5 });
    await expect(run({ url: base, paginate: { by: 'link' } })).rejects.toMatchObject({
      code: 'http.page_invalid',
    });
  });

  it('keep the limit of bytes together', async () => {
    pages((url) => ({
      body: ['x'.repeat(400)],
      link: `</?n=${Number(url.searchParams.get('n')) + 1}>; rel=next`,
    }));
    const call = run({ url: base, paginate: { by: 'link', max_pages: 100 }, max_bytes: 1000 });
    await expect(call).rejects.toMatchObject({ code: 'http.too_large' });
  });
});
