import { describe, expect, test } from 'vitest';
import type { SecretKind } from './port.ts';
import { allowsHost, checkKind, hiddenTexts, readKind, requestParts } from './secret-kind.ts';

const hosts = ['api.example.org'];

describe('hosts', () => {
  test.each([
    ['api.example.org', 'https://api.example.org/x', true],
    ['API.example.org', 'http://api.EXAMPLE.org:8080', true],
    ['api.example.org', 'https://example.org', false],
    ['api.example.org', 'https://api.example.org.evil.net', false],
    ['api.example.org', 'https://evil.net/api.example.org', false],
    ['api.example.org', 'https://api.example.org@evil.net', false],
    ['*.example.org', 'https://a.b.example.org', true],
    ['*.example.org', 'https://example.org', false],
    ['*.example.org', 'https://badexample.org', false],
    ['https://api.example.org', 'http://api.example.org', false],
    ['https://api.example.org', 'https://api.example.org:8443', true],
    ['api.example.org:8443', 'https://api.example.org:8443', true],
    ['api.example.org:8443', 'https://api.example.org', false],
    ['api.example.org:443', 'https://api.example.org', true],
    ['192.168.1.20', 'http://192.168.1.20/rpc', true],
    ['[::1]:80', 'http://[::1]/', true],
  ])('%s allows %s: %s', (host, url, allowed) => {
    expect(allowsHost([host], new URL(url))).toBe(allowed);
  });

  test('of several, one is enough; a stored text that is no host allows nothing', () => {
    expect(allowsHost(['a.org', 'b.org'], new URL('http://b.org'))).toBe(true);
    expect(allowsHost(['*', 'a/b', '*.1.2.3'], new URL('http://a'))).toBe(false);
  });
});

test.each([
  { type: 'bearer', hosts: [] },
  { type: 'bearer', hosts: ['*'] },
  { type: 'bearer', hosts: ['a.org/path'] },
  { type: 'bearer', hosts: ['a.org:70000'] },
  { type: 'bearer', hosts: ['ftp://a.org'] },
  { type: 'bearer', hosts: ['*.192.168.1.20'] },
  { type: 'bearer', hosts: Array.from({ length: 51 }, () => 'a.org') },
  { type: 'basic', username: 'a:b', hosts },
  { type: 'basic', username: 'a\nb', hosts },
  { type: 'header', header: 'Content-Length', hosts },
  { type: 'header', header: 'a b', hosts },
  { type: 'query', parameter: 'a&b', hosts },
] as SecretKind[])('%j is no kind', (kind) => {
  expect(() => checkKind(kind)).toThrow(expect.objectContaining({ code: 'secret.kind_invalid' }));
});

test.each([
  [{ type: 'bearer', hosts }, { authorization: 'Bearer s3cret' }, {}],
  [{ type: 'basic', username: 'ada', hosts }, { authorization: 'Basic YWRhOnMzY3JldA==' }, {}],
  [{ type: 'header', header: 'X-Api-Key', hosts }, { 'x-api-key': 's3cret' }, {}],
  [{ type: 'query', parameter: 'appid', hosts }, {}, { appid: 's3cret' }],
] as [Exclude<SecretKind, { type: 'text' }>, object, object][])('%j', (kind, headers, query) => {
  checkKind(kind);
  expect(requestParts(kind, 's3cret')).toEqual({ headers, query });
  expect(hiddenTexts(kind, 's3cret')[0]).toBe('s3cret');
  expect(readKind(JSON.stringify(kind))).toEqual(kind);
});

test('what is stored and no kind is none', () => {
  for (const text of ['', '{}', '{"type":"bearer"}', '{"type":"basic","hosts":["a"]}', '[]']) {
    expect(readKind(text)).toBeUndefined();
  }
});
