import type { Json } from '#core/json.ts';
import type { ReaderPort } from '#store/port.ts';
import type { Unit } from '#store/unit.ts';
import { deleteSignal, oldestSignal } from './signals-table.ts';

/**
 * Signals that were sent to runs. They are rows from the moment they are accepted, so one that comes before
 * its wait is kept; here is only who waits for which.
 */
export class SignalBox {
  readonly #reader: ReaderPort;
  readonly #waiting = new Map<string, Set<() => void>>();
  /** Rows taken by steps, by run: until their unit is committed they must not be given to another. */
  readonly #taken = new Map<number, Set<number>>();

  constructor(reader: ReaderPort) {
    this.#reader = reader;
  }

  /** The oldest signal of this name; its row goes with the unit. */
  async take(run: number, name: string, unit: Unit, abort: AbortSignal): Promise<Json> {
    for (;;) {
      const arrived = this.#listen(run, name, abort);
      const row = this.#oldestFree(run, name);
      if (row) {
        arrived.cancel();
        this.#taken.set(run, (this.#taken.get(run) ?? new Set()).add(row.key));
        unit.add(deleteSignal, { key: row.key }, 1);
        return JSON.parse(row.payload) as Json;
      }
      await arrived.promise;
    }
  }

  /** A run has ended. */
  forget(run: number): void {
    this.#taken.delete(run);
  }

  #oldestFree(run: number, name: string): { readonly key: number; readonly payload: string } | undefined {
    const taken = this.#taken.get(run);
    for (let after = 0; ; ) {
      const row = this.#reader.get(oldestSignal, { run, name, after });
      if (!row) return undefined;
      const key = Number(row.key);
      if (!taken?.has(key)) return { key, payload: row.payload };
      after = key;
    }
  }

  /** A signal is on disk: wakes who waits for it. */
  notify(run: number, name: string): void {
    for (const wake of this.#waiting.get(`${run}/${name}`) ?? []) wake();
  }

  #listen(run: number, name: string, abort: AbortSignal): { promise: Promise<void>; cancel: () => void } {
    const key = `${run}/${name}`;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waiters = this.#waiting.get(key) ?? new Set();
    const onAbort = (): void => {
      cancel();
      reject(abort.reason);
    };
    const cancel = (): void => {
      waiters.delete(resolve);
      if (waiters.size === 0) this.#waiting.delete(key);
      abort.removeEventListener('abort', onAbort);
    };
    waiters.add(resolve);
    this.#waiting.set(key, waiters);
    abort.addEventListener('abort', onAbort, { once: true });
    if (abort.aborted) onAbort();
    promise.then(cancel, () => undefined);
    return { promise, cancel };
  }
}
