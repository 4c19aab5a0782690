import { expect, it } from 'vitest';
import { Once } from './once.ts';

it('does the work of a key once, also while it is under way', async () => {
  const once = new Once<number>();
  let done = 0;
  const work = async () => ++done;
  expect(await Promise.all([once.do('a', work), once.do('a', work)])).toEqual([1, 1]);
  expect(await once.do('b', work)).toBe(2);
  expect(await once.do(undefined, work)).toBe(3);
  expect(await once.do(undefined, work)).toBe(4);
});

it('forgets what failed', async () => {
  const once = new Once<number>();
  await expect(once.do('a', () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  expect(await once.do('a', async () => 7)).toBe(7);
});

it('remembers only the last thousand', async () => {
  const once = new Once<number>();
  for (let i = 0; i <= 1000; i++) await once.do(`k${i}`, async () => i);
  expect(await once.do('k0', async () => -1)).toBe(-1);
  expect(await once.do('k1000', async () => -1)).toBe(1000);
});
