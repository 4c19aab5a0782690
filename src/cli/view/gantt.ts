import type { RunAnswer, StepAnswer } from '#api/contract/run.ts';
import { formatDuration } from '#core/duration.ts';
import type { Screen } from './screen.ts';
import { type StepNode, stepTree } from './step-tree.ts';
import { cut, displayWidth, printable } from './text.ts';
import { timeMs, took } from './values.ts';

/** Cells of the line when the output is no terminal. */
const FILE_WIDTH = 100;
const LEAST_BAR = 10;
const MOST_NAME = 40;
const TOOK_WIDTH = 11;

interface Row {
  readonly name: string;
  readonly step: StepAnswer | undefined;
  readonly leaf: boolean;
}

interface Span {
  readonly from: number;
  readonly to: number;
}

/** What a bar is drawn with. */
interface Marks {
  readonly work: string;
  readonly wait: string;
  readonly around: string;
  readonly failed: string;
  readonly instant: string;
}

const UNICODE: Marks = { work: '█', wait: '░', around: '─', failed: '✗', instant: '▏' };
const ASCII: Marks = { work: '#', wait: '.', around: '-', failed: 'x', instant: '|' };
/** Types that do nothing but wait. */
const WAITS: ReadonlySet<string> = new Set(['wait', 'approval']);

/** A run's steps over time: what took how long, beside what, with each failed attempt and each wait. */
export function printGantt(run: RunAnswer, screen: Screen, now: number, all: boolean): void {
  const title = `${screen.status(run.status)}  ${screen.paint('bold', printable(run.workflow))} version ${run.version}  ${run.id}`;
  screen.line(title);
  const rows = [...rowsOf(stepTree(run.steps, all), 0, screen.ellipsis)];
  if (rows.length === 0) {
    screen.line(screen.paint('dim', '  no step has begun'));
    return;
  }
  const span = spanOf(run, now);
  const width = screen.width ?? FILE_WIDTH;
  const longest = rows.reduce((most, { name }) => Math.max(most, displayWidth(name)), 0);
  const room = Math.max(6, Math.min(MOST_NAME, longest, width - TOOK_WIDTH - LEAST_BAR - 2));
  const cells = Math.max(LEAST_BAR, width - room - TOOK_WIDTH - 2);
  screen.line(screen.paint('dim', `${' '.repeat(room + 1)}${scale(span, cells)}`));
  for (const row of rows) screen.line(rowLine(row, { span, cells, room, now }, screen));
}

interface Grid {
  readonly span: Span;
  readonly cells: number;
  readonly room: number;
  readonly now: number;
}

function rowLine({ name, step, leaf }: Row, { span, cells, room, now }: Grid, screen: Screen): string {
  const short = cut(name, room, screen.ellipsis);
  const label = short + ' '.repeat(Math.max(0, room - displayWidth(short)));
  if (!step) return screen.paint('dim', label).trimEnd();
  const marks = screen.mark('completed') === '✓' ? UNICODE : ASCII;
  const bar = barOf(step, leaf, span, cells, now, marks);
  const time = step.status === 'skipped' ? 'skipped' : took(step.started_at, step.ended_at, now);
  return `${label} ${screen.paintStatus(step.status, bar.padEnd(cells))} ${time.padStart(TOOK_WIDTH)}`;
}

function barOf(
  step: StepAnswer,
  leaf: boolean,
  span: Span,
  cells: number,
  now: number,
  marks: Marks,
): string {
  if (step.status === 'skipped') return '';
  const cellOf = (at: number): number => {
    const share = (at - span.from) / Math.max(1, span.to - span.from);
    return Math.max(0, Math.min(cells - 1, Math.floor(share * cells)));
  };
  const begin = timeMs(step.started_at) ?? span.from;
  const end = timeMs(step.ended_at) ?? now;
  const [first, last] = [cellOf(begin), Math.max(cellOf(begin), cellOf(end))];
  const fill = !leaf ? marks.around : WAITS.has(step.type) ? marks.wait : marks.work;
  const isInstant = leaf && end - begin < (span.to - span.from) / cells / 2;
  const bar = Array.from({ length: last + 1 }, (_, cell) => (cell < first ? ' ' : fill));
  if (isInstant) bar[first] = marks.instant;
  for (const { at } of step.history) bar[cellOf(timeMs(at) ?? begin)] = marks.failed;
  if (step.status === 'failed') bar[last] = marks.failed;
  return bar.join('');
}

function spanOf(run: RunAnswer, now: number): Span {
  const from = timeMs(run.started_at ?? run.created_at) ?? now;
  const ends = run.steps.map((step) => timeMs(step.ended_at) ?? now);
  const to = timeMs(run.ended_at) ?? now;
  // A fork has steps from before it began.
  const begins = run.steps.map((step) => timeMs(step.started_at) ?? from);
  return {
    from: begins.reduce((a, b) => Math.min(a, b), from),
    to: ends.reduce((a, b) => Math.max(a, b), to),
  };
}

/** `0 s`, the middle and the end, at their places. */
function scale({ from, to }: Span, cells: number): string {
  const whole = formatDuration(to - from);
  const half = formatDuration((to - from) / 2);
  const middle = Math.floor(cells / 2);
  if (cells < 30) return `0${whole.padStart(cells - 1)}`;
  return `0${' '.repeat(middle - 1)}${half}${whole.padStart(cells - middle - half.length)}`;
}

function* rowsOf(nodes: readonly StepNode[], depth: number, ellipsis: string): Generator<Row> {
  const indent = '  '.repeat(depth);
  for (const node of nodes) {
    if (node.kind === 'folded') {
      yield { name: `${indent}${ellipsis} ${node.count} more`, step: undefined, leaf: true };
      continue;
    }
    const { name, step, children } = node;
    yield { name: `${indent}${printable(name)}`, step, leaf: children.length === 0 };
    yield* rowsOf(children, depth + 1, ellipsis);
  }
}
