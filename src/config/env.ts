import { readFileSync } from 'node:fs';
import path from 'node:path';
import { nearNames } from '#core/near-names.ts';
import { ENV_PREFIX, envSuffix, isSettable, keyOfVariable } from './env-names.ts';
import type { ConfigFault } from './faults.ts';
import { type ConfigKey, configKeys, expectation } from './keys.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** One key set by a variable. */
export interface EnvSetting {
  readonly variable: string;
  readonly path: readonly string[];
  readonly value: unknown;
}

/** The daemon's environment. No other file reads process.env. */
export function processEnvironment(): Environment {
  return process.env;
}

/**
 * Reads every `ALEX_OS_CHAINBOT_*` variable. Texts become what their key wants: numbers, true and false,
 * lists (split at commas). An empty variable counts as not set, as in a unit file's `Environment=NAME=`.
 */
export function readEnvironment(env: Environment): { settings: EnvSetting[]; faults: ConfigFault[] } {
  const settings = new Map<ConfigKey, EnvSetting>();
  const faults: ConfigFault[] = [];
  for (const variable of Object.keys(env).sort()) {
    const text = env[variable];
    if (!variable.startsWith(ENV_PREFIX) || text === undefined || text === '') continue;
    const name = variable.slice(ENV_PREFIX.length);
    const key = keyOfVariable(name);
    if (key === undefined) {
      faults.push(unknownVariable(name));
      continue;
    }
    const earlier = settings.get(key);
    if (earlier === undefined) settings.set(key, { variable, path: key.path, value: fromText(key, text) });
    else if (env[earlier.variable] !== text) faults.push(twice(key, earlier.variable, variable));
  }
  return { settings: [...settings.values()], faults };
}

/** Bytes of a credential; more is not a key. */
const LARGEST_CREDENTIAL = 4096;
const SHORTEST_CREDENTIAL = 32;

/**
 * A key that systemd handed over (systemd.exec(5), LoadCredential): a file in `$CREDENTIALS_DIRECTORY`. A line
 * break at its end does not count; bytes that are no text are taken as base64.
 */
export function readCredential(
  env: Environment,
  name: string,
): { readonly text: string | undefined; readonly faults: readonly ConfigFault[] } {
  const folder = env.CREDENTIALS_DIRECTORY;
  if (folder === undefined || folder === '') return { text: undefined, faults: [] };
  const file = path.join(folder, name);
  try {
    const bytes = readFileSync(file);
    if (bytes.length >= SHORTEST_CREDENTIAL && bytes.length <= LARGEST_CREDENTIAL) {
      return { text: credentialText(bytes), faults: [] };
    }
    const message = `it has ${bytes.length} bytes, a root key has ${SHORTEST_CREDENTIAL} to ${LARGEST_CREDENTIAL}`;
    return { text: undefined, faults: [unusable(file, message)] };
  } catch (error) {
    const { code = 'unreadable' } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return { text: undefined, faults: [] };
    return { text: undefined, faults: [unusable(file, `it cannot be read (${code})`)] };
  }
}

function unusable(file: string, message: string): ConfigFault {
  const hint = 'Make one with openssl rand -base64 48, and name it in LoadCredential=chainbot-secret-key:…';
  return { source: file, path: '', message, hint };
}

function credentialText(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes).replace(/\r?\n$/, '');
  } catch {
    return bytes.toString('base64');
  }
}

function fromText(key: ConfigKey, text: string): unknown {
  if (key.nullable && text === 'null') return null;
  if (key.kind === 'list') {
    const items = text.split(',').map((item) => item.trim());
    return items.filter((item) => item !== '');
  }
  if (key.kind === 'number') return /^-?\d{1,15}$/.test(text.trim()) ? Number(text) : text;
  const word = text.trim().toLowerCase();
  if (key.kind === 'boolean' || key.options.includes(true)) {
    if (['true', '1', 'yes', 'on'].includes(word)) return true;
    if (['false', '0', 'no', 'off'].includes(word)) return false;
  }
  return key.kind === 'choice' ? word : text;
}

function unknownVariable(name: string): ConfigFault {
  const names = [...configKeys().values()].filter(isSettable).map(envSuffix);
  const key = keyOfVariable(nearNames(name.toUpperCase(), names)[0] ?? '');
  return {
    source: ENV_PREFIX + name,
    path: '',
    message: 'no such variable',
    hint:
      key === undefined
        ? `Unset it, or take the name of a key: ${ENV_PREFIX}MQTT__BASE_TOPIC sets mqtt.base_topic.`
        : `Did you mean ${ENV_PREFIX}${envSuffix(key)} (${expectation(key)})?`,
  };
}

function twice(key: ConfigKey, first: string, second: string): ConfigFault {
  return {
    source: second,
    path: key.path.join('.'),
    message: `${first} sets it too, and differently`,
    hint: `Unset one of them.`,
  };
}
