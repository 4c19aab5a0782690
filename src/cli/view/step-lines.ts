import type { StepAnswer } from '#api/contract/run.ts';
import type { Screen } from './screen.ts';
import { printable } from './text.ts';
import { clockTime } from './values.ts';

const COLOURS = { info: 'dim', warn: 'yellow', error: 'red' } as const;

/** What a step logged, a line each: `09:15:02 warn the valve is slow  valve=3`. */
export function stepLines(step: StepAnswer, indent: string, screen: Screen): string[] {
  return (step.logs ?? []).map(({ at, level, message, fields }) => {
    const facts = Object.entries(fields ?? {}).map(([name, value]) => `${name}=${value}`);
    const text = [clockTime(at), level, printable(message), printable(facts.join(' '))]
      .filter(Boolean)
      .join(' ');
    return indent + screen.paint(COLOURS[level], screen.fitted(text, indent.length));
  });
}
