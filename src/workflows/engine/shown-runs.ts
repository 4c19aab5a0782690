import type { RunDetail } from '../runs-port.ts';
import { isLive } from './run-state.ts';

/** A panel and a script ask for the same few runs again and again. */
const MOST = 64;

/** Ended runs as they were shown last, good for as long as nothing at all was written to the database. */
export class ShownRuns {
  readonly #runs = new Map<string, RunDetail>();
  #version = Number.NaN;

  /** The same object again when nothing was committed since; `version` is the reader's. */
  get(id: string, version: number, read: () => RunDetail): RunDetail {
    if (version !== this.#version) {
      this.#runs.clear();
      this.#version = version;
    }
    const known = this.#runs.get(id);
    if (known) return known;
    const run = read();
    if (!isLive(run.status) && this.#runs.size < MOST) this.#runs.set(id, run);
    return run;
  }
}
