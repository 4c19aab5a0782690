import Table from 'cli-table3';
import { displayWidth } from './text.ts';

export interface Column {
  readonly title: string;
  readonly align?: 'left' | 'right';
  /** Cells it keeps when the terminal is narrow; absent: it may shrink to 6. */
  readonly min?: number;
  /** Left out before any other column is cut below its `min`; the last such column goes first. */
  readonly optional?: boolean;
}

export interface TableShape {
  readonly columns: readonly Column[];
  /** Already painted; every cell is one line. */
  readonly rows: readonly (readonly string[])[];
  /** Cells per line; absent: as wide as it is (a file, a pipe). */
  readonly width: number | undefined;
  readonly ellipsis: string;
  readonly head: boolean;
}

const GAP = 2;
const LEAST = 6;
const NO_BORDER = Object.fromEntries(
  [
    'top',
    'top-mid',
    'top-left',
    'top-right',
    'bottom',
    'bottom-mid',
    'bottom-left',
    'bottom-right',
    'left',
    'left-mid',
    'mid',
    'mid-mid',
    'right',
    'right-mid',
    'middle',
  ].map((name) => [name, '']),
);

/** A table without borders, one line per row (the head first, if wanted), cut to the width. */
export function tableLines(shape: TableShape): string[] {
  const natural = shape.columns.map((column, index) =>
    Math.max(
      shape.head ? displayWidth(column.title) : 0,
      ...shape.rows.map((row) => displayWidth(row[index] ?? '')),
    ),
  );
  const kept = keepColumns(shape.columns, natural, shape.width);
  const columns = kept.map((index) => shape.columns[index] as Column);
  const widths = narrow(
    columns,
    kept.map((index) => natural[index] as number),
    shape.width,
  );
  const table = new Table({
    chars: NO_BORDER,
    truncate: shape.ellipsis,
    colAligns: columns.map((column) => column.align ?? 'left'),
    colWidths: widths.map((width, index) => width + (index === widths.length - 1 ? 0 : GAP)),
    style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [], compact: true },
  });
  const line = (cells: readonly string[]) =>
    kept.map((from, to) => ({
      content: cells[from] ?? '',
      style: { 'padding-right': to === kept.length - 1 ? 0 : GAP },
    }));
  if (shape.head) table.push(line(shape.columns.map((column) => column.title)));
  for (const row of shape.rows) table.push(line(row));
  if (table.length === 0) return [];
  return table
    .toString()
    .split('\n')
    .map((text) => text.trimEnd());
}

function total(widths: readonly number[]): number {
  return widths.reduce((sum, width) => sum + width, 0) + GAP * Math.max(0, widths.length - 1);
}

function least(column: Column, natural: number): number {
  return Math.min(natural, column.min ?? LEAST);
}

/** The indexes of the columns that stay: optional ones go, last first, while even the least widths do not fit. */
function keepColumns(
  columns: readonly Column[],
  natural: readonly number[],
  width: number | undefined,
): number[] {
  const kept = columns.map((_, index) => index);
  if (width === undefined) return kept;
  const leastWidth = () =>
    total(kept.map((index) => least(columns[index] as Column, natural[index] as number)));
  while (leastWidth() > width) {
    const drop = kept.findLastIndex((index) => columns[index]?.optional === true);
    if (drop < 0) break;
    kept.splice(drop, 1);
  }
  return kept;
}

/** Takes cells from the widest column that can still give, until the line fits. */
function narrow(columns: readonly Column[], natural: readonly number[], width: number | undefined): number[] {
  const widths = [...natural];
  if (width === undefined) return widths;
  for (const floor of [least, () => 1]) {
    while (total(widths) > width) {
      let widest = -1;
      for (const [index, size] of widths.entries()) {
        if (
          size > floor(columns[index] as Column, natural[index] as number) &&
          size > (widths[widest] ?? 0)
        ) {
          widest = index;
        }
      }
      if (widest < 0) break;
      widths[widest] = (widths[widest] as number) - 1;
    }
  }
  return widths;
}
