import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Aedes } from 'aedes';
import { expect, test, vi } from 'vitest';
import { type Clock, systemClock } from '#core/clock.ts';
import { freePort, mosquitto } from '../../tests/rigs/mosquitto.ts';
import { bench, testClient } from '../../tests/rigs/mqtt-bench.ts';

const connected = (room: ReturnType<typeof bench>) =>
  vi.waitFor(() => expect(room.mqtt.status().connected).toBe(true), { timeout: 5000 });

test('an hour without a broker loses nothing, and the order stays', async () => {
  await using broker = await mosquitto();
  await using reader = await testClient(broker.url, ['chainbot/#'], { clean: false, clientId: 'reader' });
  await using room = bench({ url: broker.url });
  await room.start();
  await connected(room);
  room.log.append('chainbot.workflow.started', { n: 1 });
  await vi.waitFor(() => expect(reader.messages.map((m) => m.topic)).toContain('chainbot/workflow/started'));
  await broker.stop();
  await vi.waitFor(() => expect(room.mqtt.status().connected).toBe(false));
  for (let n = 2; n <= 600; n++) room.log.append('chainbot.workflow.completed', { n });
  expect(room.mqtt.status().backlog).toBe(599);
  expect(room.cursor.position()).toBeLessThanOrEqual(1);
  await expect(room.mqtt.publisher.publish('a', 'b')).rejects.toMatchObject({ code: 'mqtt.offline' });
  await broker.start();
  await vi.waitFor(() => expect(room.mqtt.status().backlog).toBe(0), { timeout: 10_000 });
  const seen = (): number[] =>
    reader.messages
      .filter((m) => m.topic.startsWith('chainbot/workflow/'))
      .map((m) => (JSON.parse(m.text) as { data: { n: number } }).data.n);
  await vi.waitFor(() => expect(new Set(seen()).size).toBe(600), { timeout: 10_000 });
  const first = [...new Set(seen())];
  expect(first).toEqual([...first].sort((a, b) => a - b));
  await vi.waitFor(() => expect(room.cursor.position()).toBe(600));
  expect(room.cursor.commits.length).toBeLessThan(20);
});

test('starts with the broker down, says so, and connects when it is there', async () => {
  await using broker = await mosquitto();
  await broker.stop();
  await using room = bench({ url: `${broker.url.replace('mqtt://', 'mqtt://me:secret@')}` });
  await room.start();
  expect(room.mqtt.status()).toMatchObject({ mode: 'external', connected: false, backlog: 0 });
  expect(room.mqtt.status().url).not.toContain('secret');
  room.log.append('chainbot.module.ready');
  await vi.waitFor(() => expect(room.mqtt.part.health().score).toBe(0.3), { timeout: 8000 });
  const { reasons, remedies } = room.mqtt.part.health();
  expect(reasons.join()).toMatch(/out of reach for .*ECONNREFUSED.*1 events wait/);
  expect(remedies.join()).toContain('mqtt.url');
  await broker.start();
  await connected(room);
  await vi.waitFor(() => expect(room.mqtt.part.health().score).toBe(1));
});

test('a PUBACK to the broker waits for the trigger, and an untaken message comes again', async () => {
  await using broker = await mosquitto();
  await using room = bench({ url: broker.url, filters: ['greenhouse/#'] });
  let attempts = 0;
  room.target.onDeliver = async () => {
    if (++attempts < 3) throw new Error('the disk is full');
  };
  await room.start();
  await connected(room);
  await using sender = await testClient(broker.url, []);
  await subscribed(room, sender.client, 'greenhouse/probe');
  attempts = 0;
  await sender.client.publishAsync('greenhouse/report', 'once', { qos: 1 });
  await vi.waitFor(() => expect(room.target.texts()).toContain('once'), { timeout: 5000 });
  expect(attempts).toBe(3);
  expect(room.target.texts().filter((text) => text === 'once')).toHaveLength(1);
  expect(room.mqtt.status().connected).toBe(true);
});

