/** Counts connections and lets others wait for the next one. */
export class Sessions {
  #current = 0;
  readonly #waiting = new Set<() => void>();

  get current(): number {
    return this.#current;
  }

  began(): void {
    this.#current++;
    for (const wake of [...this.#waiting]) wake();
  }

  /** Resolves when the current session is another than `seen`, or when the signal aborts. */
  next(seen: number, signal: AbortSignal): Promise<void> {
    if (this.#current !== seen || signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = (): void => {
        this.#waiting.delete(wake);
        signal.removeEventListener('abort', wake);
        resolve();
      };
      this.#waiting.add(wake);
      signal.addEventListener('abort', wake, { once: true });
    });
  }
}
