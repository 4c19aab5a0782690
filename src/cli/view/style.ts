import { styleText } from 'node:util';

export type Colour = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan';
export type Paint = (colour: Colour, text: string) => string;

/** Colours text when `on`, and leaves it alone otherwise. */
export function painter(on: boolean): Paint {
  return on ? (colour, text) => styleText(colour, text, { validateStream: false }) : (_colour, text) => text;
}

interface Mark {
  readonly colour: Colour;
  readonly unicode: string;
  readonly ascii: string;
}

const MARKS: Readonly<Record<string, Mark>> = {
  queued: { colour: 'dim', unicode: '○', ascii: '.' },
  running: { colour: 'cyan', unicode: '▶', ascii: '>' },
  waiting: { colour: 'yellow', unicode: '◷', ascii: '~' },
  retrying: { colour: 'yellow', unicode: '↻', ascii: 'r' },
  paused: { colour: 'yellow', unicode: '‖', ascii: '=' },
  completed: { colour: 'green', unicode: '✓', ascii: '+' },
  failed: { colour: 'red', unicode: '✗', ascii: 'x' },
  cancelled: { colour: 'dim', unicode: '⊘', ascii: '/' },
  skipped: { colour: 'dim', unicode: '–', ascii: '-' },
};
const UNKNOWN: Mark = { colour: 'dim', unicode: '?', ascii: '?' };

/** The one-character mark of a run's or a step's status, not yet coloured. */
export function statusMark(status: string, unicode: boolean): string {
  const mark = MARKS[status] ?? UNKNOWN;
  return unicode ? mark.unicode : mark.ascii;
}

/** The colour that goes with a status. */
export function statusColour(status: string): Colour {
  return (MARKS[status] ?? UNKNOWN).colour;
}
