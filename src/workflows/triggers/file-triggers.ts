import { sleep } from '#core/clock.ts';
import { parseDuration } from '#core/duration.ts';
import { type Part, type PartHealth, WELL } from '#core/part.ts';
import { Unit } from '#store/unit.ts';
import type { FileTrigger } from '../trigger-port.ts';
import type { WorkflowCatalog } from '../workflow-catalog.ts';
import type { Firings } from './firings.ts';
import { nameFits } from './name-pattern.ts';
import {
  type ActiveTrigger,
  activeTriggers,
  causeOf,
  type TriggerWatch,
  triggerKey,
} from './trigger-index.ts';
import { dropFileSeen, filesSeen, putFileSeen } from './trigger-table.ts';
import { type FoundFile, WatchedFolder } from './watched-folder.ts';

interface Entry {
  active: ActiveTrigger<FileTrigger>;
  readonly cause: string;
  readonly folder: WatchedFolder;
  readonly settleMs: number;
  /** What has been dealt with, by name. */
  readonly seen: Map<string, Pick<FoundFile, 'size' | 'modified'>>;
  /** `seen` is as it is on disk. */
  isRead: boolean;
  /** Files that may still be written, with when they were first found like this (monotonic). */
  readonly settling: Map<string, FoundFile & { readonly since: number }>;
  readonly ends: AbortController;
  held: string | null;
  /** Something changed in the folder. */
  wake: () => void;
  done: Promise<void>;
}

const POLL_MS = 5000;
const CALM_MS = 250;
const USUAL_SETTLE = '2s';
const USUAL_PATTERN = '*';

/**
 * Workflows that start when a file appears in a folder below `files_dir`. Folders are watched, and looked at
 * every five seconds where watching does not help.
 *
 * 1. A file counts once its size and time have stood still for `settle`.
 * 2. What was dealt with is on disk with its size and time, in the unit of its run: neither a restart nor a
 *    second look starts another; a file that was written anew is a new one. A file that is gone is forgotten.
 */
export class FileTriggers implements Part, TriggerWatch {
  readonly name = 'file_triggers';
  readonly #catalog: WorkflowCatalog;
  readonly #firings: Firings;
  readonly #root: string;
  #entries = new Map<string, Entry>();
  readonly #ending = new Set<Promise<void>>();
  #unlisten: () => void = () => undefined;

  /** `root` is where the folders are. */
  constructor(catalog: WorkflowCatalog, firings: Firings, root: string) {
    this.#catalog = catalog;
    this.#firings = firings;
    this.#root = root;
  }

  async start(_signal: AbortSignal): Promise<void> {
    this.#read();
    this.#unlisten = this.#catalog.onChanged(() => this.#read());
  }

