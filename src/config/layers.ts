import { isJsonObject } from '#core/json.ts';
import type { ConfigFile } from './config-file.ts';
import type { EnvSetting } from './env.ts';
import type { ConfigFault } from './faults.ts';
import type { UnplacedFault } from './issue-faults.ts';
import { configKeys } from './keys.ts';

/** What somebody wrote, in the order it counts: the defaults (in the schema), one file, the environment. */
export interface Layers {
  readonly file: ConfigFile | undefined;
  readonly settings: readonly EnvSetting[];
}

type Values = Readonly<Record<string, unknown>>;

/** The file's values with the environment's over them. Defaults are the schema's work. */
export function mergeLayers(layers: Layers): Values {
  let merged = withoutEmptySections(layers.file?.value ?? {}, []);
  for (const { path, value } of layers.settings) merged = setAt(merged, path, value);
  return merged;
}

/** `mqtt:` with nothing below it (every key commented out) means the section's defaults. */
function withoutEmptySections(values: Values, path: readonly string[]): Values {
  const kept = Object.entries(values).flatMap(([name, value]): [string, unknown][] => {
    const here = [...path, name];
    const kind = configKeys().get(here.join('.'))?.kind;
    if (value === null && (kind === 'section' || kind === 'record')) return [];
    return [[name, kind === 'section' && isJsonObject(value) ? withoutEmptySections(value, here) : value]];
  });
  return Object.fromEntries(kept); // defines, never assigns: a key called __proto__ stays a key
}

function setAt(values: Values, [name, ...rest]: readonly string[], value: unknown): Values {
  if (name === undefined) return values;
  const inner = Object.hasOwn(values, name) ? values[name] : {};
  if (rest.length > 0 && !isJsonObject(inner)) return values; // the file's fault is reported by the schema
  return { ...values, [name]: rest.length === 0 ? value : setAt(inner as Values, rest, value) };
}

/** Removes the value at a path, so that the default stands there. */
export function withoutPath(values: Values, [name, ...rest]: readonly PropertyKey[]): Values {
  const key = String(name);
  const inner = values[key];
  if (rest.length > 0 && isJsonObject(inner)) return { ...values, [key]: withoutPath(inner, rest) };
  const { [key]: _, ...others } = values;
  return others;
}

/** Where a key was written: a variable's name or a file, or undefined when its default stands. */
export function sourceOf(layers: Layers, path: readonly PropertyKey[]): 'file' | 'env' | undefined {
  const starts = (setting: EnvSetting) => path.every((name, i) => setting.path[i] === name);
  if (layers.settings.some(starts)) return 'env';
  let value: unknown = layers.file?.value;
  for (const name of path) {
    if (!isJsonObject(value) || !Object.hasOwn(value, String(name))) return undefined;
    value = value[String(name)];
  }
  return value === undefined ? undefined : 'file';
}

/** Adds file and line, or the variable, to a fault. */
export function placeFault(layers: Layers, fault: UnplacedFault): ConfigFault {
  const { message, hint } = fault;
  const path = fault.path.map(String).join('.');
  const setting = layers.settings.find(({ path: set }) => set.every((name, i) => fault.path[i] === name));
  if (setting !== undefined) return { source: setting.variable, path, message, hint };
  const place = layers.file?.locate(fault.path);
  if (place === undefined) return { source: layers.file?.file, path, message, hint };
  return { source: layers.file?.file, path, message, hint, ...place };
}
