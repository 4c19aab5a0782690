import { afterEach, expect, test } from 'vitest';
import { RetryableError, TerminalError } from '#core/errors.ts';
import type { HookRequest } from '#workflows/trigger-port.ts';
import { type ApiHarness, call, startApi } from '../../tests/api/api-harness.ts';
import { problemSchema } from './contract/problem.ts';
import { triggerListSchema } from './contract/trigger.ts';

let harness: ApiHarness | undefined;
afterEach(async () => harness?.close());

const taken: HookRequest[] = [];
const hooks = {
  async deliver(request: HookRequest) {
    taken.push(request);
    if (request.name === 'full')
      throw new RetryableError('hook.too_many', 'too many', { retryAfterMs: 2100 });
    if (request.name === 'closed') throw new RetryableError('hook.clock_unknown', 'not yet');
    if (request.method === 'HEAD') throw new TerminalError('invalid', 'hook.method', 'takes no HEAD');
    return { id: 'd1', duplicate: false };
  },
};
const open = (path: string, init: RequestInit = {}): Promise<Response> =>
  call(harness as ApiHarness, path, { token: null, ...init });

test('a hook gets the request as it came, without a token', async () => {
  harness = await startApi({ hooks });
  const body = '{"a": "ü"}';
  const answer = await open('/hooks/in?x=1&__proto__=2', {
    method: 'POST',
    body,
    headers: { 'content-type': 'text/anything', 'x-hook-token': 't' },
  });
  expect([answer.status, await answer.json()]).toEqual([202, { id: 'd1', duplicate: false }]);
  expect(taken.at(-1)).toMatchObject({ name: 'in', method: 'POST', body, headers: { 'x-hook-token': 't' } });
  expect(Object.entries(taken.at(-1)?.query ?? {})).toEqual([
    ['x', '1'],
    ['__proto__', '2'],
  ]);
  expect((await open('/hooks/in', { method: 'PUT' })).status).toBe(202);
  expect((await open('/hooks/in')).status).toBe(202);
  expect(taken.at(-1)).toMatchObject({ method: 'GET', body: '' });
  expect((await open('/hooks/in', { method: 'HEAD' })).status).toBe(405);
});

test('what is refused for now says when to come again', async () => {
  harness = await startApi({ hooks });
  const full = await open('/hooks/full', { method: 'POST' });
  expect([full.status, full.headers.get('retry-after')]).toEqual([429, '3']);
  expect(problemSchema.parse(await full.json())).toMatchObject({
    code: 'hook.too_many',
    status: 429,
    title: 'Too many',
  });
  expect((await open('/hooks/closed', { method: 'POST' })).status).toBe(503);
});

test('the list of triggers, in the form of the contract; behind the gate', async () => {
  const status = { workflow: 'w', index: 1, enabled: true, held: 'why', pending: 1_700_000_002_000 };
  const triggers = {
    list: () => [
      {
        ...status,
        definition: { type: 'schedule', every: '5m' } as const,
        next: 1_700_000_001_000,
        lastFired: null,
      },
    ],
  };
  harness = await startApi({
    triggers,
    trust: { standing: () => ({ state: 'trusted', source: 'rtc' }) },
  });
  expect((await open('/triggers')).status).toBe(401);
  const answer = triggerListSchema.parse(await (await call(harness, '/triggers')).json());
  expect(answer).toEqual({
    clock: { state: 'trusted', source: 'rtc' },
    triggers: [
      {
        ...{ workflow: 'w', index: 1, type: 'schedule', enabled: true, held: 'why' },
        definition: { type: 'schedule', every: '5m' },
        next: '2023-11-14T22:13:21.000Z',
        last_fired: null,
        pending_until: '2023-11-14T22:13:22.000Z',
      },
    ],
  });
  expect((await open('/hooks/in', { method: 'POST' })).status).toBe(404);
});
