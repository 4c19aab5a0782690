import { connect as tcp } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { connect } from 'mqtt';
import { expect, test, vi } from 'vitest';
import { freePort } from '../../tests/rigs/mosquitto.ts';
import { bench, testClient } from '../../tests/rigs/mqtt-bench.ts';

test('a PUBACK waits until the trigger is on disk', async () => {
  await using room = bench({ filters: ['greenhouse/#'] });
  await room.start();
  const held = Promise.withResolvers<void>();
  room.target.onDeliver = () => held.promise;
  await using sender = await testClient(room.mqtt.status().url, []);
  await using reader = await testClient(room.mqtt.status().url, ['#']);
  let acknowledged = false;
  const sent = sender.client.publishAsync('greenhouse/report', '{"t":33}', { qos: 1 });
  void sent.then(() => {
    acknowledged = true;
  });
  await pause(80);
  expect(acknowledged).toBe(false);
  held.resolve();
  await sent;
  expect(room.target.texts()).toEqual(['{"t":33}']);
  await vi.waitFor(() => expect(reader.messages.some((m) => m.topic === 'greenhouse/report')).toBe(true));
});

test('a message that could not be taken is not acknowledged and comes again', async () => {
  await using room = bench({ filters: ['a/+'] });
  await room.start();
  let attempts = 0;
  room.target.onDeliver = async () => {
    if (++attempts < 3) throw new Error('the disk is full');
  };
  await using sender = await testClient(room.mqtt.status().url, [], { clean: false, clientId: 'sensor' });
  await sender.client.publishAsync('a/b', 'x', { qos: 1 });
  expect(attempts).toBe(3);
  expect(room.target.texts()).toEqual(['x']);
});

test('QoS 2 is held as well, QoS 0 passes even when it was not taken', async () => {
  await using room = bench({ filters: ['a/+'] });
  await room.start();
  await using sender = await testClient(room.mqtt.status().url, []);
  await using reader = await testClient(room.mqtt.status().url, ['a/#']);
  await sender.client.publishAsync('a/two', '2', { qos: 2 });
  expect(room.target.texts()).toEqual(['2']);
  room.target.onDeliver = async () => {
    throw new Error('no');
  };
  await sender.client.publishAsync('a/zero', '0');
  await vi.waitFor(() => expect(reader.messages.map((m) => m.topic)).toEqual(['a/two', 'a/zero']));
});

test('acknowledgements keep the order of the messages', async () => {
  await using room = bench({ filters: ['slow'] });
  await room.start();
  room.target.onDeliver = () => pause(60);
  await using sender = await testClient(room.mqtt.status().url, []);
  const order: string[] = [];
  await Promise.all(
    ['slow', 'other', 'slow'].map((topic) =>
      sender.client.publishAsync(topic, 'x', { qos: 1 }).then(() => order.push(topic)),
    ),
  );
  expect(order).toEqual(['slow', 'other', 'slow']);
});

test('what the daemon publishes itself triggers too, and is refused when that fails', async () => {
  await using room = bench({ filters: ['own/#'] });
  await room.start();
  await using reader = await testClient(room.mqtt.status().url, ['own/#']);
  await room.mqtt.publisher.publish('own/a', new TextEncoder().encode('1'));
  await room.mqtt.publisher.publish('free/b', '2');
  expect(room.target.texts()).toEqual(['1']);
  room.target.onDeliver = async () => {
    throw new Error('engine busy');
  };
  await expect(room.mqtt.publisher.publish('own/c', '3')).rejects.toMatchObject({ code: 'mqtt.not_taken' });
  await vi.waitFor(() => expect(reader.messages.map((m) => m.text)).toEqual(['1']));
});

test('a last will triggers, and is tried again when it was not taken', async () => {
  await using room = bench({ filters: ['gone/#'] });
  await room.start();
  let attempts = 0;
  room.target.onDeliver = async () => {
    if (++attempts < 3) throw new Error('not now');
  };
  const will = { topic: 'gone/pump', payload: Buffer.from('dead'), qos: 1 as const, retain: false };
  const client = await testClient(room.mqtt.status().url, [], { will, reconnectPeriod: 0 });
  client.client.stream.destroy();
  await vi.waitFor(() => expect(room.target.texts()).toEqual(['dead']));
  expect(attempts).toBe(3);
  await client[Symbol.asyncDispose]();
});

