import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Column, tableLines } from './table.ts';
import { displayWidth } from './text.ts';

const COLUMNS: readonly Column[] = [
  { title: 'ID', min: 10 },
  { title: 'COUNT', align: 'right', min: 5 },
  { title: 'NOTE', optional: true, min: 8 },
];
const ROWS = [
  ['0123456789abcdef', '7', 'a note that goes on and on'],
  ['short', '1234', ''],
];

function lines(width: number | undefined, rows: readonly (readonly string[])[] = ROWS): string[] {
  return tableLines({ columns: COLUMNS, rows, width, ellipsis: '…', head: true });
}

describe('tableLines', () => {
  test('is as wide as it is without a terminal, without borders and trailing spaces', () => {
    expect(lines(undefined)).toEqual([
      'ID                COUNT  NOTE',
      '0123456789abcdef      7  a note that goes on and on',
      'short              1234',
    ]);
  });

  test('takes cells from the widest column first', () => {
    expect(lines(40)).toEqual([
      'ID               COUNT  NOTE',
      '0123456789abcd…      7  a note that goe…',
      'short             1234',
    ]);
  });

  test('leaves an optional column out before it cuts below the least widths', () => {
    expect(lines(20)).toEqual(['ID             COUNT', '0123456789ab…      7', 'short           1234']);
  });

  test('cuts everything when nothing else is left', () => {
    expect(lines(9)).toHaveLength(3);
  });

  test('colours survive a cut and count for nothing', () => {
    const [, row] = lines(20, [['\u001b[32m0123456789abcdef\u001b[39m', '7', '']]);
    expect(row).toContain('\u001b[32m');
    expect(displayWidth(row ?? '')).toBe(20);
    expect(row).toContain('\u001b[39m');
  });

  test('has one line per row and never exceeds a width in which it can stand', () => {
    const cell = fc.string({ unit: 'grapheme-ascii', maxLength: 60 });
    fc.assert(
      fc.property(
        fc.array(fc.tuple(cell, cell, cell), { minLength: 1, maxLength: 5 }),
        fc.integer({ min: 9, max: 200 }),
        (rows, width) => {
          const found = lines(width, rows);
          expect(found).toHaveLength(rows.length + 1);
          for (const line of found) expect(displayWidth(line)).toBeLessThanOrEqual(width);
        },
      ),
      { numRuns: 200 },
    );
  });

  test('nothing gives no lines', () => {
    expect(tableLines({ columns: COLUMNS, rows: [], width: 80, ellipsis: '…', head: false })).toEqual([]);
  });
});
