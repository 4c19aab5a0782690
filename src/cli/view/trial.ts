import type { TrialAnswer } from '#api/contract/workbench.ts';
import type { Json } from '#core/json.ts';
import type { Screen } from './screen.ts';
import { printable } from './text.ts';
import { brief } from './values.ts';

/** A trial on one screen: the steps, what would have been done, and what is not as expected. */
export function printTrial(trial: TrialAnswer, screen: Screen): void {
  for (const step of trial.steps) {
    const depth = step.path.split('/').length - 1;
    screen.parts(
      [
        undefined,
        `${clock(step.started_ms)}  ${'  '.repeat(Math.min(depth, 8))}${screen.mark(step.status)} ${printable(step.id)}`,
      ],
      ['dim', printable(step.type)],
      [undefined, step.error === null ? brief(step.output) : ''],
      ['red', printable(step.error?.message ?? '')],
    );
  }
  screen.line();
  screen.line(
    screen.paint('bold', trial.effects.length === 0 ? 'It would have done nothing.' : 'It would have done:'),
  );
  for (const effect of trial.effects) {
    screen.parts(
      [undefined, `${clock(effect.at_ms)}  ${printable(effect.type)}`],
      ['dim', printable(effect.step)],
      [undefined, brief(effect.fields as Json)],
      ['red', effect.failed ? 'failed' : ''],
    );
  }
  screen.line();
  const output = trial.output === null ? '' : `  ${brief(trial.output)}`;
  screen.line(`${screen.status(trial.status)} after ${clock(trial.took_ms).trim()}${output}`);
  if (trial.error) {
    screen.line(`  ${screen.paint('red', printable(trial.error.message))} (${printable(trial.error.code)})`);
    if (trial.error.hint) screen.line(`  ${screen.paint('cyan', 'hint:')} ${printable(trial.error.hint)}`);
  }
  for (const note of trial.notes) screen.line(`  ${printable(note)}`);
  printDifferences(trial, screen);
}

function printDifferences({ passed, differences }: TrialAnswer, screen: Screen): void {
  if (passed === null) return;
  screen.line(passed ? screen.paint('green', 'As expected.') : screen.paint('red', 'Not as expected:'));
  for (const { path, expected, got } of differences) {
    screen.line(`  ${screen.paint('bold', printable(path))}`);
    if (expected !== undefined) screen.line(screen.paint('red', `    - ${shown(expected)}`));
    if (got !== undefined) screen.line(screen.paint('green', `    + ${shown(got)}`));
  }
}

const shown = (value: unknown): string => printable(JSON.stringify(value) ?? '');

/** Time since the run began: `     2.5s`, `1h00m00s`. */
function clock(ms: number): string {
  const seconds = ms / 1000;
  if (seconds < 60) return `${Number(seconds.toFixed(1))}s`.padStart(9);
  const [hours, minutes, rest] = [
    Math.floor(seconds / 3600),
    Math.floor(seconds / 60) % 60,
    Math.floor(seconds % 60),
  ];
  const two = (number: number): string => String(number).padStart(2, '0');
  return (hours === 0 ? `${minutes}m${two(rest)}s` : `${hours}h${two(minutes)}m${two(rest)}s`).padStart(9);
}
