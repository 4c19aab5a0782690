import { Readable } from 'node:stream';
import { expect, test, vi } from 'vitest';
import { bench, testClient } from '../../tests/rigs/mqtt-bench.ts';
import { BoundedMemory, type KeptPacket, type PacketStore } from './bounded-memory.ts';

/** A store as the broker library's: an array per client. */
class Store implements PacketStore {
  readonly queues = new Map<string, KeptPacket[]>();
  readonly retained = new Map<string, KeptPacket>();
  readonly cleaned: string[] = [];
  async storeRetained(packet: KeptPacket): Promise<void> {
    this.retained.set(packet.topic, packet);
  }
  async outgoingEnqueueCombi(subs: readonly { clientId: string }[], packet: KeptPacket): Promise<void> {
    for (const { clientId } of subs)
      this.queues.set(clientId, [...(this.queues.get(clientId) ?? []), packet]);
  }
  async outgoingClearMessageId(
    { id }: { id: string },
    { messageId }: KeptPacket,
  ): Promise<KeptPacket | undefined> {
    const queue = this.queues.get(id) ?? [];
    const index = queue.findIndex((packet) => packet.messageId === messageId);
    return index < 0 ? undefined : queue.splice(index, 1)[0];
  }
  outgoingStream({ id }: { id: string }): Readable {
    return Readable.from([...(this.queues.get(id) ?? [])]);
  }
  async cleanSubscriptions({ id }: { id: string }): Promise<void> {
    this.cleaned.push(id);
  }
}

const limits = { queuedPerClient: 3, queuedBytes: 1000, retainedBytes: 500, sessions: 2 };
const packet = (topic: string, messageId = 1): KeptPacket => ({ topic, payload: 'x', messageId });

test('a queue is bounded, and has room again when messages are acknowledged', async () => {
  const store = new Store();
  const memory = new BoundedMemory(limits);
  memory.guard(store);
  for (let n = 1; n <= 5; n++) await store.outgoingEnqueueCombi([{ clientId: 'a' }], packet('t', n));
  expect(store.queues.get('a')).toHaveLength(3);
  expect(memory.leftOut).toBe(2);
  expect(await store.outgoingClearMessageId({ id: 'a' }, packet('t', 1))).toBeDefined();
  expect(await store.outgoingClearMessageId({ id: 'a' }, packet('t', 99))).toBeUndefined();
  await store.outgoingEnqueueCombi([{ clientId: 'a' }], packet('t', 6));
  expect(store.queues.get('a')).toHaveLength(3);
  await memory.arrived('a', true);
  expect(store.queues.get('a')).toHaveLength(0);
});

test('when memory is full the session that is away the longest is given up', async () => {
  const store = new Store();
  const memory = new BoundedMemory(limits);
  memory.guard(store);
  await memory.left('old');
  await memory.left('new');
  for (let n = 1; n <= 2; n++) {
    await store.outgoingEnqueueCombi([{ clientId: 'old' }, { clientId: 'new' }], packet('t', n));
  }
  await store.outgoingEnqueueCombi([{ clientId: 'new' }], packet('t', 3));
  await vi.waitFor(() => expect(store.queues.get('old')).toHaveLength(0));
  expect(store.cleaned).toEqual(['old']);
  await store.outgoingEnqueueCombi([{ clientId: 'new' }], packet('t', 4));
  expect(store.queues.get('new')).toHaveLength(3);
  await memory.left('third');
  await memory.left('fourth');
  expect(store.cleaned).toEqual(['old', 'new']);
});

test('retained messages are bounded; replacing and clearing makes room', async () => {
  const store = new Store();
  const memory = new BoundedMemory(limits);
  memory.guard(store);
  for (const topic of ['a', 'b', 'c']) await store.storeRetained(packet(topic));
  expect([...store.retained.keys()]).toEqual(['a', 'b']);
  await store.storeRetained({ topic: 'a', payload: '' });
  await store.storeRetained(packet('c'));
  expect([...store.retained.keys()]).toEqual(['a', 'b', 'c']);
});

test("a kept session gets what came while it was away, through the broker's own store", async () => {
  await using room = bench();
  await room.start();
  const { url } = room.mqtt.status();
  const session = { clean: false, clientId: 'keeper' };
  const before = await testClient(url, ['chainbot/#'], session);
  await before[Symbol.asyncDispose]();
  for (let n = 0; n < 20; n++) room.log.append('chainbot.workflow.started', { n });
  await vi.waitFor(() => expect(room.mqtt.status().backlog).toBe(0));
  await using after = await testClient(url, ['chainbot/#'], session);
  await vi.waitFor(() =>
    expect(after.messages.filter((m) => m.topic === 'chainbot/workflow/started')).toHaveLength(20),
  );
  await after.client.endAsync();
  await using _clean = await testClient(url, [], { clean: true, clientId: 'keeper' });
});
