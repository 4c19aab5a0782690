import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '#core/clock.ts';
import { RetryableError, TerminalError } from '#core/errors.ts';
import type { JsonObject } from '#core/json.ts';
import { signWebhook, webhookKey } from '#core/standard-webhooks.ts';
import { HttpClient } from '#outbound/http-client.ts';
import { fakeSecrets } from '../../../tests/support/fake-secrets.ts';
import { stepContext } from '../../../tests/support/step-context.ts';
import type { StepContext } from '../port.ts';
import { webhookStep } from './webhook.ts';

const SECRET = `whsec_${Buffer.alloc(32, 1).toString('base64')}`;
const OLD = `whsec_${Buffer.alloc(24, 2).toString('base64')}`;

let server: Server;
let base: string;
let seen: { message: IncomingMessage; body: string };
let answer: (response: ServerResponse) => void;
const http = new HttpClient({ clock: systemClock, userAgent: 'test', allowHosts: [], listening: () => [] });
const secrets = fakeSecrets({ shop: SECRET, old: OLD, token: 'not a webhook secret' });
const step = webhookStep(http, secrets, { timeoutMs: 5000 });
const run = (fields: JsonObject, more: Partial<StepContext> = {}) =>
  step.run(fields, stepContext(fields, more));
const header = (name: string): string => String(seen.message.headers[name]);

beforeAll(async () => {
  server = createServer(async (message, response) => {
    let body = '';
    for await (const chunk of message) body += chunk;
    seen = { message, body };
    answer(response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`;
});
beforeEach(() => {
  answer = (response) => response.writeHead(202).end();
});
afterAll(async () => {
  http.close();
  await new Promise((resolve) => server.close(resolve));
});

describe('webhook', () => {
  const body = { type: 'door.opened', data: { at: 'ä' } };

  it('is signed as Standard Webhooks says', async () => {
    const before = Math.floor(Date.now() / 1000);
    expect(await run({ url: base, body, secret: 'shop' })).toEqual({
      id: expect.stringMatching(/^msg_[0-9a-f]{32}$/),
      status: 202,
    });
    expect(seen.message.method).toBe('POST');
    expect(seen.body).toBe(JSON.stringify(body));
    expect(header('content-type')).toBe('application/json');
    const timestamp = Number(header('webhook-timestamp'));
    expect(timestamp).toBeGreaterThanOrEqual(before);
    expect(header('webhook-signature')).toBe(
      signWebhook(webhookKey(SECRET) as Uint8Array, header('webhook-id'), timestamp, seen.body),
    );
  });

  it('keeps its id in every attempt, and no other has it', async () => {
    await run({ url: base, body });
    const id = header('webhook-id');
    expect(seen.message.headers['webhook-signature']).toBeUndefined();
    await run({ url: base, body }, { attempt: 2 });
    expect(header('webhook-id')).toBe(id);
    await run({ url: base, body }, { idempotencyKey: 'run-1/other' });
    expect(header('webhook-id')).not.toBe(id);
  });

  it('is signed with two secrets while one takes over from the other', async () => {
    await run({ url: base, body, secret: ['shop', 'old'] });
    expect(header('webhook-signature')).toMatch(/^v1,\S{44} v1,\S{44}$/);
  });

  it('may be text, and have headers of its own but no other signature', async () => {
    const headers = { 'X-Kind': 1, 'Webhook-Id': 'mine', 'Content-Type': 'text/csv' };
    await run({ url: base, body: 'a;b', headers });
    expect(seen.body).toBe('a;b');
    expect(seen.message.headers).toMatchObject({ 'x-kind': '1', 'content-type': 'text/csv' });
    expect(header('webhook-id')).toMatch(/^msg_/);
    await run({ url: base, body: 'a' });
    expect(header('content-type')).toBe('text/plain; charset=utf-8');
  });

  it('tells the vault who keeps its secret', async () => {
    const concealed: string[] = [];
    await run({ url: base, body, secret: 'shop' }, { conceal: (name) => concealed.push(name) });
    expect(concealed).toEqual(['shop']);
  });

  it('is not sent with a secret that is none', async () => {
    await expect(run({ url: base, body, secret: 'token' })).rejects.toMatchObject({
      code: 'webhook.secret_invalid',
    });
    await expect(run({ url: base, body, secret: 'none' })).rejects.toMatchObject({
      code: 'secret.not_found',
    });
  });
});

describe('a receiver that does not take it', () => {
  it.each([400, 401, 404, 408, 429, 500, 503])('with %s may later', async (status) => {
    answer = (response) => response.writeHead(status, { 'retry-after': '9' }).end('no\nroom');
    const error = await run({ url: `${base}?token=x`, body: 1 }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(RetryableError);
    expect(error).toMatchObject({
      code: 'http.status',
      retryAfterMs: 9000,
      extra: { status },
      message: `POST ${base} answered ${status}: no room`,
    });
  });

  it.each([
    [410, 'webhook.gone'],
    [301, 'http.status'],
    [307, 'http.status'],
  ])('with %s never will', async (status, code) => {
    answer = (response) => response.writeHead(status, { location: '/other' }).end();
    const error = await run({ url: base, body: 1 }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(TerminalError);
    expect(error).toMatchObject({ code });
    expect(seen.message.url).toBe('/hook');
  });

  it('is asked five times unless the definition says otherwise', () => {
    expect(step.retry).toMatchObject({ maxAttempts: 5 });
  });
});

describe('the check of a webhook', () => {
  it.each<[JsonObject, string[]]>([
    [{ url: 'http://a/', body: {}, secret: 'shop', headers: { a: '{{ b }}' } }, []],
    [{ url: '{{ x }}', body: '{{ y }}', secret: ['a', 'b'] }, []],
    [{ url: 'http://a/' }, ['body']],
    [{ url: 'http://a/', body: 1, secret: SECRET }, ['secret']],
    [{ url: 'http://a/', body: 1, method: 'PUT' }, ['method']],
  ])('%j', (written, paths) => {
    expect(step.check(written).map((fault) => fault.path)).toEqual(paths);
    expect(step.onInterrupt(written)).toBe('retry');
  });
});
