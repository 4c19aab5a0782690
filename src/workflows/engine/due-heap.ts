/** What is due, the earliest first: a binary heap. Entries are never taken out in the middle; stale ones are passed by. */
export class DueHeap<T> {
  readonly #entries: { readonly due: number; readonly what: T }[] = [];

  get size(): number {
    return this.#entries.length;
  }

  /** When the first is due; undefined when there is none. */
  get next(): number | undefined {
    return this.#entries[0]?.due;
  }

  push(due: number, what: T): void {
    const entries = this.#entries;
    const entry = { due, what };
    let at = entries.length;
    entries.push(entry);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = entries[parent] as typeof entry;
      if (above.due <= due) break;
      entries[at] = above;
      at = parent;
    }
    entries[at] = entry;
  }

  /** Takes the first one if it is due at `now`. */
  popDue(now: number): T | undefined {
    const first = this.#entries[0];
    if (!first || first.due > now) return undefined;
    const last = this.#entries.pop();
    if (last && this.#entries.length > 0) this.#sink(last);
    return first.what;
  }

  #sink(entry: { readonly due: number; readonly what: T }): void {
    const entries = this.#entries;
    let at = 0;
    for (;;) {
      const left = 2 * at + 1;
      const right = left + 1;
      const leftDue = entries[left]?.due ?? Number.POSITIVE_INFINITY;
      const rightDue = entries[right]?.due ?? Number.POSITIVE_INFINITY;
      const child = rightDue < leftDue ? right : left;
      const below = entries[child];
      if (!below || below.due >= entry.due) break;
      entries[at] = below;
      at = child;
    }
    entries[at] = entry;
  }
}
