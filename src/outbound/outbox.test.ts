import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SYSTEM } from '#core/actor.ts';
import { type Clock, systemClock } from '#core/clock.ts';
import { RetryableError } from '#core/errors.ts';
import { silentLog } from '#core/log.ts';
import type { WriterPort } from '#store/port.ts';
import { query } from '#store/statement.ts';
import type { Store } from '#store/store.ts';
import { type MailScript, type MailServer, mailServer } from '../../tests/support/mail-server.ts';
import { openStore } from '../../tests/support/open-store.ts';
import { Outbox } from './outbox.ts';
import type { MailMessage } from './port.ts';
import { SmtpSender, type SmtpSettings } from './smtp.ts';

const never = new AbortController().signal;
const events = query((db, _: Record<string, never>) =>
  db.selectFrom('events').select(['type', 'actor', 'data']).orderBy('seq').limit(1000),
);
const contents = query((db, _: Record<string, never>) => db.selectFrom('outbox').select('message').limit(10));

let opened: Awaited<ReturnType<typeof openStore>>;
let store: Store;
let server: MailServer;
const open: Outbox[] = [];

const message = (more: Partial<MailMessage> = {}): MailMessage => ({
  to: ['Ann <ann@example.org>'],
  cc: [],
  bcc: [],
  subject: 'Too hot',
  text: '33 °C',
  attachments: [],
  ...more,
});
const order = (key: string) => ({ key, run: 'run-1', actor: { kind: 'run', id: 'run-1' } as const });
const settings = (more: Partial<SmtpSettings> = {}): SmtpSettings => ({
  host: '127.0.0.1',
  port: server.port,
  secure: 'none',
  username: undefined,
  password: undefined,
  from: 'House <house@example.org>',
  timeoutMs: 2000,
  ...more,
});

interface Setup {
  readonly smtp?: Partial<SmtpSettings> | undefined;
  readonly attempts?: number;
  readonly clock?: Clock;
  readonly writer?: WriterPort;
  readonly withServer?: boolean;
}

async function outbox({ smtp, attempts = 50, clock = systemClock, writer, withServer = true }: Setup = {}) {
  const box = new Outbox({
    ...{ reader: store.reader, writer: writer ?? store, clock, log: silentLog, attempts },
    sender: withServer ? new SmtpSender(settings(smtp)) : undefined,
    backoff: { firstMs: 5, longestMs: 20 },
  });
  await box.start(never);
  open.push(box);
  return box;
}
const script = (answers: MailScript): void => void Object.assign(server.script, answers);
const told = (): string[] =>
  store.reader.all(events, {}).map(({ type }) => type.replace('chainbot.email.', ''));

beforeEach(async () => {
  opened = await openStore();
  store = opened.store;
  server = await mailServer();
});
afterEach(async () => {
  for (const box of open.splice(0)) await box.stop();
  await server.close();
  await opened.close();
});

describe('a message', () => {
  it('is taken by the server, once, with everything in it', async () => {
    const box = await outbox();
    const image = Buffer.from('not really').toString('base64');
    const attachments = [
      { name: 'door.jpg', base64: image },
      { name: 'list', type: 'text/csv', base64: Buffer.from('a;b').toString('base64') },
    ];
    const more = { cc: ['bob@example.org'], bcc: ['eve@example.org'], html: '<b>33</b>', attachments };
    const { id, messageId } = await box.post(
      message({ ...more, replyTo: 'me@example.org' }),
      order('run-1/a'),
    );
    expect(await box.taken(id, never)).toMatchObject({
      accepted: ['ann@example.org', 'bob@example.org', 'eve@example.org'],
      rejected: [],
    });
    const [mail] = server.received;
    expect(mail).toMatchObject({
      from: 'house@example.org',
      to: ['ann@example.org', 'bob@example.org', 'eve@example.org'],
    });
    expect(messageId).toMatch(/^<[0-9a-f-]{36}@example\.org>$/);
    for (const part of [
      `Message-ID: ${messageId}`,
      'From: House <house@example.org>',
      'To: Ann <ann@example.org>',
      'Cc: bob@example.org',
      'Reply-To: me@example.org',
      'Subject: Too hot',
      'Auto-Submitted: auto-generated',
      'filename=door.jpg',
      'image/jpeg',
      'text/csv',
      image,
      'MzMgwrBD',
    ]) {
      expect(mail?.raw).toContain(part);
    }
    expect(mail?.raw).not.toContain('eve@example.org');
    expect(store.reader.all(contents, {})).toEqual([{ message: null }]);
    expect(box.get(id)).toMatchObject({ status: 'sent', attempts: 1, nextAt: null, run: 'run-1' });
    expect(told()).toEqual(['queued', 'sent']);
    expect(box.totals).toEqual({ sent: 1, failed: 0, queued: 0 });
  });

  it('with the key of another is that one', async () => {
    const box = await outbox();
    const first = await box.post(message(), order('k'));
    await box.taken(first.id, never);
    expect(await box.post(message({ subject: 'again' }), order('k'))).toEqual(first);
    await box.taken(first.id, never);
    expect(server.received).toHaveLength(1);
  });

  it('cannot name files of this machine', async () => {
    const box = await outbox();
    const text = { path: '/etc/hostname' } as unknown as string;
    const { id } = await box.post(message({ text }), order('k'));
    await expect(box.taken(id, never)).rejects.toThrow();
    expect(server.received).toEqual([]);
    expect(box.get(id).status).toBe('failed');
  });
});