test('messages that come while we are away arrive afterwards', async () => {
  await using broker = await mosquitto();
  await using sender = await testClient(broker.url, []);
  {
    await using room = bench({ url: broker.url, filters: ['a/#'] });
    await room.start();
    await connected(room);
    await subscribed(room, sender.client, 'a/probe');
  }
  for (let n = 0; n < 100; n++) await sender.client.publishAsync('a/b', String(n), { qos: 2 });
  await using room = bench({ url: broker.url, filters: ['a/#'] });
  await room.start();
  await vi.waitFor(() => expect(room.target.taken).toHaveLength(100), { timeout: 5000 });
  expect(room.target.texts()).toEqual(Array.from({ length: 100 }, (_, n) => String(n)));
  expect(room.target.taken[0]?.qos).toBe(1);
});

test('retained messages come when a filter is new, not at every reconnect; filters follow', async () => {
  await using broker = await mosquitto();
  await using sender = await testClient(broker.url, []);
  await sender.client.publishAsync('house/door', 'open', { qos: 1, retain: true });
  await using room = bench({ url: broker.url });
  await room.start();
  await connected(room);
  room.target.setFilters(['house/+', 'house/door']);
  await vi.waitFor(() => expect(room.target.texts()).toEqual(['open']));
  expect(room.target.taken[0]?.retain).toBe(true);
  await broker.stop();
  await broker.start();
  await connected(room);
  await pause(200);
  expect(room.target.texts()).toEqual(['open']);
  room.target.setFilters(['garden/#']);
  await subscribed(room, sender.client, 'garden/probe');
  await vi.waitFor(() => expect(sender.client.connected).toBe(true));
  await sender.client.publishAsync('house/door', 'shut', { qos: 1 });
  await sender.client.publishAsync('garden/gate', 'shut', { qos: 1 });
  await vi.waitFor(() => expect(room.target.taken.at(-1)?.topic).toBe('garden/gate'));
  expect(room.target.taken.some((m) => m.topic === 'house/door' && !m.retain)).toBe(false);
});

test('says online, and its last will says offline', async () => {
  await using broker = await mosquitto();
  await using reader = await testClient(broker.url, ['home/bridge/#']);
  const states = (): string[] =>
    reader.messages.filter((m) => m.topic === 'home/bridge/state').map((m) => m.text);
  {
    await using room = bench({ url: broker.url, baseTopic: 'home' });
    await room.start();
    await vi.waitFor(() => expect(states()).toEqual(['{"state":"online"}']));
    expect(reader.messages.some((m) => m.text === '{"device":"device-a"}')).toBe(true);
    await using impostor = await testClient(broker.url, [], {
      clientId: 'chainbot-device-a',
      reconnectPeriod: 0,
    });
    await vi.waitFor(() => expect(states()).toContain('{"state":"offline"}'));
    await impostor.client.endAsync();
    await vi.waitFor(() => expect(states().at(-1)).toBe('{"state":"online"}'));
  }
  await vi.waitFor(() => expect(states().at(-1)).toBe('{"state":"offline"}'));
  await using late = await testClient(broker.url, ['home/bridge/state']);
  await vi.waitFor(() =>
    expect(late.messages).toMatchObject([{ text: '{"state":"offline"}', retain: true }]),
  );
});

test('a copy of this appliance, with the same device id, is noticed', async () => {
  await using broker = await mosquitto();
  await using first = bench({ url: broker.url });
  await using second = bench({ url: broker.url });
  await Promise.all([first.start(), second.start()]);
  await vi.waitFor(
    () => expect(first.mqtt.part.health().remedies.join()).toContain('copied data directory'),
    { timeout: 8000 },
  );
});

test('two devices on one base topic notice each other', async () => {
  await using broker = await mosquitto();
  await using first = bench({ url: broker.url, deviceId: 'device-a' });
  await first.start();
  await connected(first);
  await pause(100);
  await using second = bench({ url: broker.url, deviceId: 'device-b' });
  await second.start();
  await vi.waitFor(() => expect([first.clashes, second.clashes]).toEqual([['device-b'], ['device-a']]));
  expect(first.mqtt.part.health()).toMatchObject({
    score: 0.4,
    reasons: [expect.stringContaining('mqtt.clash')],
  });
});

test('events of our own log never trigger, those of others do', async () => {
  await using broker = await mosquitto();
  await using room = bench({ url: broker.url, filters: ['chainbot/#'] });
  await room.start();
  await connected(room);
  await using sender = await testClient(broker.url, []);
  await subscribed(room, sender.client, 'chainbot/probe');
  room.log.append('chainbot.workflow.started');
  await vi.waitFor(() => expect(room.mqtt.status().backlog).toBe(0));
  await sender.client.publishAsync('chainbot/workflow/started', '{"epoch":"epoch-0193" broken', { qos: 1 });
  await sender.client.publishAsync('chainbot/workflow/started', '{"epoch":"epoch-0193"}', { qos: 1 });
  await sender.client.publishAsync('chainbot/command', 'go', { qos: 1 });
  await vi.waitFor(() => expect(room.target.texts()).toContain('go'));
  expect(room.target.texts().filter((text) => text !== 'probe')).toHaveLength(3);
});

