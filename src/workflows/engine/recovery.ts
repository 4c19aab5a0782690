import type { Log } from '#core/log.ts';
import type { ReaderPort } from '#store/port.ts';
import { Unit } from '#store/unit.ts';
import type { WorkflowCatalog } from '../workflow-catalog.ts';
import type { Children } from './children.ts';
import type { Launcher } from './launcher.ts';
import { liveKeys, liveRunsOf, wakesOfRuns } from './recovery-table.ts';
import { areRestful } from './resting-runs.ts';
import { runByKey } from './run-table.ts';
import { lostStep, stepsOfRun, type WakeRow } from './steps-table.ts';

/** Runs that are looked at together. */
const PAGE = 200;

type Found = NonNullable<(typeof liveRunsOf)['row']>;

/**
 * Takes up the runs that had not ended when the daemon did. Most of them only wait: for those a line is read
 * and kept, some hundred at a time, and nothing of their journals.
 */
export class Recovery {
  readonly #reader: ReaderPort;
  readonly #catalog: WorkflowCatalog;
  readonly #launcher: Launcher;
  readonly #children: Children;
  readonly #log: Log;
  /** Lines that somebody queues for, with a version that says how many may be under way. */
  readonly #lines = new Map<string, number>();
  readonly #lost: string[] = [];

  constructor(options: {
    readonly reader: ReaderPort;
    readonly catalog: WorkflowCatalog;
    readonly launcher: Launcher;
    readonly children: Children;
    readonly log: Log;
  }) {
    this.#reader = options.reader;
    this.#catalog = options.catalog;
    this.#launcher = options.launcher;
    this.#children = options.children;
    this.#log = options.log;
  }

  /** How many there were. */
  async run(signal: AbortSignal): Promise<number> {
    const live = this.#reader.all(liveKeys, {});
    const keysOf = (isQueued: boolean): number[] =>
      live.filter(({ status }) => (status === 'queued') === isQueued).map(({ key }) => key);
    // The queued ones in their order, then children before parents: a parent that is picked up looks for its child.
    for (const keys of [keysOf(true).reverse(), keysOf(false)]) {
      for (let from = 0; from < keys.length; from += PAGE) {
        signal.throwIfAborted();
        await this.#page(keys.slice(from, from + PAGE));
      }
    }
    for (const [line, version] of this.#lines)
      this.#launcher.advance(line, this.#catalog.byKey(version).compiled.concurrency);
    for (const id of this.#lost) this.#children.cancel(id, 'the run that started it gave up');
    if (live.length > 0) this.#log.info({ runs: live.length }, 'picked up the runs that were live');
    return live.length;
  }

  async #page(keys: readonly number[]): Promise<void> {
    const listed = JSON.stringify(keys);
    const wakes = Map.groupBy(this.#reader.all(wakesOfRuns, { keys: listed }), ({ run }) => run);
    for (const found of this.#reader.all(liveRunsOf, { keys: listed })) {
      await this.#one(found, wakes.get(found.key) ?? []);
      if (this.#isLost(found)) this.#lost.push(found.id);
    }
  }

  async #one(found: Found, wakes: readonly WakeRow[]): Promise<void> {
    const { key, id, version_key } = found;
    try {
      const { name, version } = this.#catalog.byKey(version_key);
      if (mayRest(found, wakes)) {
        this.#launcher.keepResting({ ...found, workflow: name, version }, wakes);
        return;
      }
      const row = this.#reader.get(runByKey, { key });
      if (!row) return;
      const steps = row.status === 'queued' ? [] : this.#reader.all(stepsOfRun, { run: key });
      const live = this.#launcher.pickUp(row, steps, wakes, new Unit());
      if (row.status === 'queued' && wakes.length === 0) this.#lines.set(live.line, version_key);
    } catch (error) {
      await this.#giveUp(key, id, error);
    }
  }

  async #giveUp(key: number, id: string, error: unknown): Promise<void> {
    this.#log.error({ err: error, run: id }, 'a run can no longer be run');
    const row = this.#reader.get(runByKey, { key });
    if (!row) return;
    await this.#launcher
      .giveUp(row, error)
      .catch((full: unknown) => this.#log.warn({ err: full, run: id }, 'nor can it be ended now'));
  }

  /** A run whose starter gave up: that is on disk before the end of this one is, so it may have lived on. */
  #isLost({ parent_run, parent_path }: Found): boolean {
    if (parent_run === null || parent_path === null) return false;
    return this.#reader.get(lostStep, { run: parent_run, path: parent_path }) !== undefined;
  }
}

/** Does the run only wait, and has nothing come for it? A signal may have been written as the daemon ended. */
function mayRest(found: Found, wakes: readonly WakeRow[]): boolean {
  const { status, is_signalled, has_open_run, has_answer } = found;
  return status === 'waiting' && areRestful(wakes) && !is_signalled && !has_open_run && !has_answer;
}
