import type { IPublishPacket } from 'mqtt';
import { expect, test } from 'vitest';
import { silentLog } from '#core/log.ts';
import { HeldAcks } from './held-acks.ts';
import { Slots } from './slots.ts';

function rig(size = 8) {
  const acknowledged: number[] = [];
  const refused: string[] = [];
  const answers = new Map<string, PromiseWithResolvers<void>>();
  const held = new HeldAcks({
    handler: ({ topic }) => {
      const answer = Promise.withResolvers<void>();
      answers.set(topic, answer);
      return answer.promise;
    },
    slots: new Slots(size, 8),
    log: silentLog,
    acknowledge: (id) => acknowledged.push(id),
    refuse: (reason) => refused.push(reason),
  });
  const take = (topic: string, messageId: number, qos: 0 | 1 = 1, payload: string | Buffer = 'x') => {
    const resumed: (Error | undefined)[] = [];
    const packet: IPublishPacket = {
      cmd: 'publish',
      topic,
      messageId,
      qos,
      payload,
      retain: false,
      dup: false,
    };
    const done = held.take(packet, (error) => resumed.push(error));
    return { done, resumed };
  };
  return { acknowledged, refused, answers, held, take };
}

const settle = () => new Promise((resolve) => setImmediate(resolve));

test('acknowledges in the order of arrival, when taken', async () => {
  const { acknowledged, answers, take } = rig();
  const one = take('a', 1);
  take('b', 2);
  await settle();
  expect(one.resumed[0]).toBeInstanceOf(Error);
  answers.get('b')?.resolve();
  await settle();
  expect(acknowledged).toEqual([]);
  answers.get('a')?.resolve();
  await settle();
  expect(acknowledged).toEqual([1, 2]);
});

test('a refused message and all behind it stay unacknowledged', async () => {
  const { acknowledged, refused, answers, held, take } = rig();
  take('a', 1);
  take('b', 2);
  await settle();
  answers.get('a')?.reject(new Error('full'));
  answers.get('b')?.resolve();
  await settle();
  expect(refused).toEqual([expect.stringContaining('full')]);
  held.end();
  expect(acknowledged).toEqual([]);
});

test('nothing is acknowledged, taken or refused after the connection ended', async () => {
  const { acknowledged, refused, answers, held, take } = rig(2);
  const one = take('a', 1);
  take('b', 2);
  const waiting = take('c', 3);
  await settle();
  held.end();
  await waiting.done;
  expect(waiting.resumed).toHaveLength(1);
  answers.get('a')?.resolve();
  answers.get('b')?.reject(new Error('late'));
  await one.done;
  await settle();
  expect([acknowledged, refused, answers.has('c')]).toEqual([[], [], false]);
});

test('QoS 0 is never acknowledged, and lost when it was not taken', async () => {
  const { acknowledged, refused, answers, take } = rig();
  const one = take('a', 0, 0);
  await settle();
  expect(one.resumed).toEqual([undefined]);
  answers.get('a')?.reject(new Error('full'));
  await one.done;
  expect([acknowledged, refused]).toEqual([[], []]);
});

test('what is larger than a broker may send is acknowledged and left out', async () => {
  const { acknowledged, answers, take } = rig();
  await take('big', 7, 1, Buffer.alloc(1_048_577)).done;
  expect(acknowledged).toEqual([7]);
  expect(answers.size).toBe(0);
});
