import { expect, test } from 'vitest';
import { systemClock } from '#core/clock.ts';
import { Bell } from './bell.ts';

const never = new AbortController().signal;

test('a ring before or while somebody listens is heard once', async () => {
  const bell = new Bell(systemClock);
  bell.ring();
  bell.ring();
  await bell.heard(60_000, never);
  const heard = bell.heard(60_000, never);
  bell.ring();
  await heard;
  const start = performance.now();
  await bell.heard(30, never);
  expect(performance.now() - start).toBeGreaterThanOrEqual(25);
});

test('a failure and an abort end the listening with their reason', async () => {
  const bell = new Bell(systemClock);
  await expect(bell.heard(60_000, AbortSignal.abort(new Error('enough')))).rejects.toThrow('enough');
  const heard = bell.heard(60_000, never);
  bell.fail(new Error('the token was revoked'));
  await expect(heard).rejects.toThrow('revoked');
  await expect(bell.heard(60_000, never)).rejects.toThrow('revoked');
});
