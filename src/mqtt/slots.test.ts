import { expect, test } from 'vitest';
import { Slots } from './slots.ts';

test('at most so many at once; the next in line goes first', async () => {
  const slots = new Slots(1, 2);
  await slots.acquire();
  const order: string[] = [];
  const b = slots.acquire().then(() => order.push('b'));
  const c = slots.acquire().then(() => order.push('c'));
  await expect(slots.acquire()).rejects.toMatchObject({ code: 'mqtt.busy' });
  slots.release();
  await b;
  expect(order).toEqual(['b']);
  slots.resize(2);
  await c;
  expect(slots.taken).toBe(2);
});

test('whoever gives up leaves the line', async () => {
  const slots = new Slots(1, 1);
  await slots.acquire();
  const giveUp = new AbortController();
  const waiting = slots.acquire(giveUp.signal);
  giveUp.abort(new Error('enough'));
  await expect(waiting).rejects.toThrow('enough');
  await expect(slots.acquire(giveUp.signal)).rejects.toThrow('enough');
  const next = slots.acquire(new AbortController().signal);
  slots.release();
  await next;
  expect(slots.taken).toBe(1);
});
