import type { Unit } from '#store/unit.ts';
import { isUnknown } from './interrupt.ts';
import type { Journal } from './journal.ts';
import { persist, persistFiles } from './persist.ts';
import type { ExecutionDeps } from './run-facts.ts';
import { isEmpty, type Strand } from './strand.ts';

/** How a run's units reach the disk: the first one creates it (E2), files before the units that name them (E7). */
export class RunCommits {
  readonly created: Promise<void>;
  readonly #created = Promise.withResolvers<void>();
  readonly #journal: Journal;
  readonly #deps: ExecutionDeps;
  /** Aborts at shutdown only: nothing else keeps a result from the disk. */
  readonly #stopped: AbortSignal;
  #isCreated: boolean;
  #flushing = 0;
  /** Settles when the files of large outputs are on disk; absent: there were none. */
  #files: Promise<void> | undefined;

  constructor(journal: Journal, deps: ExecutionDeps, stopped: AbortSignal, created: boolean) {
    this.#journal = journal;
    this.#deps = deps;
    this.#stopped = stopped;
    this.#isCreated = created;
    this.created = this.#created.promise;
    this.created.catch(() => undefined);
    if (created) this.#created.resolve();
  }

  /** Is the run's own row on disk? */
  get isCreated(): boolean {
    return this.#isCreated;
  }

  get isFlushing(): boolean {
    return this.#flushing > 0;
  }

  /** The run never was: whoever started it is told why. */
  refuse(error: unknown): void {
    this.#created.reject(error);
  }

  /** Commits what has gathered on a strand. */
  async flush(strand: Strand): Promise<void> {
    const unit = strand.take();
    if (isEmpty(unit)) return;
    this.#flushing++;
    try {
      await this.#commit(unit);
    } finally {
      this.#flushing--;
    }
  }

  async #commit(unit: Unit): Promise<void> {
    if (this.#journal.files.length > 0) this.#writeFiles();
    // Also another strand's: whose they are, only the units know.
    if (this.#files) await this.#files;
    if (this.#isCreated) {
      await persist(unit, this.#deps, this.#stopped);
      return;
    }
    await this.#create(unit);
    this.#isCreated = true;
    this.#created.resolve();
  }

  #writeFiles(): void {
    const { outputs } = this.#deps;
    if (!outputs) return;
    const writing = persistFiles(this.#journal.files.splice(0), outputs, this.#deps, this.#stopped);
    const before = this.#files;
    this.#files = before ? Promise.all([before, writing]).then(() => undefined) : writing;
    this.#files.catch(() => undefined);
  }

  /** With an unknown outcome the starter is told so, and the run is seen to: it may be on disk. */
  async #create(unit: Unit): Promise<void> {
    try {
      await this.#deps.writer.commit(unit);
    } catch (error) {
      if (!isUnknown(error)) throw error;
      this.#created.reject(error);
      await persist(unit, this.#deps, this.#stopped, true);
    }
  }
}
