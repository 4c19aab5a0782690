import { type ChildProcess, execFile } from 'node:child_process';
import { renameSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { RetryableError } from '#core/errors.ts';
import type { Log } from '#core/log.ts';
import { type Part, type PartHealth, unwell, WELL } from '#core/part.ts';
import type { CommitListener, Committed, ReaderPort, WriterPort } from './port.ts';
import { Reader } from './reader.ts';
import { query } from './statement.ts';
import { Telemetry, type TelemetryOptions } from './telemetry.ts';
import type { Unit } from './unit.ts';
import { type OpenedDatabase, Writer, type WriterTrouble } from './writer.ts';

export interface StoreOptions {
  /** chainbot.db. */
  readonly file: string;
  /** telemetry.db. */
  readonly telemetryFile: string;
  readonly log: Log;
  /** Run `PRAGMA quick_check` after the start. */
  readonly quickCheck: boolean;
  readonly telemetry: TelemetryOptions;
  readonly queueLimit?: number;
}

const metaValue = query((db, p: { key: string }) =>
  db.selectFrom('meta').select('value').where('key', '=', p.key),
);
const lastEvent = query((db, _p: Record<never, never>) =>
  db.selectFrom('events').select('seq').orderBy('seq', 'desc').limit(1),
);

/**
 * The store: chainbot.db with its writer thread and reader, and telemetry.db. A database that is damaged or
 * newer than this code is left as it is: the store comes up degraded, reads what it can and refuses writes
 * with the way out; it never puts an empty file in its place.
 */
export class Store implements Part, WriterPort {
  readonly name = 'database';
  readonly reader: Reader & ReaderPort;
  readonly telemetry: Telemetry;
  readonly #options: StoreOptions;
  readonly #writer: Writer;
  readonly #path: string;
  #opened: OpenedDatabase | undefined;
  #damage: WriterTrouble | undefined;
  #check: ChildProcess | undefined;

  constructor(options: StoreOptions) {
    this.#options = options;
    this.#path = options.file;
    const telemetryPath = options.telemetryFile;
    this.reader = new Reader(this.#path, (message) => this.#onDamage(message));
    this.#writer = new Writer({
      path: this.#path,
      telemetryPath,
      log: options.log,
      ...(options.queueLimit === undefined ? {} : { queueLimit: options.queueLimit }),
      onTrouble: (trouble) => this.#onTrouble(trouble),
    });
    this.telemetry = new Telemetry(telemetryPath, this.#writer, options.telemetry);
  }

  /** Never fails for a bad database: then `degraded` says why. */
  async start(_signal: AbortSignal): Promise<void> {
    try {
      this.#opened = await this.#writer.open();
    } catch (error) {
      this.#damage = this.#writer.trouble ?? { code: 'io', message: String(error) };
      this.#options.log.error(
        { err: error, path: this.#path },
        'the database cannot be written; going on degraded',
      );
    }
    this.#openReader();
    if (this.#damage) this.#opened = this.#readable();
    this.telemetry.start();
  }

  /** Checks the file's structure in a process of its own; call it once everything else is up. */
  startQuickCheck(): void {
    if (!this.#options.quickCheck || this.#damage) return;
    const name = import.meta.url.endsWith('.ts') ? './check-process.ts' : './check-process.js';
    const file = fileURLToPath(new URL(name, import.meta.url));
    this.#check = execFile(process.execPath, [file, this.#path], (error, stdout) => {
      this.#check = undefined;
      if (!error) this.#onChecked(JSON.parse(stdout) as string[]);
      else if (!error.killed) this.#options.log.warn({ err: error }, 'the database check could not run');
    });
  }

  async stop(): Promise<void> {
    this.#check?.kill();
    this.telemetry.stop();
    // The writer last: the last connection to close folds the WAL into the file, and a reader can't.
    this.reader.close();
    await this.#writer.close();
  }

  /** Why nothing is written, when the file is damaged or newer; undefined when all is well. */
  get degraded(): WriterTrouble | undefined {
    return this.#damage;
  }

  get epoch(): string {
    return this.#opened?.epoch ?? 'unknown';
  }

  /** The last event's sequence number when the store was opened. */
  get headAtOpen(): number {
    return this.#opened?.head ?? 0;
  }

  /** Transactions committed since the start. */
  get commits(): number {
    return this.#writer.commits;
  }

  get backlog(): number {
    return this.#writer.backlog;
  }

  onCommit(listener: CommitListener): () => void {
    return this.#writer.onCommit(listener);
  }

  commit(unit: Unit): Promise<Committed> {
    if (this.#damage) return Promise.reject(degradedError(this.#damage));
    return this.#writer.commit(unit);
  }

  /** Bytes of the database and its WAL. */
  size(): number {
    return sizeOf(this.#path) + sizeOf(`${this.#path}-wal`);
  }

  health(): PartHealth {
    const trouble = this.#damage ?? this.#writer.trouble;
    if (!trouble) return WELL;
    return unwell(0, `${TROUBLES[trouble.code].reason}: ${trouble.message}`, TROUBLES[trouble.code].remedy);
  }

  #openReader(): void {
    try {
      this.reader.open();
    } catch (error) {
      this.#damage ??= { code: 'io', message: (error as Error).message };
    }
  }

  /** Where the log of a database stands that can be read and not written; undefined when not even that. */
  #readable(): OpenedDatabase | undefined {
    try {
      const epoch = this.reader.get(metaValue, { key: 'epoch' })?.value;
      const head = this.reader.get(lastEvent, {})?.seq ?? 0;
      return epoch === undefined ? undefined : { epoch, head, migrated: 0 };
    } catch {
      return undefined;
    }
  }

  #onChecked(faults: string[]): void {
    if (faults.length === 0) return;
    this.#onDamage(faults.slice(0, 3).join('; '));
  }

  #onTrouble(trouble: WriterTrouble | undefined): void {
    if (trouble?.code === 'corrupt') this.#onDamage(trouble.message);
    else if (trouble) this.#options.log.error({ trouble }, TROUBLES[trouble.code].reason);
    else if (!this.#damage) this.#options.log.info({}, 'the database can be written');
  }

  /** However it was found: nothing more is written to a damaged file. */
  #onDamage(message: string): void {
    if (this.#damage) return;
    this.#damage = { code: 'corrupt', message };
    this.#options.log.error({ message }, 'the database is damaged; no more is written to it');
  }
}

