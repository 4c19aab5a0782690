import { Unit } from '#store/unit.ts';

/**
 * One sequence of steps that runs by itself: the run's main line or a branch of a `parallel`. What its steps
 * have to put on disk gathers in `unit` until the next commit, so that one unit holds step N's result and
 * step N+1's intent.
 */
export class Strand {
  readonly signal: AbortSignal;
  /** The earliest timeout around this line of work, Unix milliseconds. */
  readonly deadlineAt: number | null;
  readonly #line: { unit: Unit };

  constructor(signal: AbortSignal, deadlineAt: number | null, unit: Unit = new Unit(), line = { unit }) {
    this.signal = signal;
    this.deadlineAt = deadlineAt;
    this.#line = line;
  }

  /** What has gathered since the last commit. */
  get unit(): Unit {
    return this.#line.unit;
  }

  /** The same line of work under a narrower signal (a deadline). */
  under(signal: AbortSignal, deadlineAt: number): Strand {
    return new Strand(signal, Math.min(deadlineAt, this.deadlineAt ?? deadlineAt), this.unit, this.#line);
  }

  /** The same line of work under a signal and a deadline of its own, whatever becomes of this one's. */
  apart(signal: AbortSignal, deadlineAt: number | null): Strand {
    return new Strand(signal, deadlineAt, this.unit, this.#line);
  }

  /** Takes the unit to commit it; a new one begins. */
  take(): Unit {
    const { unit } = this.#line;
    this.#line.unit = new Unit();
    return unit;
  }

  /** Puts another strand's uncommitted facts behind this one's. */
  absorb(other: Strand): void {
    const { steps, events } = other.take();
    for (const step of steps) this.unit.steps.push(step);
    for (const event of events) this.unit.events.push(event);
  }
}

/** Is there anything to commit? */
export function isEmpty(unit: Unit): boolean {
  return unit.steps.length === 0 && unit.events.length === 0;
}
