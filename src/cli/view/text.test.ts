import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cut, displayWidth, printable, wrap } from './text.ts';

describe('displayWidth', () => {
  test.each([
    ['abc', 3],
    ['日本', 4],
    ['e\u0301', 1],
    ['🌡️', 1],
    ['🚰', 2],
    ['\u001b[31mred\u001b[39m', 3],
  ])('%j takes %i cells', (text, width) => {
    expect(displayWidth(text)).toBe(width);
  });
});

describe('cut', () => {
  test.each([
    ['greenhouse', 10, 'greenhouse'],
    ['greenhouse', 6, 'green…'],
    ['日本語', 4, '日…'],
    ['abc', 1, '…'],
    ['abc', 0, ''],
  ])('%j to %i is %j', (text, width, expected) => {
    expect(cut(text, width)).toBe(expected);
  });

  test('never exceeds the width', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme' }),
        fc.nat(40),
        fc.constantFrom('…', '...'),
        (text, width, mark) => {
          expect(displayWidth(cut(printable(text), width, mark))).toBeLessThanOrEqual(width);
        },
      ),
    );
  });
});

describe('printable', () => {
  test('is one line without anything that drives a terminal', () => {
    expect(printable(' a\r\n\tb\u001b]0;title\u0007\u202ec\u0000 ')).toBe(
      'a b\ufffd]0;title\ufffd\ufffdc\ufffd',
    );
  });
});

describe('wrap', () => {
  test('breaks at spaces, and leaves a word whole that is wider than the line', () => {
    expect(wrap('the fan does not answer', 8)).toEqual(['the fan', 'does not', 'answer']);
    expect(wrap('a verylongword b', 5)).toEqual(['a', 'verylongword', 'b']);
    expect(wrap('', 5)).toEqual(['']);
  });
});