describe('a server that does not take it', () => {
  it('is asked again, also after a restart, until it does', async () => {
    const { port } = server;
    await server.close();
    const before = await outbox({ smtp: { port } });
    const { id } = await before.post(message(), order('k'));
    while (before.get(id).attempts < 3) await pause(5);
    expect(before.health()).toMatchObject({
      score: 0.7,
      reasons: [expect.stringContaining('cannot be used')],
    });
    expect(before.get(id)).toMatchObject({ status: 'queued', error: { code: 'email.unreachable' } });
    await before.stop();
    server = await mailServer({}, {});
    const after = await outbox();
    await after.taken(id, never);
    expect(server.received).toHaveLength(1);
    expect(after.get(id).attempts).toBeGreaterThan(3);
    expect(after.health().score).toBe(1);
  });

  it('for now, keeps only that message waiting', async () => {
    let refusals = 3;
    script({ message: ({ raw }) => (raw.includes('first') && refusals-- > 0 ? '451 busy' : undefined) });
    const box = await outbox();
    const { id } = await box.post(message({ subject: 'first' }), order('1'));
    while (box.get(id).attempts < 1) await pause(2);
    const other = await box.post(message({ subject: 'second' }), order('2'));
    await Promise.all([box.taken(id, never), box.taken(other.id, never)]);
    expect(server.received.map(({ raw }) => /Subject: (\w+)/.exec(raw)?.[1])).toEqual(['second', 'first']);
  });

  it('for good, is the end of it', async () => {
    script({ message: () => '554 looks like spam' });
    const box = await outbox();
    const { id } = await box.post(message(), order('k'));
    await expect(box.taken(id, never)).rejects.toMatchObject({
      code: 'email.refused',
      message: expect.stringContaining('looks like spam'),
    });
    expect(box.get(id)).toMatchObject({ status: 'failed', attempts: 1 });
    expect(told()).toEqual(['queued', 'failed']);
    script({ message: () => undefined });
    await box.post(message({ subject: 'better' }), order('k'));
    await box.taken(id, never);
    expect(server.received[0]?.raw).toContain('Subject: better');
  });

  it('in so many attempts, is given up', async () => {
    script({ message: () => '452 full' });
    const box = await outbox({ attempts: 3 });
    const { id } = await box.post(message(), order('k'));
    await expect(box.taken(id, never)).rejects.toMatchObject({
      code: 'email.given_up',
      message: expect.stringMatching(/3 attempts.*452 full/),
    });
    script({ message: () => undefined });
    await box.retry(id, SYSTEM);
    await box.taken(id, never);
    expect(told()).toEqual(['queued', 'failed', 'queued', 'sent']);
  });

  it('refuses the login: the message is kept', async () => {
    script({ login: (user, password) => user === 'house' && password === 'right' });
    const wrong = await outbox({ smtp: { username: 'house', password: 'wrong' } });
    const { id } = await wrong.post(message(), order('k'));
    while (wrong.get(id).attempts < 2) await pause(5);
    expect(wrong.get(id)).toMatchObject({ status: 'queued', error: { code: 'email.login_refused' } });
    await wrong.stop();
    const right = await outbox({ smtp: { username: 'house', password: 'right' } });
    await right.taken(id, never);
    expect(server.received[0]?.user).toBe('house');
  });
});

describe('recipients', () => {
  it('that have it do not get it again because others have not', async () => {
    let refusals = 2;
    script({
      recipient: (address) => {
        if (address === 'never@example.org') return '550 unknown';
        return address === 'later@example.org' && refusals-- > 0 ? '450 greylisted' : undefined;
      },
    });
    const box = await outbox();
    const to = ['ann@example.org', 'later@example.org', 'never@example.org'];
    const { id } = await box.post(message({ to }), order('k'));
    expect(await box.taken(id, never)).toMatchObject({
      accepted: ['ann@example.org', 'later@example.org'],
      rejected: ['never@example.org'],
    });
    expect(server.received.map((mail) => mail.to)).toEqual([['ann@example.org'], ['later@example.org']]);
  });

  it('that are refused later do not make it fail', async () => {
    let asked = 0;
    script({
      recipient: (address) => {
        if (address === 'ann@example.org') return undefined;
        return asked++ === 0 ? '450 later' : '550 gone';
      },
    });
    const box = await outbox();
    const { id } = await box.post(message({ to: ['ann@example.org', 'bob@example.org'] }), order('k'));
    expect(await box.taken(id, never)).toMatchObject({ rejected: ['bob@example.org'] });
  });
});

