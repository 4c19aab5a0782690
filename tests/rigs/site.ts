import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import type { JsonObject } from '#core/json.ts';

/** The checkout. */
export const ROOT = new URL('../..', import.meta.url).pathname;

/** The sample workflows. */
export const SAMPLES = join(ROOT, 'config/workflows');

/** A folder with a configuration and a data directory: what outlives a daemon, and a kill. */
export interface Site extends Disposable {
  readonly folder: string;
  readonly configFile: string;
  readonly dataDir: string;
  readonly socket: string;
  readonly database: string;
  /** Takes another configuration from the next start on; merged over the usual one. */
  configure(overrides: JsonObject): void;
}

/**
 * A site in a folder of its own: the simulated greenhouse, free ports, no sample workflows. `overrides` are
 * configuration keys as they are written; `dataDir` puts the data elsewhere.
 */
export function createSite(overrides: JsonObject = {}, dataDir?: string): Site {
  const folder = mkdtempSync(join(tmpdir(), 'chainbot-site-'));
  const data = dataDir ?? join(folder, 'data');
  const configFile = join(folder, 'config.yaml');
  const site: Site = {
    folder,
    configFile,
    dataDir: data,
    socket: join(folder, 's'),
    database: join(data, 'chainbot.db'),
    configure: (more) =>
      writeFileSync(configFile, JSON.stringify(merge(usual(data, join(folder, 's')), more), null, 2)),
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
  site.configure(overrides);
  return site;
}

function usual(dataDir: string, socket: string): JsonObject {
  const greenhouse = parse(readFileSync(join(ROOT, 'config/greenhouse.yaml'), 'utf8')) as JsonObject;
  return {
    data_dir: dataDir,
    socket,
    port: 0,
    mqtt: { embedded: { port: 0 } },
    storage: { allow_volatile: true },
    devices: greenhouse.devices ?? {},
  };
}

function merge(base: JsonObject, over: JsonObject): JsonObject {
  const merged: Record<string, JsonObject[string]> = { ...base };
  for (const [key, value] of Object.entries(over)) {
    const before = base[key];
    merged[key] = isObject(before) && isObject(value) ? merge(before, value) : value;
  }
  return merged;
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
