const MOST_KEPT = 1000;

/**
 * Does what carries a key only once: who comes again with the key gets the first result. What failed is
 * forgotten, so that it may be tried again. Remembers the last 1,000 keys, in memory.
 */
export class Once<T> {
  readonly #results = new Map<string, Promise<T>>();

  do(key: string | undefined, work: () => Promise<T>): Promise<T> {
    if (key === undefined) return work();
    const known = this.#results.get(key);
    if (known) return known;
    const result = work();
    this.#results.set(key, result);
    result.catch(() => this.#results.delete(key));
    for (const oldest of this.#results.keys()) {
      if (this.#results.size <= MOST_KEPT) break;
      this.#results.delete(oldest);
    }
    return result;
  }
}
