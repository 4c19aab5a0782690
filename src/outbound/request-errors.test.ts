import { expect, it } from 'vitest';
import { RetryableError } from '#core/errors.ts';
import { requestError } from './request-errors.ts';

const coded = (code: string) => Object.assign(new Error('why'), { code });

it.each([
  ['DEPTH_ZERO_SELF_SIGNED_CERT', 'http.certificate', false],
  ['CERT_HAS_EXPIRED', 'http.certificate', false],
  ['CERT_NOT_YET_VALID', 'http.unreachable', true],
  ['ECONNRESET', 'http.unreachable', true],
])('%s is %s', (code, expected, retryable) => {
  const error = requestError(coded(code), 'a.lan');
  expect(error).toMatchObject({ code: expected, message: expect.stringContaining('a.lan') });
  expect(error instanceof RetryableError).toBe(retryable);
});

it('looks into the errors of several addresses, and takes anything', () => {
  const both = new AggregateError([coded('ECONNREFUSED'), coded('ENETUNREACH')], '');
  expect(requestError(both, 'a.lan')).toMatchObject({ hint: expect.stringContaining('Nothing listens') });
  expect(requestError('odd', 'a.lan')).toMatchObject({ message: 'a.lan cannot be reached: odd' });
});
