import path from 'node:path';
import type { Fault } from '#core/errors.ts';
import { type Config, deriveConfig, type ResolvePath } from './config.ts';
import { type ConfigFile, readConfigFile } from './config-file.ts';
import { contradictions } from './contradictions.ts';
import { type Environment, processEnvironment, readCredential, readEnvironment } from './env.ts';
import { ConfigError, type ConfigFault } from './faults.ts';
import { issueFaults, type UnplacedFault } from './issue-faults.ts';
import { type Layers, mergeLayers, placeFault, sourceOf, withoutPath } from './layers.ts';
import { configSchema, type WrittenConfig } from './schema.ts';
import { Secret } from './secrets.ts';

/** Where a site keeps its configuration when no `--config` is given. It need not exist. */
export const SITE_FILE = '/etc/alex_os/modules/chainbot/config.yaml';

/** In the unit: LoadCredential=chainbot-secret-key:/etc/alex_os/modules/chainbot/secret-key */
const ROOT_KEY_CREDENTIAL = 'chainbot-secret-key';

export interface LoadOptions {
  /** `--config FILE`: must exist, and replaces the site's file. */
  readonly configFile?: string | undefined;
  readonly siteFile?: string | undefined;
  readonly env?: Environment | undefined;
  readonly cwd?: string | undefined;
  /**
   * What other rooms know about the values (the hardware room about devices); their faults get file and line
   * like all others. A fault's path is dotted: `devices.pump.safe`.
   */
  readonly checks?: readonly ((config: Config) => readonly Fault[])[] | undefined;
}

/**
 * Defaults, then one file, then `ALEX_OS_CHAINBOT_*`; validated whole, derived, frozen.
 * @throws ConfigError with every fault that could be found
 */
export function loadConfig(options: LoadOptions = {}): Config {
  const cwd = options.cwd ?? process.cwd();
  const faults: ConfigFault[] = [];
  const file = readFile(options, cwd, faults);
  const env = options.env ?? processEnvironment();
  const environment = readEnvironment(env);
  const credential = readCredential(env, ROOT_KEY_CREDENTIAL);
  faults.push(...environment.faults, ...credential.faults);
  const layers: Layers = { file, settings: environment.settings };
  const written = validate(layers, faults);
  const files = file === undefined ? [] : [file.file];
  const config =
    written && (deriveConfig(written, pathResolver(layers, cwd), files, credential.text) as Config);
  if (written && config) {
    const found = [...contradictions(written, config, layers), ...runChecks(config, options)];
    faults.push(...found.map((fault) => placeFault(layers, fault)));
  }
  if (faults.length > 0 || config === undefined) throw new ConfigError(faults);
  return deepFreeze(config);
}

function runChecks(config: Config, { checks = [] }: LoadOptions): UnplacedFault[] {
  const faults = checks.flatMap((check) => check(config));
  return faults.map(({ path, message, hint }) => ({ path: path.split('.'), message, hint }));
}

function readFile(options: LoadOptions, cwd: string, faults: ConfigFault[]): ConfigFile | undefined {
  const given = options.configFile;
  const name = path.resolve(cwd, given ?? options.siteFile ?? SITE_FILE);
  const read = readConfigFile(name, given === undefined);
  if (!Array.isArray(read)) return read;
  faults.push(...read);
  return undefined;
}

/**
 * Faults go to `faults`. What comes back has defaults in place of faulty values, so that contradictions
 * among the rest are found in the same go; undefined when there is no telling what was meant.
 */
function validate(layers: Layers, faults: ConfigFault[]): WrittenConfig | undefined {
  const merged = mergeLayers(layers);
  const first = configSchema.safeParse(merged);
  if (first.success) return first.data;
  const found = issueFaults(first.error.issues);
  faults.push(...found.map((fault) => placeFault(layers, fault)));
  return configSchema.safeParse(found.reduce((values, { path }) => withoutPath(values, path), merged)).data;
}

function pathResolver(layers: Layers, cwd: string): ResolvePath {
  const folder = layers.file === undefined ? cwd : path.dirname(layers.file.file);
  return (key, written) => path.resolve(sourceOf(layers, key) === 'file' ? folder : cwd, written);
}

function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || value instanceof Secret) return value;
  for (const inner of Object.values(value)) deepFreeze(inner);
  return Object.freeze(value);
}
