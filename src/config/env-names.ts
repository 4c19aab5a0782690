import { type ConfigKey, configKeys } from './keys.ts';

export const ENV_PREFIX = 'ALEX_OS_CHAINBOT_';

/** Short names that people know, beside the regular ones with `__` between section and key. */
const SHORT: Readonly<Record<string, string>> = {
  MQTT_URL: 'mqtt.url',
  LOG_LEVEL: 'log.level',
};

/** The variable people should use for a key, after the prefix: `MQTT__EMBEDDED__PORT`. */
export function envSuffix(key: ConfigKey): string {
  const dotted = key.path.join('.');
  const short = Object.keys(SHORT).find((name) => SHORT[name] === dotted);
  return short ?? key.path.join('__').toUpperCase();
}

/** Can a key be set from the environment? Sections and devices have too much shape for a variable. */
export function isSettable(key: ConfigKey): boolean {
  return key.kind !== 'section' && key.kind !== 'record';
}

/** The key a variable sets, by its name without the prefix; undefined when there is none. */
export function keyOfVariable(name: string): ConfigKey | undefined {
  const dotted = SHORT[name] ?? name.toLowerCase().replaceAll('__', '.');
  const key = name === name.toUpperCase() ? configKeys().get(dotted) : undefined;
  return key !== undefined && isSettable(key) ? key : undefined;
}
