import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import type { ApiClient } from '#api/client.ts';
import type { Json, JsonObject } from '#core/json.ts';
import { signWebhook, webhookKey } from '#core/standard-webhooks.ts';
import { bootAppliance } from './rigs/appliance.ts';
import { Daemon } from './rigs/daemon.ts';
import { createSite } from './rigs/site.ts';
import { mailServer } from './support/mail-server.ts';

/** What leaves the appliance: webhooks, e-mail, notifications, api_call with all of its fields. */

const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;

interface Seen {
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

let server: Server;
let base: string;
let seen: Seen[];
let answer: (seen: Seen, response: ServerResponse) => void;

beforeEach(async () => {
  seen = [];
  answer = (_, response) => response.writeHead(204).end();
  server = createServer(async (message, response) => {
    let body = '';
    for await (const chunk of message) body += chunk;
    const one = { path: message.url ?? '', headers: message.headers, body };
    seen.push(one);
    answer(one, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const json = (value: unknown, response: ServerResponse): void =>
  void response.setHeader('content-type', 'application/json').end(JSON.stringify(value));

async function begin(api: ApiClient, name: string, steps: readonly JsonObject[]): Promise<string> {
  await api.saveWorkflow(stringify({ name, steps }), 'yaml');
  return (await api.startRun(name, {})).id;
}

async function end(api: ApiClient, id: string) {
  for (;;) {
    const run = await api.run(id);
    if (run.ended_at !== null) return run;
    await pause(20);
  }
}

const play = async (api: ApiClient, name: string, ...steps: readonly JsonObject[]) =>
  end(api, await begin(api, name, steps));

describe('webhooks', () => {
  test('are signed with a secret of the vault, tried again by themselves, and known by their id', async () => {
    await using booted = await bootAppliance();
    const { api } = booted;
    await api.setSecret('shop', SECRET);
    answer = (_, response) => response.writeHead(seen.length < 2 ? 503 : 202).end(`no ${SECRET}`);
    const step = { id: 'tell', type: 'webhook', url: base, body: { a: 1 }, secret: 'shop' };
    const quick = { ...step, retry: { max_attempts: 3, delay: '10ms' } };
    const run = await play(api, 'hook', quick);
    expect(run).toMatchObject({ status: 'completed', output: { status: 202 } });
    expect(seen).toHaveLength(2);
    const ids = seen.map(({ headers }) => String(headers['webhook-id']));
    expect(new Set(ids).size).toBe(1);
    for (const { headers, body } of seen) {
      const time = Number(headers['webhook-timestamp']);
      const key = webhookKey(SECRET) as Uint8Array;
      expect(headers['webhook-signature']).toBe(signWebhook(key, ids[0] as string, time, body));
    }
    expect(JSON.stringify(run)).not.toContain(SECRET);
    expect(run.steps[0]?.history).toMatchObject([{ error: { status: 503, retryable: true } }]);
  });

  test('without a retry wait for the next of five attempts', async () => {
    await using booted = await bootAppliance();
    answer = (_, response) => response.writeHead(404).end();
    const id = await begin(booted.api, 'hook', [{ id: 'tell', type: 'webhook', url: base, body: 1 }]);
    while ((await booted.api.run(id)).steps[0]?.status !== 'waiting') await pause(10);
    expect(seen).toHaveLength(1);
    await booted.api.cancelRun(id);
  });
});

describe('hosts that fail', () => {
  test('are left alone by all workflows, and are named in the health', async () => {
    await using booted = await bootAppliance({
      config: { outbound: { circuit_failures: 2, circuit_pause: '300ms' } },
    });
    const { api } = booted;
    answer = (_, response) => response.writeHead(500).end();
    const ask = { id: 'ask', type: 'api_call', url: base };
    for (const name of ['a', 'b']) expect((await play(api, name, ask)).error).toMatchObject({ status: 500 });
    const held = await play(api, 'c', ask);
    expect(held.error).toMatchObject({ code: 'http.circuit_open', retryable: true });
    expect(seen).toHaveLength(2);
    const { parts } = await api.health();
    expect(parts.find(({ name }) => name === 'outbound')?.reasons[0]).toContain(new URL(base).host);
    answer = (_, response) => json({ well: true }, response);
    const patient = await play(api, 'd', { ...ask, retry: { max_attempts: 3, delay: '1ms' } });
    expect(patient).toMatchObject({ status: 'completed', output: { body: { well: true } } });
    const metrics = await (await booted.fetch('/metrics')).text();
    expect(metrics).toMatch(/^chainbot_outbound_held_total [1-9]/m);
  });
});

describe('api_call', () => {
  test('asks until its success is true, and gathers pages with expressions that see other steps', async () => {
    await using booted = await bootAppliance();
    const { api } = booted;
    await api.setSecret('shop', 'token-of-the-shop', { type: 'bearer', hosts: [new URL(base).host] });
    answer = ({ path }, response) => {
      if (path === '/job')
        return json({ state: seen.length < 3 ? 'pending' : 'done', key: 'items' }, response);
      const at = Number(new URL(path, base).searchParams.get('after') ?? 0);
      return json({ items: [at, at + 1], next: at < 4 ? at + 2 : null }, response);
    };
    const run = await play(
      api,
      'asks',
      {
        ...{
          id: 'job',
          type: 'api_call',
          url: `${base}/job`,
          success: '{{ response.body.state == "done" }}',
        },
        retry: { max_attempts: 5, delay: '1ms', factor: 1 },
      },
      {
        ...{ id: 'all', type: 'api_call', url: `${base}/list`, credential: 'shop' },
        paginate: {
          ...{ by: 'cursor', param: 'after', next: '{{ response.body.next }}' },
          items: 'response.body[steps.job.output.body.key]',
        },
      },
    );
    expect(run).toMatchObject({
      status: 'completed',
      output: { body: [0, 1, 2, 3, 4, 5], pages: 3, more: false },
    });
    expect(run.steps.find(({ id }) => id === 'job')?.attempts).toBe(3);
    expect(seen.at(-1)?.headers.authorization).toBe('Bearer token-of-the-shop');
  });

  test('says where a late expression is wrong', async () => {
    await using booted = await bootAppliance();
    const save = (fields: JsonObject): Promise<unknown> =>
      booted.api.saveWorkflow(
        stringify({ name: 'x', steps: [{ id: 'a', type: 'api_call', url: base, ...fields }] }),
        'yaml',
      );
    await expect(save({ success: '{{ respnse.status == 200 }}' })).rejects.toMatchObject({
      faults: [{ path: 'steps[0].success', hint: expect.stringContaining('response') }],
    });
    await expect(save({ body: '{{ response.body }}' })).rejects.toThrow();
  });
});

describe('notifications', () => {
  test('reach MQTT, e-mail and the list, and are acknowledged', async () => {
    const mail = await mailServer();
    const email = { host: '127.0.0.1', port: mail.port, secure: 'none', from: 'house@example.org' };
    await using booted = await bootAppliance({ config: { email } });
    const { api } = booted;
    const targets: Json = ['panel', 'mqtt', { email: 'ann@example.org' }];
    const tell = { id: 'tell', type: 'notification', title: 'Hot', severity: 'warning', key: 'k', targets };
    const run = await play(api, 'tells', tell);
    expect(run.output).toMatchObject({ created: true, delivered: ['panel', 'mqtt', 'email'], failed: [] });
    while (mail.received.length === 0) await pause(10);
    expect(mail.received[0]?.raw).toContain('Subject: [warning] Hot');
    const [kept] = (await api.notifications()).notifications;
    expect(kept).toMatchObject({ title: 'Hot', targets: ['panel', 'mqtt', 'email'], acknowledged_at: null });
    expect((await play(api, 'tells', tell)).output).toMatchObject({ created: false, delivered: [] });
    expect((await api.acknowledgeNotification(kept?.id ?? '')).acknowledged_at).not.toBeNull();
    expect((await play(api, 'tells', tell)).output).toMatchObject({ created: true });
    await mail.close();
  });
});

describe('e-mail', () => {
  test('that waits does not hold up a stop', async () => {
    await using booted = await bootAppliance({
      config: { email: { host: '127.0.0.1', port: 1, secure: 'none', from: 'house@example.org' } },
    });
    const email = { id: 'waits', type: 'email', to: 'ann@example.org', subject: 'Hot' };
    const id = await begin(booted.api, 'mails', [email]);
    while ((await booted.api.outbox()).emails[0]?.error == null) await pause(10);
    const began = Date.now();
    await booted.restart();
    expect(Date.now() - began).toBeLessThan(2000);
    const { emails } = await booted.api.outbox();
    expect(emails).toHaveLength(1);
    await booted.api.withdrawEmail(emails[0]?.id ?? '');
    expect((await end(booted.api, id)).error).toMatchObject({ code: 'email.withdrawn' });
  });

  test('outlives a kill with the mail server down, and a kill right after it was taken', async () => {
    let mail = await mailServer();
    const { port } = mail;
    await mail.close();
    using site = createSite({
      email: { host: '127.0.0.1', port, secure: 'none', from: 'house@example.org', timeout: '2s' },
    });
    const first = await Daemon.start(site);
    const email = { type: 'email', to: 'ann@example.org', subject: 'Hot', text: 'now' };
    const id = await begin(first.api, 'mails', [
      { ...email, id: 'queued', wait: false },
      { ...email, id: 'waits' },
    ]);
    const tried = async () =>
      (await first.api.outbox({ status: 'queued' })).emails.filter((one) => one.error);
    while ((await tried()).length === 0) await pause(20);
    await first.kill();
    mail = await mailServer({}, {}, port);
    const second = await Daemon.start(site);
    for (const one of (await second.api.outbox({})).emails)
      await second.api.retryEmail(one.id).catch(() => {});
    const run = await end(second.api, id);
    expect(run).toMatchObject({
      status: 'completed',
      output: { accepted: ['ann@example.org'], rejected: [] },
    });
    while ((await second.api.outbox({ status: 'sent' })).emails.length < 2) await pause(10);
    expect(mail.received).toHaveLength(2);
    const ids = mail.received.map(({ raw }) => /^Message-ID: (.*)\r$/m.exec(raw)?.[1]);
    expect(new Set(ids).size).toBe(2);
    await second.kill();
    const third = await Daemon.start(site);
    await pause(300);
    expect(mail.received).toHaveLength(2);
    await third.kill();
    await mail.close();
  });
});
