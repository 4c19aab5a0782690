import type { z } from 'zod';
import { configSchema } from './schema.ts';

/**
 * Every key of the configuration as data, read from the zod schema: for the environment, for messages that
 * name the mend, and for the generated default.yaml and docs/configuration.md.
 */
export interface ConfigKey {
  /** `['mqtt', 'embedded', 'port']` */
  readonly path: readonly string[];
  readonly kind: 'section' | 'text' | 'number' | 'boolean' | 'choice' | 'duration' | 'list' | 'record';
  /** May it be null? */
  readonly nullable: boolean;
  /** The words that may be written, for a choice. */
  readonly options: readonly (string | boolean)[];
  readonly minimum: number | undefined;
  readonly maximum: number | undefined;
  readonly default: unknown;
  readonly description: string;
  /** Its value is never shown. */
  readonly secret: boolean;
}

type Draft = { -readonly [Name in keyof ConfigKey]: ConfigKey[Name] };

function blank(path: readonly string[], schema: z.core.$ZodType): Draft {
  const meta = (schema as z.ZodType).meta() ?? {};
  return {
    path,
    kind: 'text',
    nullable: false,
    options: [],
    minimum: undefined,
    maximum: undefined,
    default: undefined,
    description: meta.description ?? '',
    secret: meta.writeOnly === true,
  };
}

/** Unwraps default, prefault, nullable and optional on the way to what the value really is. */
function readLeaf(draft: Draft, schema: z.core.$ZodTypes): z.core.$ZodTypes {
  const def = schema._zod.def;
  switch (def.type) {
    case 'default':
      draft.default = def.defaultValue;
      return readLeaf(draft, def.innerType as z.core.$ZodTypes);
    case 'nullable':
      draft.nullable = true;
      return readLeaf(draft, def.innerType as z.core.$ZodTypes);
    case 'prefault':
    case 'optional':
      return readLeaf(draft, def.innerType as z.core.$ZodTypes);
    case 'object':
      draft.kind = 'section';
      return schema;
    case 'record':
      draft.kind = 'record';
      return schema;
    case 'array':
      draft.kind = 'list';
      return schema;
    case 'boolean':
      draft.kind = 'boolean';
      return schema;
    case 'number':
      draft.kind = 'number';
      draft.minimum = (schema as z.ZodNumber).minValue ?? undefined;
      draft.maximum = (schema as z.ZodNumber).maxValue ?? undefined;
      return schema;
    case 'enum':
      draft.kind = 'choice';
      draft.options = Object.values(def.entries) as string[];
      return schema;
    case 'union':
      return readUnion(draft, schema, def.options as readonly z.core.$ZodTypes[]);
    default:
      return schema;
  }
}

/** Two unions occur: a number or text is a duration, a boolean or words is a choice. */
function readUnion(draft: Draft, schema: z.core.$ZodTypes, options: readonly z.core.$ZodTypes[]) {
  const defs = options.map((option) => option._zod.def);
  draft.kind = defs.some((def) => def.type === 'number') ? 'duration' : 'choice';
  if (draft.kind === 'choice') {
    draft.options = defs.flatMap((def) =>
      def.type === 'literal' ? (def.values as (string | boolean)[]) : [true, false],
    );
  }
  return schema;
}

function walk(schema: z.core.$ZodTypes, path: readonly string[], found: ConfigKey[]): void {
  const draft = blank(path, schema);
  const inner = readLeaf(draft, schema);
  if (path.length > 0) found.push(Object.freeze(draft));
  if (inner._zod.def.type !== 'object') return;
  for (const [name, child] of Object.entries(inner._zod.def.shape)) {
    walk(child as z.core.$ZodTypes, [...path, name], found);
  }
}

let cached: ReadonlyMap<string, ConfigKey> | undefined;

/** All keys and sections in the order of the schema, by dotted path (`mqtt.embedded.port`). */
export function configKeys(): ReadonlyMap<string, ConfigKey> {
  if (cached === undefined) {
    const found: ConfigKey[] = [];
    walk(configSchema as unknown as z.core.$ZodTypes, [], found);
    cached = new Map(found.map((key) => [key.path.join('.'), key]));
  }
  return cached;
}

/** `true or false`, `a whole number from 0 to 65535`: what may be written for a key. */
export function expectation(key: ConfigKey): string {
  const orNull = key.nullable ? ', or null' : '';
  switch (key.kind) {
    case 'number':
      return `a whole number from ${key.minimum} to ${key.maximum}${orNull}`;
    case 'boolean':
      return `true or false${orNull}`;
    case 'choice':
      return `one of ${key.options.join(', ')}${orNull}`;
    case 'duration':
      return `a duration like 10s, 5m or 1h30m${orNull}`;
    case 'list':
      return 'a list, [one, two]';
    case 'record':
    case 'section':
      return 'a section with keys of its own';
    case 'text':
      return `a text${orNull}`;
  }
}
