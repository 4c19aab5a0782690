import { setTimeout as pause } from 'node:timers/promises';
import { expect, test, vi } from 'vitest';
import { systemClock } from '#core/clock.ts';
import { silentLog } from '#core/log.ts';
import { MemoryCursor } from '../../tests/rigs/memory-log.ts';
import { CursorPacer } from './cursor-pacer.ts';

test('commits after 250 ms or 256 events, and the rest at the end', async () => {
  const cursor = new MemoryCursor();
  const pacer = new CursorPacer(cursor, systemClock, silentLog);
  for (let seq = 1; seq <= 300; seq++) pacer.reached(seq);
  await pause(20);
  expect(cursor.commits).toEqual([256]);
  await vi.waitFor(() => expect(cursor.commits).toEqual([256, 300]), { timeout: 1000 });
  pacer.reached(300);
  pacer.reached(301);
  await pacer.stop();
  expect(cursor.commits).toEqual([256, 300, 301]);
});

test('a cursor that cannot move is tried again', async () => {
  const cursor = new MemoryCursor();
  cursor.broken = true;
  const pacer = new CursorPacer(cursor, systemClock, silentLog);
  pacer.reached(256);
  await pause(20);
  expect(cursor.position()).toBe(0);
  cursor.broken = false;
  await pacer.stop();
  expect(cursor.position()).toBe(256);
});
