import { setTimeout as pause } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { EventLoopDelay } from './event-loop-delay.ts';

test('a loop that is held up shows, and only in its own reading', async () => {
  const delay = new EventLoopDelay();
  expect(delay.read([0.5])).toEqual([0]);
  delay.start();
  await pause(30);
  for (const until = performance.now() + 80; performance.now() < until; );
  await pause(30);
  const [median = 1, most = 0] = delay.read([0.5, 1]);
  expect(most).toBeGreaterThan(0.05);
  expect(median).toBeLessThan(most);
  expect(delay.read([1])).toEqual([0]);
  delay.stop();
  expect(delay.read([1])).toEqual([0]);
});