test('a new filter gets what is retained; $ topics and our own never trigger', async () => {
  await using room = bench();
  await room.start();
  await using sender = await testClient(room.mqtt.status().url, []);
  await sender.client.publishAsync('house/door', 'open', { qos: 1, retain: true });
  room.target.setFilters(['house/+', '$SYS/#', 'bad/#/filter', '#']);
  await vi.waitFor(() => expect(room.target.texts()).toContain('open'));
  expect(room.target.taken[0]).toMatchObject({ topic: 'house/door', retain: true });
  room.log.append('chainbot.workflow.started');
  await pause(100);
  expect(room.target.taken.filter((m) => /^(\$|chainbot)/.test(m.topic))).toEqual([]);
});

test('publishing to $ topics is refused by cutting the client off', async () => {
  await using room = bench();
  await room.start();
  await using sender = await testClient(room.mqtt.status().url, [], { reconnectPeriod: 0 });
  const closed = new Promise<void>((resolve) => sender.client.once('close', () => resolve()));
  sender.client.publish('$SYS/x', 'y');
  await closed;
});

test('a port that is taken is said with the way out', async () => {
  const port = await freePort();
  await using first = bench({ embedded: { host: '127.0.0.1', port } });
  await first.start();
  expect(first.mqtt.status().url).toBe(`mqtt://127.0.0.1:${port}`);
  await using second = bench({ embedded: { host: '127.0.0.1', port } });
  await expect(second.start()).rejects.toMatchObject({
    code: 'mqtt.port_taken',
    hint: expect.stringContaining('ALEX_OS_CHAINBOT_MQTT__EMBEDDED__PORT'),
  });
  await using elsewhere = bench({ embedded: { host: '192.0.2.1', port: 0 } });
  await expect(elsewhere.start()).rejects.toMatchObject({ code: 'mqtt.listen_failed' });
});

test('stop ends clients and half-open connections', async () => {
  const room = bench();
  await room.start();
  const { url } = room.mqtt.status();
  await using client = await testClient(url, [], { reconnectPeriod: 0 });
  const silent = tcp(Number(new URL(url).port), '127.0.0.1');
  await new Promise((resolve) => silent.once('connect', resolve));
  const ends = [client.client, silent].map((one) => new Promise((resolve) => one.once('close', resolve)));
  await room[Symbol.asyncDispose]();
  await Promise.all(ends);
  expect(room.mqtt.status().connected).toBe(false);
  await expect(room.mqtt.publisher.publish('a', 'b')).rejects.toMatchObject({ code: 'mqtt.offline' });
});

test('an open broker on the network lowers the health', async () => {
  await using room = bench({ embedded: { host: '0.0.0.0', port: 0 } });
  await room.start();
  expect(room.mqtt.part.health()).toMatchObject({
    score: 0.7,
    reasons: [expect.stringContaining('0.0.0.0')],
  });
  await using safe = bench({ embedded: { host: '::1', port: 0 } });
  await safe.start();
  expect(safe.mqtt.status().url).toMatch(/^mqtt:\/\/\[::1\]:/);
  expect(safe.mqtt.part.health().score).toBe(1);
});

test('a packet over the limit ends the connection before it is collected', async () => {
  await using room = bench();
  await room.start();
  const { url } = room.mqtt.status();
  await using client = await testClient(url, [], { reconnectPeriod: 0 });
  const closed = new Promise<void>((resolve) => client.client.once('close', () => resolve()));
  client.client.publish('big', Buffer.alloc(2_000_000), { qos: 1 });
  await closed;
  expect(room.mqtt.part.health()).toMatchObject({ score: 0.9 });
  const long = connect(url, { reconnectPeriod: 0, clientId: 'x'.repeat(300) });
  await new Promise<void>((resolve) => long.once('close', () => resolve()));
  expect(long.connected).toBe(false);
});
