import { type FSWatcher, watch } from 'node:fs';
import { lstat, mkdir, readdir, realpath } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { TerminalError } from '#core/errors.ts';

/** A file as it was found; times are Unix milliseconds. */
export interface FoundFile {
  readonly name: string;
  readonly size: number;
  readonly modified: number;
}

/** Files of one folder that are looked at; what is more is left for later. */
const MOST_FILES = 10_000;

/** A folder below the root that the configuration gives, and what lies in it. */
export class WatchedFolder {
  readonly #root: string;
  readonly #folder: string;
  #watcher: FSWatcher | undefined;

  constructor(root: string, folder: string) {
    this.#root = root;
    this.#folder = folder;
  }

  /**
   * The plain files in it, by name; no hidden ones, no links. The folder is made when it is not there.
   * @throws TerminalError `files.outside` (forbidden) when a link leads out of the root; what the disk says
   */
  async files(): Promise<readonly FoundFile[]> {
    const directory = await this.#directory();
    const found: FoundFile[] = [];
    for (const name of (await readdir(directory)).sort()) {
      if (name.startsWith('.') || found.length >= MOST_FILES) continue;
      const stat = await lstat(join(directory, name)).catch(() => undefined); // gone meanwhile
      if (stat?.isFile()) found.push({ name, size: stat.size, modified: Math.floor(stat.mtimeMs) });
    }
    return found;
  }

  /** Tells of changes where the file system does (a network share does not); polling finds the rest. */
  watch(onChange: () => void): void {
    if (this.#watcher) return;
    try {
      this.#watcher = watch(join(this.#root, this.#folder), { persistent: false }, onChange);
      this.#watcher.on('error', () => this.close());
    } catch {
      this.#watcher = undefined;
    }
  }

  close(): void {
    this.#watcher?.close();
    this.#watcher = undefined;
  }

  async #directory(): Promise<string> {
    const directory = join(this.#root, this.#folder);
    await mkdir(directory, { recursive: true, mode: 0o700 });
    const [root, real] = await Promise.all([realpath(this.#root), realpath(directory)]);
    if (real === root || real.startsWith(root + sep)) return directory;
    throw new TerminalError('forbidden', 'files.outside', `"${this.#folder}" leads out of ${this.#root}`, {
      hint: 'Move the files there instead of linking the folder.',
    });
  }
}
