import { expect, it } from 'vitest';
import { hostIsLiteral } from './literal-host.ts';

it.each<[unknown, string, boolean]>([
  ['http://192.168.1.20:8080/x', 'http://192.168.1.20:8080/x', true],
  ['HTTP://Pi.lan', 'http://pi.lan/', true],
  ['http://pi.lan/{{ input.path }}', 'http://pi.lan/a', true],
  ['http://pi.lan?q={{ input.q }}', 'http://pi.lan?q=1', true],
  ['http://pi.lan/{{ input.path }}', 'http://pi.lan/../../b', true],
  ['{{ input.url }}', 'http://pi.lan/', false],
  ['http://{{ input.host }}/', 'http://pi.lan/', false],
  ['http://pi{{ input.rest }}', 'http://pi.evil.example/', false],
  ['http://pi.lan{{ input.rest }}', 'http://pi.lan@evil.example/', false],
  ['http://pi.lan:80{{ input.rest }}', 'http://pi.lan:8000/', false],
  ['http://user:{{ input.password }}@pi.lan/', 'http://user:x@pi.lan/', false],
  ['{{ input.scheme }}://pi.lan/', 'http://pi.lan/', false],
  ['ftp://pi.lan/', 'http://pi.lan/', false],
  ['http://a b/', 'http://a/', false],
  ['http://pi.lan/', 'http://other.lan/', false],
  ['http://pi.lan/', 'nonsense', false],
  [3, 'http://pi.lan/', false],
])('%s leading to %s: %s', (written, evaluated, expected) => {
  expect(hostIsLiteral(written, evaluated)).toBe(expected);
});
