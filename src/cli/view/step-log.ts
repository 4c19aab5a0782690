import type { RunAnswer, StepAnswer } from '#api/contract/run.ts';
import type { Clock } from '#core/clock.ts';
import type { Progress } from './progress.ts';
import type { Screen } from './screen.ts';
import { statusColour } from './style.ts';
import { printable } from './text.ts';
import { brief, clockTime, timeMs, took } from './values.ts';

interface Seen {
  readonly status: string;
  readonly failures: number;
}

interface Line {
  readonly at: number;
  readonly status: string;
  /** The path first. */
  readonly parts: readonly string[];
}

const LEAST_PATH = 24;
const MOST_PATH = 48;
/** The path's column grows by so much at once, so that it does not move with every longer path. */
const PATH_STEP = 8;
const TYPE_WIDTH = 12;
const TOOK_WIDTH = 9;

/** Prints what is new in a run each time it is shown: a line for each step that failed a try, waits or ended. */
export class StepLog {
  readonly #screen: Screen;
  readonly #progress: Progress;
  readonly #clock: Clock;
  readonly #seen = new Map<string, Seen>();
  #runStatus: string | undefined;
  #pathWidth = LEAST_PATH;

  constructor(screen: Screen, progress: Progress, clock: Clock) {
    this.#screen = screen;
    this.#progress = progress;
    this.#clock = clock;
  }

  show(run: RunAnswer): void {
    this.#widen(run.steps);
    const lines = endOrder(run.steps)
      .flatMap((step) => this.#news(step))
      .sort((a, b) => a.at - b.at);
    if (run.status === 'paused' && this.#runStatus !== 'paused') {
      lines.push({ at: this.#clock.now(), status: 'paused', parts: ['paused'] });
    }
    this.#runStatus = run.status;
    if (lines.length > 0) this.#progress.hide();
    for (const line of lines) this.#print(line);
    const under = run.steps.filter((step) => step.status === 'running' || step.status === 'waiting').at(-1);
    this.#progress.show(under ? `${printable(under.path)} ${under.status}` : `${run.workflow} ${run.status}`);
  }

  #print({ at, status, parts }: Line): void {
    const screen = this.#screen;
    const [path = '', ...rest] = parts;
    screen.parts(
      ['dim', clockTime(at)],
      [statusColour(status), screen.mark(status)],
      [undefined, path],
      ...rest.map((text) => [undefined, text] as const),
    );
  }

  #news(step: StepAnswer): Line[] {
    const before = this.#seen.get(step.path);
    const failures = step.history.length;
    if (before?.status === step.status && before.failures === failures) return [];
    this.#seen.set(step.path, { status: step.status, failures });
    const path = this.#column(step.path);
    const tries = step.history.slice(before?.failures ?? 0).map(({ attempt, at, error }) => ({
      at: timeMs(at) ?? 0,
      status: 'retrying',
      parts: [path, `try ${attempt} failed: ${printable(`${error.code}: ${error.message}`)}`],
    }));
    return before?.status === step.status ? tries : [...tries, ...this.#change(step, path)];
  }

  #change(step: StepAnswer, path: string): Line[] {
    if (step.status === 'running') return [];
    const at = timeMs(step.ended_at) ?? timeMs(step.started_at) ?? 0;
    const result =
      step.error === null ? brief(step.output) : printable(`${step.error.code}: ${step.error.message}`);
    const duration = step.ended_at === null ? '' : took(step.started_at, step.ended_at, at);
    const quiet = step.status === 'skipped' || step.status === 'waiting';
    const said = (quiet ? step.status : duration).padEnd(TOOK_WIDTH);
    const parts = [
      path,
      printable(step.type).padEnd(TYPE_WIDTH),
      result === '' ? said.trimEnd() : said,
      result,
    ];
    return [{ at, status: step.status, parts }];
  }

  /** Paths line up with all that have been seen. */
  #widen(steps: readonly StepAnswer[]): void {
    const longest = steps.reduce((most, step) => Math.max(most, printable(step.path).length), 0);
    if (longest <= this.#pathWidth) return;
    this.#pathWidth = Math.min(MOST_PATH, Math.ceil(longest / PATH_STEP) * PATH_STEP);
  }

  #column(path: string): string {
    return printable(path).padEnd(this.#pathWidth);
  }
}

/** Steps in the order in which those that end at the same instant end: what lies in a step before the step itself. */
function endOrder(steps: readonly StepAnswer[]): StepAnswer[] {
  const places = new Map<string, number>();
  for (const { path } of steps)
    for (const prefix of prefixes(path)) if (!places.has(prefix)) places.set(prefix, places.size);
  const place = (path: string): number => places.get(path) ?? 0;
  return steps.toSorted((a, b) => {
    const [left, right] = [prefixes(a.path), prefixes(b.path)];
    const apart = left.findIndex((prefix, index) => prefix !== right[index]);
    if (apart < 0 || right[apart] === undefined) return right.length - left.length;
    return place(left[apart] as string) - place(right[apart]);
  });
}

/** `each`, `each/2`, `each/2/tell`. */
function prefixes(path: string): string[] {
  const parts = path.split('/');
  return parts.map((_, index) => parts.slice(0, index + 1).join('/'));
}
