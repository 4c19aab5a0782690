import { existsSync, renameSync } from 'node:fs';
import path from 'node:path';
import Conf from 'conf';
import { isId, newId } from '#core/ids.ts';

const NAME = 'memory';

type Remembered = {
  device_id: string;
  /** Unix milliseconds. */
  first_start: number;
  starts: number;
  clean_stop: boolean;
};

/** What the daemon remembers of itself between starts. */
export interface Memory {
  /** UUIDv7 of this appliance, made at the first start. */
  readonly deviceId: string;
  /** Unix milliseconds, by the clock of that day. */
  readonly firstStart: number;
  /** Which start this is, from 1. */
  readonly starts: number;
  /** Did the daemon before this one stop in order? True at the first start. */
  readonly lastStopClean: boolean;
  /** Something to tell the owner: what was lost, and where the damaged file is. */
  readonly problem: string | undefined;
  /** To be called last at a clean stop. Never throws. */
  markCleanStop(): void;
}

/**
 * Opens `<dir>/memory.json` and counts this start. A damaged file is kept aside; a disk that cannot be
 * written is a `problem`, not an error: the appliance must come up on a full disk.
 */
export function openMemory(dir: string, now: number = Date.now()): Memory {
  const { stored, kept, problem } = openStore(dir);
  const remembered: Remembered = {
    device_id: kept?.device_id ?? newId(),
    first_start: kept?.first_start ?? now,
    starts: (kept?.starts ?? 0) + 1,
    clean_stop: false,
  };
  const unsaved = save(stored, remembered);
  return Object.freeze({
    deviceId: remembered.device_id,
    firstStart: remembered.first_start,
    starts: remembered.starts,
    lastStopClean: kept?.clean_stop ?? problem === undefined,
    problem: problem ?? unsaved,
    markCleanStop: () => void save(stored, { ...remembered, clean_stop: true }),
  });
}

interface Opened {
  readonly stored: Conf<Remembered> | undefined;
  readonly kept: Remembered | undefined;
  readonly problem: string | undefined;
}

function openStore(dir: string): Opened {
  try {
    const stored = newConf(dir);
    const kept = stored.store;
    if (stored.size === 0 && !existsSync(stored.path)) return { stored, kept: undefined, problem: undefined };
    if (isRemembered(kept)) return { stored, kept, problem: undefined };
    return setAside(dir, 'it holds something else');
  } catch (error) {
    return setAside(dir, (error as Error).message);
  }
}

const newConf = (dir: string) =>
  new Conf<Remembered>({
    cwd: dir,
    configName: NAME,
    configFileMode: 0o600,
    accessPropertiesByDotNotation: false,
  });

function isRemembered(value: Partial<Remembered>): value is Remembered {
  return (
    typeof value.device_id === 'string' &&
    isId(value.device_id) &&
    Number.isFinite(value.first_start) &&
    Number.isSafeInteger(value.starts) &&
    typeof value.clean_stop === 'boolean'
  );
}

function setAside(dir: string, reason: string): Opened {
  const file = path.join(dir, `${NAME}.json`);
  const aside = `${file}.damaged-${Date.now()}`;
  const problem = `${file} could not be used (${reason}); a new device id was made`;
  try {
    renameSync(file, aside);
    return { stored: newConf(dir), kept: undefined, problem: `${problem}, the old file is ${aside}` };
  } catch {
    return { stored: undefined, kept: undefined, problem };
  }
}

function save(stored: Conf<Remembered> | undefined, remembered: Remembered): string | undefined {
  try {
    if (stored !== undefined) stored.store = remembered;
    return undefined;
  } catch (error) {
    return `memory.json could not be written: ${(error as Error).message}`;
  }
}
