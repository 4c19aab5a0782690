import { expect, it } from 'vitest';
import { bareAddress } from './mail-address.ts';

it.each([
  ['ann@example.org', 'ann@example.org'],
  [' Ann <ann@example.org> ', 'ann@example.org'],
  ['<ann+pi@example.org>', 'ann+pi@example.org'],
  ['"Ann B." <ann@example.org>', 'ann@example.org'],
  ['jürg@bücher.example', 'jürg@bücher.example'],
])('%j is %s', (text, bare) => expect(bareAddress(text)).toBe(bare));

it.each([
  '',
  'ann',
  '@example.org',
  'ann@',
  'a@b@c',
  'ann@example.org, bob@example.org',
  'Ann ann@example.org',
  'Ann <ann@example.org',
  'ann@example.org>',
  'ann@example.org\r\nBcc: eve@example.org',
  'Ann\n<ann@example.org>',
  `${'a'.repeat(65)}@example.org`,
  `${' '.repeat(500)}x`,
])('%j is no address', (text) => expect(bareAddress(text)).toBeUndefined());
