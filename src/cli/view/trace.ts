import type { RunAnswer, StepAnswer } from '#api/contract/run.ts';
import { isJsonObject, type Json } from '#core/json.ts';
import type { Screen } from './screen.ts';
import { stepLines } from './step-lines.ts';
import { type StepNode, stepTree } from './step-tree.ts';
import { printable, wrap } from './text.ts';
import { ago, brief, localTime, took } from './values.ts';

interface Row {
  readonly cells: readonly string[];
  /** Whole lines below the row: an error and its hint are never cut. */
  readonly below: readonly string[];
}

const COLUMNS = [
  { title: '', min: 14 },
  { title: '', min: 8, optional: true },
  { title: '', min: 6, align: 'right' },
  { title: '', min: 7, optional: true },
  { title: '', min: 10 },
] as const;

/** A run on one screen: what it is, its steps as a tree, what came out. `all` shows every round of long loops. */
export function printTrace(run: RunAnswer, screen: Screen, now: number, all: boolean): void {
  screen.line(
    `${screen.status(run.status)}  ${screen.paint('bold', printable(run.workflow))} version ${run.version}  ${run.id}`,
  );
  screen.fields([
    [
      '  began',
      run.started_at === null ? `not yet; asked for ${ago(run.created_at, now)}` : beganText(run, now),
    ],
    ['  by', [printable(run.actor), brief(run.trigger.type as string)].filter(Boolean).join(', ')],
    ['  input', run.input === null ? undefined : brief(run.input)],
  ]);
  screen.line();
  printSteps(run, screen, now, all);
  if (run.output !== null) {
    screen.line();
    screen.fields([['output', outputText(run.output)]]);
  }
  printRunError(run, screen);
  const verbs = run.verbs.filter((verb) => verb !== 'signal');
  if (verbs.length > 0) {
    screen.line();
    screen.line(
      screen.paint('dim', `You may now: ${verbs.map((verb) => `chainbot runs ${verb}`).join(', ')}`),
    );
  }
}

function beganText(run: RunAnswer, now: number): string {
  const began = `${localTime(run.started_at)} (${ago(run.started_at, now)})`;
  return `${began}, took ${took(run.started_at, run.ended_at, now)}`;
}

function printSteps(run: RunAnswer, screen: Screen, now: number, all: boolean): void {
  if (run.steps.length === 0) {
    screen.line(screen.paint('dim', '  no step has begun'));
    return;
  }
  const rows = [...nodeRows(stepTree(run.steps, all), 1, screen, now)];
  const lines = screen.rows(
    COLUMNS,
    rows.map((row) => row.cells),
    false,
  );
  for (const [index, row] of rows.entries()) {
    screen.line(lines[index] ?? '');
    for (const line of row.below) screen.line(line);
  }
}

function* nodeRows(nodes: readonly StepNode[], depth: number, screen: Screen, now: number): Generator<Row> {
  const indent = '  '.repeat(depth);
  for (const node of nodes) {
    if (node.kind === 'folded') {
      const text = `${screen.ellipsis} ${node.count} more rounds, all completed (--all)`;
      yield { cells: [], below: [indent + screen.paint('dim', text)] };
    } else if (node.step === undefined) {
      yield { cells: [`${indent}${screen.paint('dim', printable(node.name))}`], below: [] };
      yield* nodeRows(node.children, depth + 1, screen, now);
    } else {
      yield stepRow(node.step, node.name, node.children.length === 0, indent, screen, now);
      yield* nodeRows(node.children, depth + 1, screen, now);
    }
  }
}

function stepRow(
  step: StepAnswer,
  name: string,
  leaf: boolean,
  indent: string,
  screen: Screen,
  now: number,
): Row {
  const mark = screen.paintStatus(step.status, screen.mark(step.status));
  const ended = step.status === 'skipped' ? '' : took(step.started_at, step.ended_at, now);
  const tries = step.attempts > 1 ? `${step.attempts} tries` : '';
  const output = leaf ? outputText(step.output) : '';
  return {
    cells: [
      `${indent}${mark} ${printable(name)}`,
      screen.paint('dim', printable(step.type)),
      ended,
      tries,
      step.status === 'completed' ? output : screen.paintStatus(step.status, output || step.status),
    ],
    below: [
      ...stepLines(step, `${indent}    `, screen),
      ...(step.error === null ? [] : errorLines(step.error, `${indent}  `, screen)),
    ],
  };
}

/** One that is in a file is named by its size. */
function outputText(output: Json): string {
  if (!isJsonObject(output) || typeof output.$file !== 'string') return brief(output);
  return `${Math.ceil(Number(output.bytes) / 1024)} KiB: chainbot runs output`;
}

function printRunError(run: RunAnswer, screen: Screen): void {
  const { error } = run;
  if (error === null || run.steps.some((step) => step.error?.message === error.message)) return;
  screen.line();
  for (const line of errorLines(error, '', screen)) screen.line(line);
}

/** An error record in full: `code: message`, then the hint, wrapped to the terminal. */
export function errorLines(error: RunAnswer['error'] & object, indent: string, screen: Screen): string[] {
  const room = Math.max(20, (screen.width ?? 1000) - indent.length);
  const hint = error.hint === undefined ? [] : wrap(`hint: ${printable(error.hint)}`, room);
  return [
    ...wrap(printable(`${error.code}: ${error.message}`), room).map((line) => screen.paint('red', line)),
    ...hint.map((line) => screen.paint('cyan', line)),
  ].map((line) => indent + line);
}
