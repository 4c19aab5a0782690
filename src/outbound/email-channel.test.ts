import { expect, it } from 'vitest';
import type { Notice } from '#workflows/port.ts';
import { emailChannel } from './email-channel.ts';
import type { MailMessage, MailOrder, MailPort } from './port.ts';

const notice: Notice = {
  ...{ id: 'n1', severity: 'critical', title: 'Too\nhot', body: '33 °C', key: null, run: 'r1', at: 0 },
};

it('puts a notification into the outbox', async () => {
  const posted: [MailMessage, MailOrder][] = [];
  const mail: Pick<MailPort, 'post'> = {
    post: async (...args) => {
      posted.push(args);
      return { id: 'x', messageId: '<x@y>' };
    },
  };
  const channel = emailChannel(mail);
  const { signal } = new AbortController();
  await channel.deliver(notice, ['ann@example.org', 'bob@example.org'], 'n1/0', signal);
  await channel.deliver({ ...notice, severity: 'info' }, 'ann@example.org', 'n1/1', signal);
  expect(posted[0]).toMatchObject([
    {
      to: ['ann@example.org', 'bob@example.org'],
      subject: '[critical] Too hot',
      text: '33 °C\n\n-- \nrun:r1\n',
    },
    { key: 'n1/0', run: 'r1', actor: { kind: 'run', id: 'r1' } },
  ]);
  expect(posted[1]?.[0]).toMatchObject({ to: ['ann@example.org'], subject: 'Too hot' });
});

it('wants addresses', () => {
  const { fault } = emailChannel({} as MailPort);
  expect([null, [], 'ann', ['ann@example.org', 1]].map((option) => fault(option) !== undefined)).toEqual([
    true,
    true,
    true,
    true,
  ]);
  expect(fault('Ann <ann@example.org>')).toBeUndefined();
});
