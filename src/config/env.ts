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
