import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TerminalError } from '#core/errors.ts';
import type { MailRecord, OutboxPort } from '#outbound/port.ts';
import { type ApiHarness, call, startApi } from '../../../tests/api/api-harness.ts';

const mail: MailRecord = {
  ...{ id: 'e1', run: null, recipients: ['ann@example.org'], subject: 'Hot', status: 'queued', attempts: 1 },
  nextAt: 1_700_000_000_000,
  receipt: null,
  error: { code: 'email.unreachable', message: 'down', retryable: true },
  createdAt: 1_700_000_000_000,
  endedAt: null,
};
const sent: MailRecord = {
  ...mail,
  ...{ id: 'e2', status: 'sent', nextAt: null, error: null, endedAt: 1_700_000_001_000 },
  receipt: { accepted: ['ann@example.org'], rejected: [], response: '250 ok' },
};
const find = (id: string): MailRecord => {
  const found = [mail, sent].find((one) => one.id === id);
  if (found) return found;
  throw new TerminalError('not_found', 'email.not_found', `there is no e-mail ${id}`);
};

let api: ApiHarness;
let asked: unknown[][];
beforeEach(async () => {
  asked = [];
  const outbox: OutboxPort = {
    list: (...args) => {
      asked.push(args);
      return [mail, sent];
    },
    get: find,
    retry: async (id) => ({ ...find(id), attempts: 0 }),
    withdraw: async (id) => {
      if (find(id).status === 'sent') throw new TerminalError('conflict', 'email.sent', 'too late');
      return { ...find(id), status: 'failed' };
    },
  };
  api = await startApi({ outbox });
});
afterEach(() => api.close());

describe('the outbox', () => {
  it('is listed', async () => {
    const answer = await call(api, '/outbox?limit=2&status=queued');
    expect(asked).toEqual([[2, 'queued']]);
    expect(await answer.json()).toMatchObject({
      emails: [
        {
          id: 'e1',
          to: ['ann@example.org'],
          next_at: '2023-11-14T22:13:20.000Z',
          accepted: [],
          response: null,
        },
        { id: 'e2', accepted: ['ann@example.org'], response: '250 ok', error: null },
      ],
    });
    expect((await call(api, '/outbox?status=lost')).status).toBe(400);
    expect(await (await call(api, '/outbox/e2')).json()).toMatchObject({ id: 'e2', status: 'sent' });
  });

  it('obeys people', async () => {
    const post = (path: string) => call(api, path, { method: 'POST' });
    expect(await (await post('/outbox/e1/retry')).json()).toMatchObject({ attempts: 0 });
    expect(await (await post('/outbox/e1/withdraw')).json()).toMatchObject({ status: 'failed' });
    expect((await post('/outbox/e2/withdraw')).status).toBe(409);
    expect((await post('/outbox/e3/retry')).status).toBe(404);
  });
});