test('falls back to 3.1.1 when the broker refuses MQTT 5', async () => {
  await using old = bench({ baseTopic: 'old' });
  await old.start();
  await using room = bench({ url: old.mqtt.status().url, filters: ['x/#'] });
  await room.start();
  await connected(room);
  await using sender = await testClient(old.mqtt.status().url, []);
  await subscribed(room, sender.client, 'x/probe');
  await using reader = await testClient(old.mqtt.status().url, ['y']);
  await room.mqtt.publisher.publish('y', 'hello', { key: 'k', qos: 2 });
  await vi.waitFor(() => expect(reader.messages.map((m) => m.text)).toEqual(['hello']));
});

test('an idempotency key travels as a user property', async () => {
  await using broker = await mosquitto();
  await using reader = await testClient(broker.url, [], { protocolVersion: 5 });
  const properties: unknown[] = [];
  reader.client.on('message', (_topic, _payload, packet) =>
    properties.push(packet.properties?.userProperties),
  );
  await reader.client.subscribeAsync('pump/set', { qos: 1 });
  await using room = bench({ url: broker.url });
  await room.start();
  await connected(room);
  await room.mqtt.publisher.publish('pump/set', new TextEncoder().encode('on'), { key: 'run/1' });
  await vi.waitFor(() => expect(properties).toMatchObject([{ 'idempotency-key': 'run/1' }]));
});

test('a broker that limits packets gets what fits, the rest is left out and said', async () => {
  await using broker = await mosquitto(['max_packet_size 2000']);
  await using reader = await testClient(broker.url, ['chainbot/#']);
  await using room = bench({ url: broker.url });
  await room.start();
  await connected(room);
  room.log.append('chainbot.workflow.completed', { text: 'x'.repeat(3000) });
  room.log.append('chainbot.workflow.started');
  await vi.waitFor(() => expect(room.mqtt.status().backlog).toBe(0));
  await vi.waitFor(() => expect(reader.messages.at(-1)?.topic).toBe('chainbot/workflow/started'));
  expect(room.mqtt.part.health()).toMatchObject({
    score: 0.8,
    reasons: [expect.stringContaining('at most 2000')],
  });
  await expect(room.mqtt.publisher.publish('a', 'x'.repeat(3000))).rejects.toMatchObject({
    code: 'mqtt.too_large',
  });
});

test('what the access list forbids is left out and said, in and out', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'acl-'));
  const acl = join(dir, 'acl');
  await writeFile(acl, ['topic readwrite ok/#', 'topic write chainbot/workflow/#', ''].join('\n'));
  await chmod(acl, 0o700);
  await using broker = await mosquitto([`acl_file ${acl}`]);
  await using room = bench({ url: broker.url, filters: ['ok/in', 'secret/#'] });
  await room.start();
  await connected(room);
  await expect(room.mqtt.publisher.publish('secret/x', '1')).rejects.toMatchObject({ code: 'mqtt.refused' });
  room.log.append('chainbot.device.changed');
  room.log.append('chainbot.workflow.started');
  await vi.waitFor(() => expect(room.mqtt.status().backlog).toBe(0));
  await vi.waitFor(() =>
    expect(room.mqtt.part.health().reasons.join()).toMatch(
      /2 messages of the bridge were left out.*chainbot.device.changed/,
    ),
  );
  await rm(dir, { recursive: true });
});

