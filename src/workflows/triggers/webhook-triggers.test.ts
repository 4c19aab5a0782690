import { createHash, createHmac } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { RetryableError } from '#core/errors.ts';
import { signWebhook, webhookKey } from '#core/standard-webhooks.ts';
import type { HookRequest } from '#workflows/trigger-port.ts';
import { TriggerRig } from '../../../tests/support/trigger-rig.ts';
import { RateBucket } from './rate-bucket.ts';

const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const OTHER = 'whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA';
const digest = (text: string): string => createHash('sha256').update(text).digest('hex');

let rig: TriggerRig;

beforeEach(async () => {
  rig = await new TriggerRig().open();
  rig.secrets.set('shop', SECRET);
  rig.secrets.set('door', 'open sesame');
});
afterEach(() => rig.close());

function request(headers: HookRequest['headers'], more: Partial<HookRequest> = {}): HookRequest {
  return { name: 'w', method: 'POST', headers, query: {}, body: '', ...more };
}
/** As a sender of Standard Webhooks makes it. */
function signed(id: string, body: string, secret = SECRET, at = rig.rig.clock.now()): HookRequest {
  const seconds = Math.floor(at / 1000);
  const signature = signWebhook(webhookKey(secret) as Uint8Array, id, seconds, body);
  const headers = {
    'content-type': 'application/json',
    'webhook-id': id,
    'webhook-timestamp': String(seconds),
    'webhook-signature': signature,
  };
  return request(headers, { body });
}
const deliver = (one: HookRequest) => rig.triggers.hooks.deliver(one);
const refused = async (one: HookRequest): Promise<unknown> =>
  deliver(one).then(
    () => 'taken',
    (error: { code: string }) => error.code,
  );

describe('Standard Webhooks', () => {
  beforeEach(() => rig.save('w', [{ type: 'webhook', secret: 'shop' }]));

  test('start a run with the payload; the same delivery again starts nothing', async () => {
    expect(await deliver(signed('msg_1', '{"order": 7}'))).toEqual({ id: 'msg_1', duplicate: false });
    expect(await deliver(signed('msg_1', '{"order": 7}'))).toEqual({ id: 'msg_1', duplicate: true });
    await rig.crash();
    expect((await deliver(signed('msg_1', '{"order": 7}'))).duplicate).toBe(true);
    expect(rig.fired('w')).toMatchObject([
      { type: 'webhook', hook: 'w', id: 'msg_1', method: 'POST', payload: { order: 7 }, query: {} },
    ]);
    const seen = rig.fired('w')[0]?.headers as object;
    expect(Object.keys(seen)).toEqual(['content-type', 'webhook-id', 'webhook-timestamp']);
    expect(JSON.stringify(rig.fired('w'))).not.toContain('v1,');
    expect(rig.rig.engine.runs.get(rig.rig.engine.runs.list({ limit: 1 }).runs[0]?.id ?? '').input).toEqual({
      order: 7,
    });
  });

  test('the same delivery twice at once is one', async () => {
    const answers = await Promise.all([1, 2, 3].map(() => deliver(signed('msg_1', '{}'))));
    expect(answers.map(({ duplicate }) => duplicate).sort()).toEqual([false, true, true]);
    expect(rig.fired('w').length).toBe(1);
  });

  test('one of several signatures is enough', async () => {
    const one = signed('m', '{}');
    const signature = `v1a,xyz v1,AAAA ${String(one.headers['webhook-signature'])}`;
    await deliver({ ...one, headers: { ...one.headers, 'webhook-signature': signature } });
    expect(rig.fired('w').length).toBe(1);
  });

  test('a wrong secret, a changed body, id or time, and none at all are refused', async () => {
    const good = signed('m', '{"a":1}');
    const changed = [
      { ...good, body: '{"a":2}' },
      { ...good, headers: { ...good.headers, 'webhook-id': 'n' } },
      {
        ...good,
        headers: { ...good.headers, 'webhook-timestamp': String(Math.floor(rig.rig.clock.now() / 1000) + 1) },
      },
      { ...good, headers: { ...good.headers, 'webhook-signature': 'v1,' } },
      signed('m', '{"a":1}', OTHER),
    ];
    for (const one of changed) expect(await refused(one)).toBe('hook.signature_wrong');
    expect(await refused(request({}))).toBe('hook.unsigned');
    expect(await refused({ ...good, headers: { ...good.headers, 'webhook-timestamp': '1e9' } })).toBe(
      'hook.malformed',
    );
    expect(rig.fired('w')).toEqual([]);
  });

  test('what is older than five minutes, or from the future, is refused', async () => {
    const now = rig.rig.clock.now();
    expect(await refused(signed('a', '{}', SECRET, now - 301_000))).toBe('hook.too_old');
    expect(await refused(signed('b', '{}', SECRET, now + 302_000))).toBe('hook.too_old');
    expect(await refused(signed('c', '{}', SECRET, now - 299_000))).toBe('taken');
  });

  test('while nobody knows the time, nobody knows how old it is', async () => {
    rig.trust.become('held');
    await expect(deliver(signed('a', '{}'))).rejects.toMatchObject({
      code: 'hook.clock_unknown',
      retryAfterMs: 30_000,
    });
    rig.trust.become('estimated');
    expect(await refused(signed('a', '{}'))).toBe('taken');
  });

  test('a secret that is not in the vault, or is no key', async () => {
    rig.secrets.delete('shop');
    expect(await refused(signed('a', '{}'))).toBe('hook.secret_missing');
    expect(rig.status('w')?.held).toBe('the vault has no secret "shop"');
    rig.secrets.set('shop', 'short');
    expect(await refused(signed('a', '{}'))).toBe('hook.secret_invalid');
  });

  test('not acknowledged unless it is on disk; then the sender comes again', async () => {
    rig.rig.store.refusals.push(new RetryableError('store.full', 'full'));
    expect(await refused(signed('a', '{}'))).toBe('store.full');
    expect(await deliver(signed('a', '{}'))).toEqual({ id: 'a', duplicate: false });
    expect(rig.fired('w').length).toBe(1);
  });
});

