import { afterEach, beforeEach, expect, test } from 'vitest';
import { type ApiHarness, call, post, startApi } from '../../tests/api/api-harness.ts';
import { VaultRig } from '../../tests/support/vault-rig.ts';
import { secretListSchema, secretSchema } from './contract/secret.ts';

const VALUE = 'value-9f2c-"never"-shown';
let rig: VaultRig;
let api: ApiHarness;
let answers: string;
beforeEach(async () => {
  rig = new VaultRig();
  api = await startApi({ vault: await rig.vault() });
  answers = '';
});
afterEach(async () => {
  await api.close();
  rig[Symbol.dispose]();
});

/** Every answer is kept, so that the value can be looked for in all of them. */
async function ask(method: string, path: string, body?: unknown): Promise<{ status: number; json: unknown }> {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const headers = { 'content-type': 'application/json' };
  const answer = await call(api, path, { method, ...(body === undefined ? {} : { body: text, headers }) });
  const said = await answer.text();
  answers += said + JSON.stringify([...answer.headers]);
  return { status: answer.status, json: said === '' ? undefined : JSON.parse(said) };
}

test('values go in and never come out', async () => {
  const made = await ask('PUT', '/secrets/token', { value: VALUE });
  expect(made).toMatchObject({
    status: 201,
    json: { name: 'token', kind: { type: 'text' }, version: 1, readable: true },
  });
  secretSchema.parse(made.json);
  const kind = { type: 'bearer', hosts: ['api.example.org'] };
  expect(await ask('PUT', '/secrets/token', { value: 'abcd-efgh', kind })).toMatchObject({
    status: 200,
    json: { version: 2, kind },
  });
  const { json } = await ask('GET', '/secrets');
  expect(secretListSchema.parse(json)).toMatchObject({
    secrets: [{ name: 'token', kind }],
    key: { source: 'file' },
  });
  expect(await ask('POST', '/secrets/rotate')).toMatchObject({ status: 200, json: { rewrapped: 1 } });
  expect(rig.store.rows('SELECT actor, data FROM events')).toHaveLength(3);
  expect((await ask('DELETE', '/secrets/token')).status).toBe(204);
  expect(await ask('DELETE', '/secrets/token')).toMatchObject({
    status: 404,
    json: { code: 'secret.not_found' },
  });
  expect(answers).not.toMatch(/9f2c|efgh/);
});

test.each([
  `{"value": "${'value-9f2c'}`,
  '{"value": value-9f2c}',
  '{"value": "value-9f2c\n"}',
  '"value-9f2c"',
  '{"value": ["value-9f2c"]}',
  '{"value": "value-9f2c", "kind": {"type": "value-9f2c"}}',
  '{"value": "value-9f2c", "kind": {"type": "bearer", "hosts": []}}',
  '{"value": "value-9f2c", "kind": {"type": "bearer", "hosts": ["a b"]}}',
  '{"value": "value-9f2c\\n", "kind": {"type": "bearer", "hosts": ["a.org"]}}',
])('a body that is refused is not repeated: %#', async (body) => {
  expect((await ask('PUT', '/secrets/token', body)).status).toBe(400);
  expect(answers).not.toContain('9f2c');
  expect(JSON.stringify(api.errors)).not.toContain('9f2c');
});

test('without a vault there are no routes; without a token no answer', async () => {
  const bare = await startApi();
  expect((await post(bare, '/secrets/rotate', {})).status).toBe(404);
  await bare.close();
  expect((await call(api, '/secrets', { token: null })).status).toBe(401);
});