test('refused subscriptions and silence after a publish are said', async () => {
  const aedes = await Aedes.createBroker({
    authorizeSubscribe: (_client, sub, done) => done(null, sub.topic.startsWith('secret') ? null : sub),
    authorizePublish: (_client, packet, done) => packet.topic === 'silent' || done(null),
  });
  const server = createServer(aedes.handle);
  const port = await freePort();
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const clock: Clock = {
    ...systemClock,
    after: (ms, fire) => systemClock.after(ms === 30_000 ? 100 : ms, fire),
  };
  await using room = bench({ url: `mqtt://127.0.0.1:${port}`, filters: ['secret/#', 'open/#'], clock });
  await room.start();
  await connected(room);
  await vi.waitFor(() =>
    expect(room.mqtt.part.health().reasons.join()).toMatch(/refuses to send secret\/#$/),
  );
  await expect(room.mqtt.publisher.publish('silent', 'x')).rejects.toMatchObject({ code: 'mqtt.timeout' });
  room.target.setFilters(['open/#']);
  await vi.waitFor(() => expect(room.mqtt.part.health().score).toBe(1));
  await room.mqtt.part.stop();
  server.close();
  await new Promise<void>((resolve) => aedes.close(resolve));
});

test('when messages cannot be taken for long, health says so while publishing goes on', async () => {
  await using broker = await mosquitto();
  let ahead = 0;
  const clock: Clock = { ...systemClock, monotonic: () => systemClock.monotonic() + ahead };
  await using room = bench({ url: broker.url, filters: ['a/#'], clock });
  await room.start();
  await connected(room);
  await using sender = await testClient(broker.url, []);
  await subscribed(room, sender.client, 'a/probe');
  room.target.onDeliver = async () => {
    throw new Error('the disk is full');
  };
  await sender.client.publishAsync('a/b', 'x', { qos: 1 });
  await pause(300);
  await vi.waitFor(
    () => {
      ahead += 6000;
      const { score, reasons } = room.mqtt.part.health();
      ahead -= 6000;
      expect([score, reasons.join()]).toEqual([0.5, expect.stringContaining('the disk is full')]);
    },
    { interval: 1, timeout: 5000 },
  );
  await room.mqtt.publisher.publish('other', 'goes out');
});

test('wrong credentials and a wrong address are said', async () => {
  await using room = bench({ url: 'http://somewhere' });
  await expect(room.start()).rejects.toMatchObject({ code: 'mqtt.url_invalid' });
  await using broker = await mosquitto(['allow_anonymous false']);
  await using stranger = bench({ url: broker.url, username: 'a', password: 'wrong' });
  await stranger.start();
  await vi.waitFor(
    async () =>
      expect(await stranger.mqtt.publisher.publish('a', 'b').catch(String)).toMatch(/not authorized/i),
    { timeout: 5000 },
  );
});

test('a broker that closes without a word is tried with both versions, and stop is quick', async () => {
  const versions: number[] = [];
  const port = await freePort();
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.once('data', (data) => {
      versions.push(data[8] as number);
      socket.end();
    });
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const room = bench({ url: `mqtt://127.0.0.1:${port}` });
  await room.start();
  await vi.waitFor(() => expect(new Set(versions)).toEqual(new Set([4, 5])), { timeout: 5000 });
  const began = performance.now();
  await room[Symbol.asyncDispose]();
  expect(performance.now() - began).toBeLessThan(2000);
  for (const socket of sockets) socket.destroy();
  server.close();
});

test('a publish can be given up, and one under way fails when the broker goes', async () => {
  await using broker = await mosquitto();
  await using room = bench({ url: broker.url });
  await room.start();
  await connected(room);
  await expect(
    room.mqtt.publisher.publish('a', 'b', {}, AbortSignal.abort(new Error('cancelled'))),
  ).rejects.toThrow('cancelled');
  await expect(room.mqtt.publisher.publish('a/+', 'b')).rejects.toMatchObject({ code: 'mqtt.topic_invalid' });
  const many = Array.from({ length: 500 }, (_, n) =>
    room.mqtt.publisher.publish('a', String(n)).catch(codeOf),
  );
  await broker.stop();
  const outcomes = new Set(await Promise.all(many));
  expect([...outcomes].every((code) => code === undefined || code === 'mqtt.offline')).toBe(true);
});

const codeOf = (error: { code?: string }): string | undefined => error.code;

/** The room's subscription is in force when a probe comes through. */
async function subscribed(
  room: ReturnType<typeof bench>,
  sender: { publishAsync(topic: string, text: string, options: { qos: 1 }): Promise<unknown> },
  topic: string,
): Promise<void> {
  await vi.waitFor(
    async () => {
      await sender.publishAsync(topic, 'probe', { qos: 1 });
      await pause(30);
      expect(room.target.texts()).toContain('probe');
    },
    { timeout: 8000 },
  );
}
