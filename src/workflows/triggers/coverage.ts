import type { Json } from '#core/json.ts';

type Island = [from: number, to: number];

/** More stretches than this are not kept: the farthest from now is forgotten. */
const MOST = 16;

/**
 * The stretches of wall time that a schedule has dealt with, Unix milliseconds. A clock that jumps leaves one
 * stretch and begins another.
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

  /** Everything up to `time` is dealt with, from the last stretch before it on. */
  cover(time: number): void {
    const at = this.#islands.findLastIndex(([from]) => from <= time);
    const island = this.#islands[at];
    if (!island) this.#islands.unshift([time, time]);
    else island[1] = Math.max(island[1], time);
    this.#join();
    while (this.#islands.length > MOST) this.#forgetFarthest(time);
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

  #forgetFarthest(now: number): void {
    const first = this.#islands[0] as Island;
    const last = this.#islands.at(-1) as Island;
    if (now - first[1] > last[0] - now) this.#islands.shift();
    else this.#islands.pop();
  }
}