test('as GitHub signs: the same body again is the same delivery', async () => {
  await rig.save('w', [
    { type: 'webhook', secret: 'door', signature: 'github', headers: ['X-GitHub-Delivery'] },
  ]);
  const body = '{"action":"opened"}';
  const hex = createHmac('sha256', 'open sesame').update(body).digest('hex');
  const headers = {
    'x-hub-signature-256': `sha256=${hex}`,
    'x-github-event': 'issues',
    'x-github-delivery': 'd-1',
  };
  expect((await deliver(request(headers, { body }))).duplicate).toBe(false);
  expect((await deliver(request({ ...headers, 'x-github-delivery': 'd-2' }, { body }))).duplicate).toBe(true);
  expect(rig.fired('w')).toMatchObject([
    { headers: { 'x-github-event': 'issues', 'x-github-delivery': 'd-1' }, payload: { action: 'opened' } },
  ]);
  expect(await refused(request(headers, { body: `${body} ` }))).toBe('hook.signature_wrong');
  expect(await refused(request({ 'x-hub-signature-256': 'sha1=abc' }, { body }))).toBe(
    'hook.signature_wrong',
  );
  expect(await refused(request({}, { body }))).toBe('hook.unsigned');
});

test('a token in a header, from the vault or by its hash', async () => {
  await rig.save('w', [{ type: 'webhook', name: 'bell', token: 'door', methods: ['POST', 'GET'] }]);
  await rig.save('h', [{ type: 'webhook', token_sha256: digest('hashed token') }]);
  const bell = (headers: HookRequest['headers'], more = {}) => request(headers, { name: 'bell', ...more });
  await deliver(bell({ authorization: 'Bearer open sesame'.replace(' sesame', '%20') })).catch(
    () => undefined,
  );
  expect(await refused(bell({ authorization: 'Bearer wrong' }))).toBe('hook.token_wrong');
  expect(await refused(bell({ 'x-hook-token': 'open sesame' }, { body: 'ding', query: { n: '1' } }))).toBe(
    'taken',
  );
  expect(rig.fired('w')).toMatchObject([{ hook: 'bell', payload: 'ding', query: { n: '1' } }]);
  const again = { 'x-hook-token': 'open sesame', 'idempotency-key': 'k' };
  expect([await deliver(bell(again)), await deliver(bell(again))]).toEqual([
    { id: 'k', duplicate: false },
    { id: 'k', duplicate: true },
  ]);
  expect(await refused(bell({ 'x-hook-token': 'open sesame' }, { method: 'GET' }))).toBe('taken');
  expect(await refused(bell({ 'x-hook-token': 'open sesame' }, { method: 'HEAD' }))).toBe('hook.method');
  expect(await refused(request({ 'x-hook-token': 'hashed token' }, { name: 'h' }))).toBe('taken');
  const long = { 'x-hook-token': 'hashed token', 'webhook-id': 'x'.repeat(300) };
  expect(await refused(request(long, { name: 'h' }))).toBe('hook.malformed');
  await expect(deliver(request({}, { name: 'bel' }))).rejects.toMatchObject({
    code: 'hook.not_found',
    hint: 'Did you mean "bell"?',
  });
});

test('workflows that share a name: who sends it decides for which it is', async () => {
  await rig.save('a', [{ type: 'webhook', name: 'in', token_sha256: digest('one') }]);
  await rig.save('b', [{ type: 'webhook', name: 'in', token_sha256: digest('two') }]);
  await deliver(request({ 'x-hook-token': 'two' }, { name: 'in' }));
  expect([rig.fired('a').length, rig.fired('b').length]).toEqual([0, 1]);
});

test('too many in a minute are told when to come again', async () => {
  await rig.save('w', [{ type: 'webhook', token_sha256: digest('t'), rate: 2 }]);
  const one = request({ 'x-hook-token': 't' });
  await deliver(one);
  await deliver(one);
  await expect(deliver(one)).rejects.toMatchObject({ code: 'hook.too_many', retryAfterMs: 30_000 });
  expect(await refused(request({ 'x-hook-token': 'wrong' }))).toBe('hook.token_wrong');
  await rig.pass(31);
  expect(await refused(one)).toBe('taken');
  const bucket = new RateBucket(60, 0);
  expect(Array.from({ length: 62 }, () => bucket.take(0)).filter((wait) => wait === 0).length).toBe(60);
  expect(bucket.take(2000)).toBe(0);
});

test('old deliveries are forgotten, by the tick clock', async () => {
  await rig.save('w', [{ type: 'webhook', token_sha256: digest('t') }]);
  await deliver(request({ 'x-hook-token': 't', 'webhook-id': 'x' }));
  const count = () => rig.rig.store.rows<{ n: number }>('SELECT count(*) AS n FROM hook_deliveries')[0]?.n;
  rig.rig.clock.leap(365 * 86_400_000);
  await rig.pass(2);
  expect(count()).toBe(1);
  await rig.away(4 * 86_400_000);
  await rig.rig.settle();
  expect(count()).toBe(0);
});
