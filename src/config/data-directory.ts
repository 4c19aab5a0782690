import { accessSync, chmodSync, constants, mkdirSync, readdirSync, statfsSync, statSync } from 'node:fs';
import path from 'node:path';
import type { Config } from './config.ts';
import { ConfigError } from './faults.ts';

/**
 * Filesystems that forget: everything on tmpfs and ramfs is gone with the power, and the writable layer of an
 * overlay root (Raspberry Pi OS's read-only mode) is a tmpfs too. Numbers from linux/magic.h.
 */
const VOLATILE: ReadonlyMap<number, string> = new Map([
  [0x01021994, 'tmpfs'],
  [0x858458f6, 'ramfs'],
  [0x794c7630, 'overlayfs'],
]);

/** Files that only ChainBot makes: where one of them is, the folder is ours. */
const OURS: ReadonlySet<string> = new Set(['daemon.lock', 'memory.json', 'chainbot.db', 'telemetry.db']);

/** What main.ts wants to know about the place. */
export interface DataDirectory {
  /** The name of a filesystem that loses everything with the power, when the owner allowed that. */
  readonly volatile: string | undefined;
}

/**
 * Makes the data directory (0700) and the database's folder ready, or says why they cannot be used.
 * @throws ConfigError when one cannot be made, written or entered, forgets everything when the power goes and
 *   `storage.allow_volatile` is not set, or is full of somebody else's files
 */
export function prepareDataDirectory(
  config: Pick<Config, 'dataDir' | 'databaseFile' | 'storage'>,
): DataDirectory {
  const databaseFolder = path.dirname(config.databaseFile);
  const places = [place('data_dir', config.dataDir)];
  if (databaseFolder !== config.dataDir) places.push(place('database_url', databaseFolder));
  for (const { key, folder } of places) makePrivate(key, folder);
  const found = places.map((each) => ({ ...each, volatile: volatileName(statfsSync(each.folder).type) }));
  const forgetful = found.find(({ volatile }) => volatile !== undefined);
  if (forgetful !== undefined && !config.storage.allowVolatile) {
    throw refusal(
      forgetful.key,
      `${forgetful.folder} is on ${forgetful.volatile}: nothing there is on disk when the power goes`,
      'Choose a folder on a disk or card, or accept the loss with storage.allow_volatile: true.',
    );
  }
  return { volatile: forgetful?.volatile };
}

function place(key: string, folder: string): { readonly key: string; readonly folder: string } {
  return { key, folder };
}

/** The name of a filesystem (statfs f_type) that does not outlive the power, or undefined. */
export function volatileName(type: number): string | undefined {
  return VOLATILE.get(type >>> 0);
}

function makePrivate(key: string, folder: string): void {
  try {
    makeFolder(path.dirname(folder), 0o755);
    makeFolder(folder, 0o700);
    accessSync(folder, constants.W_OK | constants.X_OK | constants.R_OK);
    if ((statSync(folder).mode & 0o077) !== 0) closeToOthers(key, folder);
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    throw unusable(key, folder, error as NodeJS.ErrnoException);
  }
}

/** Node's own `recursive` never comes back where mkdir answers ENOENT for ever, as on /proc. */
function makeFolder(folder: string, mode: number): void {
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory()) return;
  if (path.dirname(folder) !== folder) makeFolder(path.dirname(folder), 0o755);
  mkdirSync(folder, { mode });
}

/** Takes the rights of group and others away, unless it is a folder like /tmp or /home that others need. */
function closeToOthers(key: string, folder: string): void {
  const names = readdirSync(folder);
  if (names.length > 0 && !names.some((name) => OURS.has(name))) {
    throw refusal(
      key,
      `${folder} is open to other users and holds files that are not ChainBot's`,
      'Give it a folder of its own (it is made if absent), or chmod 700 this one.',
    );
  }
  chmodSync(folder, 0o700);
}

function unusable(key: string, folder: string, error: NodeJS.ErrnoException): ConfigError {
  const user = process.getuid?.();
  const hints: Readonly<Record<string, string>> = {
    EACCES: `Make it and give it to the daemon's user: install -d -m 700 -o ${user} ${folder}`,
    EPERM: `It must belong to the daemon's user: chown ${user} ${folder}`,
    EROFS: 'That filesystem is mounted read-only: choose another place, or remount it.',
    ENOSPC: 'The disk is full: make room, or choose another place.',
    ENOTDIR: 'A part of that path is a file: choose another place.',
    EEXIST: 'There is a file of that name: choose another place.',
  };
  const hint = hints[error.code ?? ''] ?? 'Choose another place with data_dir or ALEX_OS_CHAINBOT_DATA_DIR.';
  return refusal(key, `${folder} cannot be used (${error.code ?? error.message})`, hint);
}

function refusal(key: string, message: string, hint: string): ConfigError {
  return new ConfigError([{ source: undefined, path: key, message, hint }]);
}
