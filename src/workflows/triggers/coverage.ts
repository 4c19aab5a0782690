import type { Json } from '#core/json.ts';

type Island = [from: number, to: number];

/** More stretches than this are not kept: those nearest to each other become one. */
const MOST = 32;
/** What lies further apart than this was jumped over, or slept through; milliseconds. */
const JUMP_MS = 60_000;

/**
 * The stretches of wall time that a schedule has lived through, Unix milliseconds. A clock that jumps leaves one
 * stretch and begins another; what lies between was not lived through, and may still come.
 *
 * 1. A time within a stretch is never dealt with again: nothing fires twice, however the clock goes.
 * 2. What lies between the end of a stretch and now was missed. A clock that goes back to before all stretches
 *    begins a new one, and has missed nothing.
 */
export class Coverage {
  /** In order, not touching. */
  #islands: Island[];

  constructor(islands: readonly Readonly<Island>[]) {
    this.#islands = islands.map(([from, to]) => [from, to] as Island);
  }

  /** Nothing before `now` concerns it. */
  static since(now: number): Coverage {
    return new Coverage([[now, now]]);
  }

  static read(kept: Json | undefined): Coverage | undefined {
    return Array.isArray(kept) ? new Coverage(kept as unknown as Island[]) : undefined;
  }

  toJson(): Json {
    return this.#islands.map(([from, to]) => [from, to]);
  }

  copy(): Coverage {
    return new Coverage(this.#islands);
  }

  /** Has this time been dealt with? */
  has(time: number): boolean {
    return this.#islands.some(([from, to]) => from <= time && time <= to);
  }

  /** Where the stretch ends that holds `now`, or the last one before it; undefined: there is none. */
  endBefore(now: number): number | undefined {
    return this.#islands.findLast(([from]) => from <= now)?.[1];
  }

  /** `time` has come: the stretch before it goes on, or a new one begins. */
  reach(time: number): void {
    const at = this.#islands.findLastIndex(([from]) => from <= time);
    const island = this.#islands[at];
    if (island && time - island[1] <= JUMP_MS) island[1] = Math.max(island[1], time);
    else this.#islands.splice(at + 1, 0, [time, time]);
    this.#join();
    while (this.#islands.length > MOST) this.#joinNearest();
  }

  #join(): void {
    const joined: Island[] = [];
    for (const island of this.#islands) {
      const last = joined.at(-1);
      if (last && island[0] <= last[1]) last[1] = Math.max(last[1], island[1]);
      else joined.push(island);
    }
    this.#islands = joined;
  }

  #joinNearest(): void {
    let best = 1;
    const gap = (at: number): number => (this.#islands[at]?.[0] ?? 0) - (this.#islands[at - 1]?.[1] ?? 0);
    for (let at = 2; at < this.#islands.length; at++) if (gap(at) < gap(best)) best = at;
    const [gone] = this.#islands.splice(best, 1);
    const kept = this.#islands[best - 1];
    if (gone && kept) kept[1] = gone[1];
  }
}
