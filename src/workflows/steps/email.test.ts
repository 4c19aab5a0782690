import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '#core/clock.ts';
import type { JsonObject } from '#core/json.ts';
import { silentLog } from '#core/log.ts';
import { Outbox } from '#outbound/outbox.ts';
import { SmtpSender } from '#outbound/smtp.ts';
import { type MailServer, mailServer } from '../../../tests/support/mail-server.ts';
import { openStore } from '../../../tests/support/open-store.ts';
import { stepContext } from '../../../tests/support/step-context.ts';
import type { StepContext } from '../port.ts';
import { emailStep } from './email.ts';
import { siteFiles } from './site-files.ts';

let opened: Awaited<ReturnType<typeof openStore>>;
let server: MailServer;
let outbox: Outbox;
let folder: string;

const step = () => emailStep(outbox, siteFiles(folder));
const run = (fields: JsonObject, more: Partial<StepContext> = {}) =>
  step().run({ to: 'ann@example.org', subject: 'Hello', ...fields }, stepContext(fields, more)) as Promise<{
    id: string;
    message_id: string;
    accepted: string[];
  }>;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'chainbot-mail-'));
  writeFileSync(join(folder, 'door.jpg'), 'picture');
  opened = await openStore();
  server = await mailServer();
  const common = { host: '127.0.0.1', port: server.port, secure: 'none', timeoutMs: 2000 } as const;
  outbox = new Outbox({
    ...{ reader: opened.store.reader, writer: opened.store, clock: systemClock, log: silentLog },
    sender: new SmtpSender({
      ...common,
      username: undefined,
      password: undefined,
      from: 'house@example.org',
    }),
    attempts: 3,
    backoff: { firstMs: 5, longestMs: 10 },
  });
  await outbox.start(new AbortController().signal);
});
afterEach(async () => {
  await outbox.stop();
  await server.close();
  await opened.close();
  rmSync(folder, { recursive: true });
});

describe('email', () => {
  it('ends when the server has it', async () => {
    const attachments = [
      { file: 'door.jpg', name: 'front door.jpg' },
      { file: 'door.jpg' },
      { name: 'a.csv', text: 'a;b' },
      { name: 'b.bin', base64: 'AAAA' },
    ];
    const output = await run({ to: ['Ann <ann@example.org>', 'bob@example.org'], text: 'hi', attachments });
    expect(output).toEqual({
      id: expect.any(String),
      message_id: `<${output.id}@example.org>`,
      accepted: ['ann@example.org', 'bob@example.org'],
      rejected: [],
    });
    const raw = server.received[0]?.raw ?? '';
    for (const part of ['front door.jpg', 'filename=door.jpg', 'a.csv', 'b.bin']) expect(raw).toContain(part);
    expect(raw).toContain(Buffer.from('picture').toString('base64'));
  });

  it('done again after a power cut is the same message', async () => {
    const first = await run({});
    expect(await run({}, { attempt: 2 })).toEqual(first);
    expect(server.received).toHaveLength(1);
    await run({}, { idempotencyKey: 'run-1/other' });
    expect(server.received).toHaveLength(2);
  });

  it('may go on before the server has it', async () => {
    server.script.message = () => '451 later';
    const { id, accepted } = await run({ wait: false });
    expect(accepted).toEqual([]);
    expect(outbox.get(id).status).toBe('queued');
  });

  it('fails when nobody takes it', async () => {
    server.script.recipient = () => '550 unknown';
    await expect(run({})).rejects.toMatchObject({ code: 'email.refused' });
  });

  it('stops waiting when its run does', async () => {
    server.script.message = () => '451 later';
    const stop = new AbortController();
    const going = run({}, { signal: stop.signal });
    stop.abort(new Error('cancelled'));
    await expect(going).rejects.toThrow('cancelled');
  });

  it('is not made of what is missing or too much', async () => {
    await expect(run({ attachments: [{ file: '../x' }] })).rejects.toMatchObject({ code: 'file.not_found' });
    await expect(run({ to: [] })).rejects.toMatchObject({ code: 'email.no_recipient' });
    const base64 = Buffer.alloc(6 * 1024 * 1024).toString('base64');
    const twice = ['a', 'b'].map((name) => ({ name, base64 }));
    await expect(run({ attachments: twice })).rejects.toMatchObject({ code: 'email.too_large' });
    expect(outbox.list(10)).toEqual([]);
  });
});

describe('the check of an email', () => {
  it.each<[JsonObject, string[]]>([
    [{ to: '{{ input.to }}', subject: 'x', text: '{{ y }}', wait: '{{ z }}' }, []],
    [{ to: ['ann@example.org', '{{ x }}'], subject: 'x', attachments: [{ file: '{{ f }}' }] }, []],
    [{ to: 'nobody', subject: 'x' }, ['to']],
    [{ to: 'ann@example.org' }, ['subject']],
    [{ to: 'ann@example.org', subject: 'a\nBcc: eve@example.org' }, ['subject']],
    [
      { to: 'ann@example.org', subject: 'x', attachments: [{ name: '../x', text: '' }] },
      ['attachments.0.name'],
    ],
    [{ to: 'ann@example.org', subject: 'x', body: 'y' }, ['body']],
  ])('%j', (written, paths) => {
    expect(
      step()
        .check(written)
        .map((fault) => fault.path),
    ).toEqual(paths);
    expect(step().onInterrupt(written)).toBe('retry');
  });

  it('says its fields to editors', () => {
    expect(step().schema?.()).toMatchObject({ required: ['to', 'subject'] });
    expect(step().pretend?.({ to: ['a@b'] })).toMatchObject({ accepted: ['a@b'] });
  });
});