describe('a person', () => {
  it('may withdraw what waits', async () => {
    script({ message: () => '451 later' });
    const box = await outbox();
    const { id } = await box.post(message(), order('k'));
    const waits = box.taken(id, never);
    waits.catch(() => {});
    expect(await box.withdraw(id, SYSTEM)).toMatchObject({ status: 'failed' });
    await expect(waits).rejects.toMatchObject({ code: 'email.withdrawn' });
    expect(await box.withdraw(id, SYSTEM)).toMatchObject({ status: 'failed' });
    await pause(30);
    expect(server.received).toEqual([]);
    expect(box.list(10, 'failed')).toHaveLength(1);
    expect(box.list(10, 'queued')).toHaveLength(0);
    expect(box.list(10)).toHaveLength(1);
  });

  it('cannot change what was sent, or what is not there', async () => {
    const box = await outbox();
    const { id } = await box.post(message(), order('k'));
    await box.taken(id, never);
    await expect(box.withdraw(id, SYSTEM)).rejects.toMatchObject({ code: 'email.sent' });
    await expect(box.retry(id, SYSTEM)).rejects.toMatchObject({ code: 'email.sent' });
    expect(() => box.get('x')).toThrow('there is no e-mail x');
  });
});

describe('the disk', () => {
  it('is asked again for what the server said, before anything else is sent', async () => {
    let refusals = 1;
    const writer: WriterPort = {
      commit: (unit) => {
        const sent = unit.events.some(({ type }) => type === 'chainbot.email.sent');
        if (sent && refusals-- > 0) return Promise.reject(new RetryableError('store.full', 'full'));
        return store.commit(unit);
      },
    };
    const quick: Clock = { ...systemClock, after: (ms, fire) => systemClock.after(ms / 1000, fire) };
    const box = await outbox({ writer, clock: quick });
    const { id } = await box.post(message(), order('k'));
    await box.taken(id, never);
    expect(refusals).toBe(-1);
    expect(server.received).toHaveLength(1);
  });
});

it('without a mail server nothing is kept, and what waits is said', async () => {
  script({ message: () => '451 later' });
  const before = await outbox();
  await before.post(message(), order('k'));
  await before.stop();
  const box = await outbox({ withServer: false });
  await expect(box.post(message(), order('other'))).rejects.toMatchObject({ code: 'email.not_configured' });
  while (box.health().score === 1) await pause(2);
  expect(box.health().reasons[0]).toContain('no mail server');
});

it('a stop does not wait long for a server that hangs', async () => {
  const hanging = { onData: () => {} };
  await server.close();
  server = await mailServer({}, hanging);
  const box = await outbox({ smtp: { timeoutMs: 60_000 } });
  const { id } = await box.post(message(), order('k'));
  await pause(100);
  const began = Date.now();
  await box.stop();
  expect(Date.now() - began).toBeLessThan(3000);
  expect(box.get(id)).toMatchObject({ status: 'queued' });
});

const hasOpenssl = ((): boolean => {
  try {
    execFileSync('openssl', ['version']);
    return true;
  } catch {
    return false;
  }
})();

describe.skipIf(!hasOpenssl)('encryption', () => {
  let folder: string;
  let pem: { key: string; cert: string };
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'chainbot-tls-'));
    const [key, cert] = [join(folder, 'key'), join(folder, 'cert')];
    execFileSync(
      'openssl',
      [
        ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'],
        ...['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', key, '-out', cert],
      ],
      { stdio: 'ignore' },
    );
    pem = { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') };
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it.each(['starttls', 'tls'] as const)('%s works, and is not done without', async (secure) => {
    const plain = await outbox({ smtp: { secure, timeoutMs: 500 } });
    const { id } = await plain.post(message(), order('k'));
    while (plain.get(id).attempts < 1) await pause(5);
    await plain.stop();
    expect(server.received).toEqual([]);
    await server.close();
    server = await mailServer({}, { ...pem, secure: secure === 'tls' });
    const untrusting = await outbox({ smtp: { secure } });
    const { attempts } = untrusting.get(id);
    while (untrusting.get(id).attempts === attempts) await pause(5);
    await untrusting.stop();
    expect(server.received).toEqual([]);
    const trusting = await outbox({ smtp: { secure, ca: pem.cert } });
    await trusting.taken(id, never);
    expect(server.received).toHaveLength(1);
  });
});
