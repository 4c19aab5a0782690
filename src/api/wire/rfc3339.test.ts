import fc from 'fast-check';
import { expect, test } from 'vitest';
import { rfc3339, rfc3339OrNull } from './rfc3339.ts';

test('the same text as a Date gives, in any order of times', () => {
  const time = fc.integer({ min: -62_135_596_800_000, max: 253_402_300_799_999 });
  fc.assert(
    fc.property(fc.array(time, { minLength: 1 }), (times) => {
      for (const ms of times) expect(rfc3339(ms)).toBe(new Date(ms).toISOString());
    }),
  );
  expect(rfc3339(1_795_168_245_381.7)).toBe('2026-11-20T09:50:45.381Z');
  expect(rfc3339OrNull(null)).toBeNull();
});
