import { expect, it } from 'vitest';
import type { Notice } from '#workflows/port.ts';
import { mqttChannel } from './notification-channel.ts';
import type { PublishPort } from './port.ts';

const notice: Notice = {
  ...{ id: 'n1', severity: 'warning', title: 'Hot', body: '33', key: null, run: 'r1' },
  at: Date.parse('2026-07-01T10:00:00Z'),
};

it('publishes below the base topic, or where it is told to', async () => {
  const sent: unknown[][] = [];
  const publisher: PublishPort = { publish: async (...args) => void sent.push(args) };
  const channel = mqttChannel(publisher, 'shed');
  const { signal } = new AbortController();
  await channel.deliver(notice, null, 'n1/0', signal);
  await channel.deliver(notice, 'garden/alarm', 'n1/1', signal);
  expect(sent.map(([topic, , options]) => [topic, options])).toEqual([
    ['shed/notification', { qos: 1, key: 'n1/0' }],
    ['garden/alarm', { qos: 1, key: 'n1/1' }],
  ]);
  expect(JSON.parse(String(sent[0]?.[1]))).toEqual({
    ...{ id: 'n1', severity: 'warning', title: 'Hot', body: '33', key: null, run: 'r1' },
    created_at: '2026-07-01T10:00:00.000Z',
  });
  expect([null, 'a/b', 'a/#', 5].map((option) => channel.fault(option) === undefined)).toEqual([
    true,
    true,
    false,
    false,
  ]);
});
