import { setTimeout as pause } from 'node:timers/promises';
import { expect, test, vi } from 'vitest';
import { systemClock } from '#core/clock.ts';
import { RetryableError } from '#core/errors.ts';
import { silentLog } from '#core/log.ts';
import { WELL } from '#core/part.ts';
import { MemoryCursor, MemoryLog } from '../../tests/rigs/memory-log.ts';
import { bench, testClient } from '../../tests/rigs/mqtt-bench.ts';
import { Bridge } from './bridge.ts';
import type { Broker, OutboundMessage } from './broker.ts';
import { Sessions } from './sessions.ts';
import { OwnTopics } from './topics.ts';

/** A broker that acknowledges when the test says so. */
class HandBroker implements Broker {
  readonly mode = 'external';
  readonly url = 'mqtt://hand';
  readonly sessions = new Sessions();
  readonly published: OutboundMessage[] = [];
  connected = true;
  onPublish: (message: OutboundMessage) => Promise<void> = async () => {};
  get session(): number {
    return this.sessions.current;
  }
  async start(): Promise<void> {}
  async stop(): Promise<void> {}
  health = () => WELL;
  hasAudience = () => true;
  nextSession = (seen: number, signal: AbortSignal) => this.sessions.next(seen, signal);
  async publish(message: OutboundMessage): Promise<void> {
    await this.onPublish(message);
    this.published.push(message);
  }
  receive(): void {}
  want(): void {}
  watch(): void {}
  seqs(): number[] {
    return this.published
      .filter((m) => !m.retain)
      .map((m) => (JSON.parse(m.payload as string) as { seq: number }).seq);
  }
}

function handBench(cursor = new MemoryCursor()) {
  const broker = new HandBroker();
  const events = new MemoryLog();
  const bridge = new Bridge({
    ...{ broker, events, cursor, deviceId: 'me', topics: new OwnTopics('base'), log: silentLog },
    ...{ clock: systemClock, backoff: { firstMs: 5, longestMs: 20 }, onClash: () => {} },
    excludeEvents: ['chainbot.step.*', 'chainbot.noise'],
  });
  return { broker, events, cursor, bridge, [Symbol.asyncDispose]: () => bridge.stop() };
}

test('the cursor waits for the first unacknowledged event, and at most 64 are on their way', async () => {
  await using rig = handBench();
  const first = Promise.withResolvers<void>();
  let under = 0;
  let most = 0;
  rig.broker.onPublish = async (message) => {
    if (message.retain) return;
    most = Math.max(most, ++under);
    if ((message.payload as string).includes('"seq":1,')) await first.promise;
    else await pause(1);
    under--;
  };
  for (let n = 0; n < 400; n++) rig.events.append('chainbot.workflow.started');
  await rig.bridge.start();
  rig.broker.sessions.began();
  await vi.waitFor(() => expect(rig.broker.seqs().length).toBe(399));
  await pause(300);
  expect(rig.cursor.position()).toBe(0);
  expect(rig.bridge.backlog()).toBe(400);
  first.resolve();
  await vi.waitFor(() => expect(rig.cursor.position()).toBe(400));
  expect(most).toBe(64);
  expect(rig.cursor.commits.length).toBeLessThanOrEqual(2);
});

test('after a failure it goes on from the first unacknowledged event', async () => {
  await using rig = handBench(new MemoryCursor(1));
  let refusing = true;
  rig.broker.onPublish = async (message) => {
    if ((message.payload as string).includes('"seq":3,') && refusing) {
      throw new RetryableError('mqtt.refused', 'not authorized');
    }
  };
  for (let n = 0; n < 5; n++) rig.events.append('chainbot.workflow.started');
  await rig.bridge.start();
  rig.broker.sessions.began();
  await vi.waitFor(() => expect(rig.bridge.health()).toMatchObject({ score: 0.5 }));
  await pause(50);
  expect(rig.bridge.health().score).toBe(0.5);
  refusing = false;
  await vi.waitFor(() => expect(rig.bridge.backlog()).toBe(0));
  const seen = rig.broker.seqs();
  expect([...new Set(seen)].sort()).toEqual([2, 3, 4, 5]);
  expect(seen.indexOf(2)).toBeLessThan(seen.indexOf(3));
  expect(seen).not.toContain(1);
  expect(rig.bridge.health()).toBe(WELL);
});

test('excluded events are passed over, and cost few commits', async () => {
  await using rig = handBench();
  for (let n = 0; n < 1000; n++) rig.events.append(n % 2 ? 'chainbot.step.completed' : 'chainbot.noise');
  rig.events.append('chainbot.workflow.completed');
  await rig.bridge.start();
  rig.broker.sessions.began();
  await vi.waitFor(() => expect(rig.cursor.position()).toBe(1001));
  expect(rig.broker.seqs()).toEqual([1001]);
  expect(rig.cursor.commits.length).toBeLessThan(6);
});

test('says who it is on every new connection, before any event', async () => {
  await using rig = handBench();
  rig.events.append('chainbot.workflow.started');
  await rig.bridge.start();
  rig.broker.sessions.began();
  await vi.waitFor(() => expect(rig.broker.published).toHaveLength(3));
  rig.broker.sessions.began();
  await vi.waitFor(() => expect(rig.broker.published).toHaveLength(5));
  expect(rig.broker.published.map((m) => m.topic)).toEqual([
    'base/bridge/device',
    'base/bridge/state',
    'base/workflow/started',
    'base/bridge/device',
    'base/bridge/state',
  ]);
});

test('a stop does not wait for answers that never come; the goodbye is the last word', async () => {
  const rig = handBench();
  rig.broker.onPublish = (message) => (message.retain ? Promise.resolve() : new Promise(() => {}));
  rig.events.append('chainbot.workflow.started');
  await rig.bridge.start();
  rig.broker.sessions.began();
  await vi.waitFor(() => expect(rig.broker.published).toHaveLength(2));
  await pause(20);
  const began = performance.now();
  await rig.bridge.stop();
  expect(performance.now() - began).toBeLessThan(2500);
  expect(rig.cursor.position()).toBe(0);
  expect(rig.broker.published.at(-1)).toMatchObject({
    topic: 'base/bridge/state',
    payload: '{"state":"offline"}',
  });
});

test('a long backlog is said while the broker is there', async () => {
  await using rig = handBench();
  rig.broker.onPublish = (message) => (message.retain ? Promise.resolve() : pause(50));
  for (let n = 0; n < 10_200; n++) rig.events.append('chainbot.workflow.started');
  await rig.bridge.start();
  rig.broker.sessions.began();
  await pause(20);
  expect(rig.bridge.health()).toMatchObject({
    score: 0.8,
    reasons: [expect.stringContaining('events wait')],
  });
});

test('while nobody listens to the embedded broker the log is not even read', async () => {
  await using room = bench();
  await room.start();
  for (let n = 0; n < 500; n++) room.log.append('chainbot.workflow.started');
  await vi.waitFor(() => expect(room.cursor.position()).toBe(500));
  expect(room.log.reads).toBe(0);
  await using reader = await testClient(room.mqtt.status().url, ['chainbot/#']);
  const event = room.log.append('chainbot.workflow.started', { name: 'a' }, 'run/7');
  const texts = (): string[] => reader.messages.map((m) => m.text);
  await vi.waitFor(() => expect(texts()).toContain(JSON.stringify(room.log.toCloudEvent(event))));
  expect(reader.messages.map((m) => m.text)).toContain('{"state":"online"}');
});
