import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Concealed } from './concealed.ts';

const concealed = (...texts: string[]): Concealed => {
  const kept = new Concealed();
  kept.add('key', texts);
  return kept;
};
const SECRET = 'p@ss "word"/ä+1';

describe('forms', () => {
  test.each([
    ['as it is', SECRET],
    ['in JSON', JSON.stringify({ a: SECRET })],
    ['in a URL', `https://h/?k=${encodeURIComponent(SECRET)}`],
    ['in a URL, lower case', `https://h/?k=${encodeURIComponent(SECRET).toLowerCase()}`],
    ['in a form', new URLSearchParams({ k: SECRET }).toString()],
    ['in base64', Buffer.from(SECRET).toString('base64')],
    ['in base64url', Buffer.from(SECRET).toString('base64url')],
  ])('%s', (_how, text) => {
    const clean = concealed(SECRET).text(text);
    expect(clean).toContain('[secret key]');
    expect(clean).not.toMatch(/p@ss|p%40ss|cEBzcy/i);
  });

  test('base64 at any alignment, whatever stands around it', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 9 }), fc.string({ maxLength: 9 }), (before, after) => {
        const whole = Buffer.from(`${before}${SECRET}${after}`).toString('base64');
        const clean = concealed(SECRET).text(whole);
        const rest = Buffer.from(clean.replace('[secret key]', ''), 'base64').toString('latin1');
        expect(rest).not.toContain('word');
      }),
    );
  });

  test('a text of many lines, each of them and as one', () => {
    const pem = '-----BEGIN KEY-----\nMIIEvQIBADANBgkq\nhkiG9w0BAQEFAASC\n-----END KEY-----\n';
    const kept = concealed(pem);
    expect(kept.text('got hkiG9w0BAQEFAASC')).toBe('got [secret key]');
    expect(kept.text(pem.replaceAll('\n', ' '))).not.toContain('MIIEvQ');
  });

  test('too short to be looked for', () => {
    expect(concealed('abc').text('abc')).toBe('abc');
  });
});

describe('values', () => {
  test('texts, keys and whole numbers of them; the rest stays the very same', () => {
    const kept = concealed('1234', 'token-text');
    const value = { 'token-text': [1234, 'a token-text', 12345, null, true], other: { a: 1 } };
    expect(kept.json(value)).toEqual({
      '[secret key]': ['[secret key]', 'a [secret key]', 12345, null, true],
      other: { a: 1 },
    });
    const clean = { a: ['b', 1, { c: null }] };
    expect(kept.json(clean)).toBe(clean);
  });

  test('one that contains another, and several names', () => {
    const kept = concealed('abcdef');
    kept.add('longer', ['abcdefgh']);
    expect(kept.text('abcdefgh abcdef')).toBe('[secret longer] [secret key]');
  });

  test('no text of a secret is left in any value', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 4, maxLength: 20 }), fc.jsonValue(), (secret, value) => {
        fc.pre(!'[secret key]'.includes(secret));
        const seen = JSON.stringify(
          concealed(secret).json([value, { [`x${secret}y`]: `${secret}!` }] as never),
        );
        expect(JSON.parse(seen).at(-1)).not.toHaveProperty(`x${secret}y`);
        expect(Object.values(JSON.parse(seen).at(-1)).join()).not.toContain(secret);
      }),
    );
  });
});

describe('errors', () => {
  test('message, hint and more; the code stays', () => {
    const record = {
      code: 'http.status',
      message: 'no: token-text',
      hint: 'token-text?',
      retryable: true,
      x: 'token-text',
      n: 5,
    };
    expect(concealed('token-text').error(record)).toEqual({
      ...{ code: 'http.status', retryable: true, n: 5 },
      ...{ message: 'no: [secret key]', hint: '[secret key]?', x: '[secret key]' },
    });
  });

  test('an excerpt that was cut in the middle of a secret', () => {
    const kept = concealed('a-very-long-token');
    expect(kept.excerpt('answered 401: you sent a-very-lo…')).toBe('answered 401: you sent [secret key]…');
    expect(kept.excerpt('you sent a-very-lo')).toBe('you sent [secret key]');
    expect(kept.excerpt('you sent a-very')).toBe('you sent [secret key]');
    expect(kept.excerpt('nothing of it')).toBe('nothing of it');
  });
});
