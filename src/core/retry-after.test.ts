import { expect, it } from 'vitest';
import { parseRetryAfter } from './retry-after.ts';

const NOW = Date.parse('Wed, 21 Oct 2026 07:28:00 GMT');

it.each([
  ['120', 120_000],
  [' 0 ', 0],
  ['9999999999', 86_400_000],
  ['Wed, 21 Oct 2026 07:28:30 GMT', 30_000],
  ['Wed, 21 Oct 2026 07:27:00 GMT', 0],
  ['Wed, 99 Oct 2026 07:27:00 GMT', undefined],
  ['1.5', undefined],
  ['-3', undefined],
  ['soon', undefined],
  [undefined, undefined],
])('reads Retry-After %s', (text, expected) => {
  expect(parseRetryAfter(text, NOW)).toBe(expected);
});
