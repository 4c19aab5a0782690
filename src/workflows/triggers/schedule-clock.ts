import type { Json } from '#core/json.ts';
import { Coverage } from './coverage.ts';
import type { CronTimes } from './cron-times.ts';

/** Where the clocks stand: Unix milliseconds, and ticks. */
export interface Moment {
  readonly now: number;
  readonly tick: number;
}

/** One time of a schedule. */
export interface Due {
  /** The same for the same time, for ever. */
  readonly key: string;
  /** Unix milliseconds; of an interval as far as can be told now. */
  readonly at: number;
  /** How late it is, milliseconds. */
  readonly lateMs: number;
  /** Where it stands on the schedule's own scale. */
  readonly mark: number;
}

/** The times that have come since a schedule was last looked at, oldest first. */
export interface DueTimes {
  readonly times: readonly Due[];
  /** There were more, older ones. */
  readonly more: boolean;
}

/** When a schedule is due: by the wall clock or by the tick clock. */
export interface ScheduleClock {
  /** Does it go by the time of day? Then it waits until that may be believed. */
  readonly isWall: boolean;
  /** At most the newest `most`. */
  due(moment: Moment, most: number): DueTimes;
  /** Nothing up to the moment comes again. */
  pass(moment: Moment): void;
  /** This time has been dealt with, and that is on disk. */
  settle(due: Due): void;
  /** What to keep, once this time is dealt with as well. */
  kept(due?: Due): Json;
  /** Milliseconds until something can be due; undefined: never again. */
  left(moment: Moment): number | undefined;
}

/** Cron: times of day, each dealt with once however the clock jumps (coverage.ts). */
export class CronClock implements ScheduleClock {
  readonly isWall = true;
  readonly #times: CronTimes;
  readonly #coverage: Coverage;
  /** The next time not dealt with, as of some look; the clock may have gone back since. */
  #next: number | undefined;
  #lookedAt = Number.POSITIVE_INFINITY;

  /** `since`: from when on it has times, if nothing was kept. */
  constructor(times: CronTimes, kept: Json | undefined, since: number) {
    this.#times = times;
    this.#coverage = Coverage.read(kept) ?? Coverage.since(since);
  }

  due(moment: Moment, most: number): DueTimes {
    const { now } = moment;
    const left = this.left(moment);
    if (left === undefined || left > 0) return { times: [], more: false };
    const after = this.#coverage.endBefore(now);
    if (after === undefined) return { times: [], more: false };
    const { times, more } = this.#times.between(after, now, most);
    return { more, times: times.map((at) => ({ key: String(at), at, lateMs: now - at, mark: at })) };
  }

  pass({ now }: Moment): void {
    this.#coverage.reach(now);
    this.#lookedAt = Number.POSITIVE_INFINITY;
  }

  settle({ mark }: Due): void {
    this.#coverage.reach(mark);
    this.#lookedAt = Number.POSITIVE_INFINITY;
  }

  kept(due?: Due): Json {
    const coverage = this.#coverage.copy();
    if (due) coverage.reach(due.mark);
    return coverage.toJson();
  }

  left({ now }: Moment): number | undefined {
    if (now < this.#lookedAt) this.#next = this.#firstAfter(now);
    this.#lookedAt = now;
    return this.#next === undefined ? undefined : Math.max(0, this.#next - now);
  }

  /** The first time that was not dealt with, from the end of the stretch before now on. */
  #firstAfter(now: number): number | undefined {
    let at = this.#times.next(this.#coverage.endBefore(now) ?? now);
    while (at !== undefined && this.#coverage.has(at))
      at = this.#times.next(this.#coverage.endBefore(at) ?? at);
    return at;
  }
}

/** An interval: every so many ticks since this installation began to live. */
export class IntervalClock implements ScheduleClock {
  readonly isWall = false;
  readonly #everyMs: number;
  /** The last one dealt with, counted from the first tick. */
  #slot: number;

  constructor(everyMs: number, kept: Json | undefined, { tick }: Moment) {
    this.#everyMs = everyMs;
    this.#slot = typeof kept === 'number' ? kept : Math.floor(tick / everyMs);
  }

  due({ now, tick }: Moment, most: number): DueTimes {
    const last = Math.floor(tick / this.#everyMs);
    const first = Math.max(this.#slot + 1, last - most + 1);
    const times: Due[] = [];
    for (let slot = first; slot <= last; slot++) {
      const lateMs = tick - slot * this.#everyMs;
      times.push({ key: `${this.#everyMs}:${slot}`, at: now - lateMs, lateMs, mark: slot });
    }
    return { times, more: first > this.#slot + 1 };
  }

  pass({ tick }: Moment): void {
    this.#slot = Math.max(this.#slot, Math.floor(tick / this.#everyMs));
  }

  settle({ mark }: Due): void {
    this.#slot = Math.max(this.#slot, mark);
  }

  kept(due?: Due): Json {
    return Math.max(this.#slot, due?.mark ?? this.#slot);
  }

  left({ tick }: Moment): number {
    return Math.max(0, (this.#slot + 1) * this.#everyMs - tick);
  }
}
