import { expect, test } from 'vitest';
import { SYSTEM } from '#core/actor.ts';
import { systemClock } from '#core/clock.ts';
import { RetryableError } from '#core/errors.ts';
import type { JsonObject } from '#core/json.ts';
import { silentLog } from '#core/log.ts';
import type { StepContext } from '#workflows/port.ts';
import type { PublishPort } from '../port.ts';
import { publishStep } from './publish.ts';

const published: unknown[] = [];
const publisher: PublishPort = {
  async publish(topic, payload, options) {
    if (topic === 'offline') throw new RetryableError('mqtt.offline', 'no broker');
    published.push([topic, payload, options]);
  },
};
const step = publishStep(publisher);
const context = (written: JsonObject): StepContext => ({
  ...{ runId: 'r', path: 'p', attempt: 1, idempotencyKey: 'r/p', actor: SYSTEM, written },
  ...{ signal: new AbortController().signal, log: silentLog, clock: systemClock, conceal: () => {} },
});
const run = (fields: JsonObject): Promise<unknown> => step.run(fields, context(fields));

test.each([
  [{ a: 1 }, '{"a":1}'],
  ['as it is', 'as it is'],
  [21.5, '21.5'],
  [null, 'null'],
  [[1, 2], '[1,2]'],
])('payload %j goes out as %s', async (payload, text) => {
  published.length = 0;
  expect(await run({ topic: 'a/b', payload })).toEqual({ topic: 'a/b', bytes: text.length });
  expect(published).toEqual([['a/b', text, { qos: 1, retain: false, key: 'r/p' }]]);
});

test('no payload is an empty message; qos, retain and key are passed on', async () => {
  published.length = 0;
  const fields = { id: 'tell', type: 'publish', topic: 'ü', qos: 2, retain: true, key: 'k1' };
  expect(await run(fields)).toEqual({ topic: 'ü', bytes: 0 });
  expect(published).toEqual([['ü', '', { qos: 2, retain: true, key: 'k1' }]]);
});

test('faults of the written fields, with templates let through', () => {
  const paths = (fields: JsonObject) => step.check(fields).map((fault) => fault.path);
  expect(paths({ topic: 'a/b', payload: { x: '{{ input }}' } })).toEqual([]);
  expect(paths({ topic: '{{ input.topic }}/#', qos: '{{ 1 }}', retain: '{{ true }}' })).toEqual([]);
  expect(paths({ topic: 'a/#', qos: 3, retain: 'yes' })).toEqual(['topic', 'qos', 'retain']);
  expect(paths({})).toEqual(['topic']);
  expect(step.check({ topic: 'a', paylod: 1 })).toMatchObject([
    { path: 'paylod', hint: expect.stringContaining('payload') },
  ]);
});

test('evaluated fields of the wrong type are an error', async () => {
  await expect(run({ topic: 'a/+' })).rejects.toMatchObject({ code: 'step.fields_invalid' });
  await expect(run({ topic: 'offline' })).rejects.toMatchObject({ code: 'mqtt.offline' });
});

test('is sent again after a crash only when that does no harm', () => {
  expect(step.onInterrupt({ topic: 'a' })).toBe('fail');
  expect(step.onInterrupt({ topic: 'a', retain: '{{ x }}' })).toBe('fail');
  expect(step.onInterrupt({ topic: 'a', retain: true })).toBe('retry');
  expect(step.onInterrupt({ topic: 'a', key: '{{ run.id }}' })).toBe('retry');
});
