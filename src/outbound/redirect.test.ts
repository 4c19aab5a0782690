import { expect, it } from 'vitest';
import { redirectOf } from './redirect.ts';

const hop = (method: string, url = 'http://a.lan/x') => ({ method, url: new URL(url), body: 'b' });
const answer = (status: number, location?: string) => ({
  status,
  headers: location === undefined ? {} : { location },
  body: new Uint8Array(),
});

it.each<[string, number, string | undefined, string | undefined]>([
  ['GET', 302, '/y', 'GET http://a.lan/y'],
  ['HEAD', 301, 'http://a.lan/y', 'HEAD http://a.lan/y'],
  ['POST', 302, '/y', undefined],
  ['POST', 303, '/y', 'GET http://a.lan/y'],
  ['HEAD', 303, '/y', 'HEAD http://a.lan/y'],
  ['POST', 307, '/y', 'POST http://a.lan/y'],
  ['PUT', 308, '/y', 'PUT http://a.lan/y'],
  ['GET', 302, 'https://a.lan/y', 'GET https://a.lan/y'],
  ['GET', 302, 'https://a.lan:8443/y', undefined],
  ['GET', 302, 'http://a.lan:81/y', undefined],
  ['GET', 302, 'http://b.lan/y', undefined],
  ['GET', 302, '//b.lan/y', undefined],
  ['GET', 302, 'http://[', undefined],
  ['GET', 302, undefined, undefined],
  ['GET', 200, '/y', undefined],
])('%s answered with %s to %s goes to %s', (method, status, location, expected) => {
  const next = redirectOf(hop(method), answer(status, location));
  expect(next && `${next.method} ${next.url.href}`).toBe(expected);
});

it('keeps the body only where the method is kept', () => {
  expect(redirectOf(hop('POST'), answer(307, '/y'))?.body).toBe('b');
  expect(redirectOf(hop('POST'), answer(303, '/y'))?.body).toBeUndefined();
  expect(redirectOf(hop('GET', 'https://a.lan/'), answer(302, 'http://a.lan/'))).toBeUndefined();
});