const TROUBLES: Readonly<Record<WriterTrouble['code'], { reason: string; remedy: string }>> = {
  newer: {
    reason: 'the database was written by a newer ChainBot',
    remedy: 'Install that version again, or start with another data directory.',
  },
  corrupt: {
    reason: 'the database is damaged; it is kept as it is',
    remedy:
      'Stop ChainBot and copy the data directory away. Then put a backup in its place, or start once with ' +
      '`chainbotd --set-aside-database` to keep the damaged file aside and begin with an empty one.',
  },
  sqlite_old: {
    reason: 'this SQLite is too old',
    remedy: 'Install ChainBot again with its own packages (npm ci).',
  },
  io: {
    reason: 'the disk failed',
    remedy: 'Look at `dmesg` for I/O errors; replace a failing SD card. ChainBot tries again by itself.',
  },
  full: { reason: 'the disk is full', remedy: 'Free some space; ChainBot goes on by itself.' },
};

function degradedError(trouble: WriterTrouble): RetryableError {
  const { reason, remedy } = TROUBLES[trouble.code];
  return new RetryableError('store.degraded', `${reason}; nothing is written`, { hint: remedy });
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

/**
 * Renames the database and its WAL to `<file>.aside-<time>`, so that the next start makes an empty one.
 * Returns the new name, or undefined when there was none. Only while no daemon runs.
 */
export function setDatabaseAside(path: string, now: Date): string | undefined {
  if (!statSync(path, { throwIfNoEntry: false })) return undefined;
  const aside = `${path}.aside-${now.toISOString().replaceAll(':', '')}`;
  renameSync(path, aside);
  for (const end of ['-wal', '-shm']) {
    if (statSync(path + end, { throwIfNoEntry: false })) renameSync(path + end, aside + end);
  }
  return aside;
}