  async stop(): Promise<void> {
    this.#unlisten();
    for (const entry of this.#entries.values()) this.#end(entry);
    this.#entries.clear();
    await Promise.all(this.#ending);
  }

  health(): PartHealth {
    return WELL;
  }

  status(workflow: string, index: number) {
    const entry = this.#entries.get(triggerKey(workflow, index));
    return entry && { held: entry.held };
  }

  #read(): void {
    const entries = new Map<string, Entry>();
    for (const active of activeTriggers(this.#catalog, 'file')) {
      const key = triggerKey(active.workflow, active.trigger.index);
      const before = this.#entries.get(key);
      if (before?.cause === causeOf(active.definition)) {
        before.active = active;
        entries.set(key, before);
      } else entries.set(key, this.#begin(active));
    }
    for (const [key, entry] of this.#entries) if (entries.get(key) !== entry) this.#end(entry);
    this.#entries = entries;
  }

  #begin(active: ActiveTrigger<FileTrigger>): Entry {
    const { folder, settle = USUAL_SETTLE } = active.definition;
    const entry: Entry = {
      active,
      cause: causeOf(active.definition),
      folder: new WatchedFolder(this.#root, folder),
      settleMs: parseDuration(settle),
      seen: new Map(),
      isRead: false,
      settling: new Map(),
      ends: new AbortController(),
      held: null,
      wake: () => undefined,
      done: Promise.resolve(),
    };
    entry.done = this.#watch(entry);
    return entry;
  }

  #end(entry: Entry): void {
    entry.ends.abort();
    entry.folder.close();
    const ended = entry.done.finally(() => this.#ending.delete(ended));
    this.#ending.add(ended);
  }

  async #watch(entry: Entry): Promise<void> {
    const { signal } = entry.ends;
    const { clock } = this.#firings;
    while (!signal.aborted) {
      const woken = new AbortController();
      entry.wake = () => woken.abort();
      await this.#look(entry);
      if (signal.aborted) break;
      entry.folder.watch(() => entry.wake());
      const pause = entry.settling.size > 0 ? Math.min(entry.settleMs, POLL_MS) : POLL_MS;
      const ends = entry.settling.size > 0 ? signal : AbortSignal.any([signal, woken.signal]);
      await sleep(clock, pause, ends).catch(() => undefined);
      // A file that is written all the time wakes this all the time.
      if (woken.signal.aborted) await sleep(clock, CALM_MS, signal).catch(() => undefined);
    }
    entry.folder.close();
  }

  async #look(entry: Entry): Promise<void> {
    try {
      this.#recall(entry);
      const files = await entry.folder.files();
      entry.held = null;
      await this.#forgetGone(entry, files);
      for (const file of files) {
        if (entry.ends.signal.aborted) return;
        if (this.#isDue(entry, file)) await this.#fire(entry, file);
      }
    } catch (error) {
      entry.held = (error as Error).message;
      this.#firings.log.warn(
        { err: error, workflow: entry.active.workflow },
        'a folder can not be looked at',
      );
    }
  }

  /** What was dealt with before this start. Names of another folder are forgotten at the first look. */
  #recall(entry: Entry): void {
    if (entry.isRead) return;
    const { workflow, trigger } = entry.active;
    for (const row of this.#firings.reader.all(filesSeen, { workflow, trigger_index: trigger.index }))
      entry.seen.set(row.path, row);
    entry.isRead = true;
  }

  #isDue({ active, seen, settling, settleMs }: Entry, file: FoundFile): boolean {
    const { name } = file;
    if (!nameFits(name, active.definition.pattern ?? USUAL_PATTERN) || isSame(seen.get(name), file)) {
      settling.delete(name);
      return false;
    }
    const now = this.#firings.clock.monotonic();
    const before = settling.get(name);
    if (before && isSame(before, file)) return now - before.since >= settleMs;
    settling.set(name, { ...file, since: now });
    return false;
  }

  async #fire(entry: Entry, file: FoundFile): Promise<void> {
    const { active, seen, settling } = entry;
    const { workflow, trigger, definition } = active;
    const row = {
      workflow,
      trigger_index: trigger.index,
      path: file.name,
      size: file.size,
      modified: file.modified,
    };
    const firing = {
      trigger: {
        type: 'file',
        path: `${definition.folder}/${file.name}`,
        name: file.name,
        size: file.size,
        modified_at: new Date(file.modified).toISOString(),
      },
      actor: { kind: 'trigger', id: `file/${definition.folder}` },
      also: (unit: Unit) => void unit.add(putFileSeen, row),
    } as const;
    if (!(await this.#firings.fireSurely(active, firing, entry.ends.signal))) return;
    seen.set(file.name, file);
    settling.delete(file.name);
  }

  async #forgetGone({ active, seen, settling }: Entry, files: readonly FoundFile[]): Promise<void> {
    const names = new Set(files.map((file) => file.name));
    for (const name of settling.keys()) if (!names.has(name)) settling.delete(name);
    const gone = [...seen.keys()].filter((name) => !names.has(name));
    if (gone.length === 0) return;
    const unit = new Unit();
    for (const path of gone)
      unit.add(dropFileSeen, { workflow: active.workflow, trigger_index: active.trigger.index, path });
    await this.#firings.deps.writer.commit(unit);
    for (const name of gone) seen.delete(name);
  }
}

function isSame(a: Pick<FoundFile, 'size' | 'modified'> | undefined, b: FoundFile): boolean {
  return a?.size === b.size && a.modified === b.modified;
}
