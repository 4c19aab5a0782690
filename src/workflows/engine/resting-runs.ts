import type { Clock } from '#core/clock.ts';
import { DueHeap } from './due-heap.ts';
import type { LiveRun } from './roster.ts';
import type { WakeRow } from './steps-table.ts';
import type { Ticks } from './ticks.ts';

/** The wall clock may jump: how long the next look at it is away, at most. */
const LOOK_AGAIN_MS = 60_000;
/** Runs waked in one turn of the event loop. */
const MOST_AT_ONCE = 64;

/** Waits that need nothing in memory but when they are due, or who is told of a signal. */
const RESTFUL: ReadonlySet<string> = new Set(['timer', 'until', 'signal', 'retry', 'approval']);

/** May a run with these wakes rest? */
export function areRestful(wakes: readonly WakeRow[]): boolean {
  return wakes.length > 0 && wakes.every((wake) => RESTFUL.has(wake.kind));
}

/**
 * Runs that only wait are not kept in memory: their journal is on disk, and what is here of each is a line
 * that says when to pick it up again. A signal or a verb wakes one by its id.
 */
export class RestingRuns {
  readonly #clock: Clock;
  readonly #ticks: Ticks;
  readonly #wake: (run: LiveRun) => void;
  readonly #runs = new Set<LiveRun>();
  readonly #byTick = new DueHeap<LiveRun>();
  readonly #byWall = new DueHeap<LiveRun>();
  #timer: Disposable | undefined;
  #timerDue = Number.POSITIVE_INFINITY;

  constructor(clock: Clock, ticks: Ticks, wake: (run: LiveRun) => void) {
    this.#clock = clock;
    this.#ticks = ticks;
    this.#wake = wake;
  }

  get size(): number {
    return this.#runs.size;
  }

  has(run: LiveRun): boolean {
    return this.#runs.has(run);
  }

  /** Milliseconds until the first of these is due; infinite for signals alone. */
  untilDue(wakes: readonly WakeRow[]): number {
    let left = Number.POSITIVE_INFINITY;
    for (const { due_tick, due_at, deadline_at } of wakes) {
      if (due_tick !== null) left = Math.min(left, due_tick - this.#ticks.now());
      if (due_at !== null) left = Math.min(left, due_at - this.#clock.now());
      if (deadline_at !== null) left = Math.min(left, deadline_at - this.#clock.now());
    }
    return left;
  }

  add(run: LiveRun, wakes: readonly WakeRow[]): void {
    this.#runs.add(run);
    for (const { due_tick, due_at, deadline_at } of wakes) {
      if (due_tick !== null) this.#byTick.push(due_tick, run);
      if (due_at !== null) this.#byWall.push(due_at, run);
      if (deadline_at !== null) this.#byWall.push(deadline_at, run);
    }
    this.#arm();
  }

  /** Takes it out; false when it does not rest. */
  remove(run: LiveRun): boolean {
    return this.#runs.delete(run);
  }

  stop(): void {
    this.#timer?.[Symbol.dispose]();
    this.#timer = undefined;
    this.#runs.clear();
  }

  /** How long until the next is due, in milliseconds. */
  #untilNext(): number {
    const tick = (this.#byTick.next ?? Number.POSITIVE_INFINITY) - this.#ticks.now();
    const wall = (this.#byWall.next ?? Number.POSITIVE_INFINITY) - this.#clock.now();
    return Math.max(0, Math.min(tick, wall, LOOK_AGAIN_MS));
  }

  #arm(): void {
    if (this.#byTick.size === 0 && this.#byWall.size === 0) return;
    const left = this.#untilNext();
    const due = this.#clock.monotonic() + left;
    if (this.#timer && this.#timerDue <= due) return;
    this.#timer?.[Symbol.dispose]();
    this.#timerDue = due;
    this.#timer = this.#clock.after(left, () => this.#look());
  }

  #look(): void {
    this.#timer = undefined;
    this.#timerDue = Number.POSITIVE_INFINITY;
    for (let woken = 0; woken < MOST_AT_ONCE; ) {
      const run = this.#byTick.popDue(this.#ticks.now()) ?? this.#byWall.popDue(this.#clock.now());
      if (!run) break;
      if (!this.#runs.has(run)) continue; // it was waked by something else
      woken++;
      this.#wake(run);
    }
    this.#arm();
  }
}
