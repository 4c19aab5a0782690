import { BoundExceeded } from './failure.ts';
import type { Scope } from './scope.ts';
import type { Value } from './value.ts';

/** Units of work in one evaluation: about one per step of a `map`, per node in its body, per element looked at. */
export const MOST_WORK = 1_000_000;
/** Characters of text made in one evaluation, intermediate results included. */
export const MOST_TEXT = 4 * 1024 * 1024;
/** Characters of JSON in the result of one evaluation. */
export const MOST_RESULT = 1024 * 1024;

/**
 * What one evaluation carries: the scope, the variables of `map` and the like, the time, and how much work
 * it may still do. An expression is bounded by this and by nothing else: there is no other way to repeat.
 */
export class Frame {
  readonly scope: Scope;
  /** Variables of comprehensions, by the slot the planner gave them. */
  readonly slots: unknown[] = [];
  readonly #clock: { now(): number };
  #now: number | undefined;
  #work = MOST_WORK;
  #text = MOST_TEXT;
  #result = MOST_RESULT;

  constructor(scope: Scope, clock: { now(): number }) {
    this.scope = scope;
    this.#clock = clock;
  }

  /** Unix milliseconds; the same for the whole evaluation. */
  now(): number {
    this.#now ??= this.#clock.now();
    return this.#now;
  }

  /** @throws BoundExceeded */
  charge(units: number): void {
    this.#work -= units;
    if (this.#work >= 0) return;
    throw new BoundExceeded(
      'this is more work than one expression may do',
      'Make the lists smaller, nest map and filter less, or use a loop step.',
    );
  }

  /** Counts text before it is made. @throws BoundExceeded */
  chargeText(characters: number): void {
    this.#text -= characters;
    if (this.#text >= 0) return;
    throw new BoundExceeded(
      `this makes more than ${MOST_TEXT / 1024 / 1024} MiB of text`,
      'Build shorter texts, or fewer of them.',
    );
  }

  /** Counts JSON that leaves the expression. @throws BoundExceeded */
  chargeResult(characters: number): void {
    this.#result -= characters;
    if (this.#result >= 0) return;
    throw new BoundExceeded(
      `the result is larger than ${MOST_RESULT / 1024 / 1024} MiB`,
      'Pick the parts that are needed: x.map(e, e.name), or a single key.',
    );
  }
}

export type Node = (frame: Frame) => Value;
