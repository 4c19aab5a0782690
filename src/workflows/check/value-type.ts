import { isJsonObject, type Json, type JsonObject } from '#core/json.ts';

/** What is known of a value before anything runs. `any` is the honest answer where little is known. */
export type ValueType =
  | { readonly kind: 'any' | 'null' | 'boolean' | 'number' | 'string' }
  | { readonly kind: 'list'; readonly of: ValueType }
  | {
      readonly kind: 'map';
      readonly fields: ReadonlyMap<string, Field>;
      /** What a name that is not among the fields would be; undefined: there are no others. */
      readonly others: ValueType | undefined;
    };

export interface Field {
  readonly type: ValueType;
  /** It may be missing: not required, and no default fills it in. */
  readonly optional: boolean;
}

export const ANY: ValueType = { kind: 'any' };
export const NULL: ValueType = { kind: 'null' };
export const BOOLEAN: ValueType = { kind: 'boolean' };
export const NUMBER: ValueType = { kind: 'number' };
export const STRING: ValueType = { kind: 'string' };

export const listOf = (of: ValueType): ValueType => ({ kind: 'list', of });

/** A map with these fields, each always there, and no others. */
export function mapOf(fields: Readonly<Record<string, ValueType>>): ValueType {
  const entries = Object.entries(fields).map(([name, type]) => [name, { type, optional: false }] as const);
  return { kind: 'map', fields: new Map(entries), others: undefined };
}

/** The type that both are, `any` when they differ; a field that only one map has may be missing. */
export function join(a: ValueType, b: ValueType): ValueType {
  if (a === b) return a;
  if (a.kind === 'list' && b.kind === 'list') return listOf(join(a.of, b.of));
  if (a.kind === 'map' && b.kind === 'map') return joinMaps(a, b);
  return a.kind === b.kind ? a : ANY;
}

type MapType = Extract<ValueType, { kind: 'map' }>;

function joinMaps(a: MapType, b: MapType): ValueType {
  if (a.others !== undefined || b.others !== undefined) return ANY;
  const fields = new Map<string, Field>();
  for (const name of new Set([...a.fields.keys(), ...b.fields.keys()])) {
    const [one, other] = [a.fields.get(name), b.fields.get(name)];
    const type = one && other ? join(one.type, other.type) : (one ?? other)?.type;
    if (type) fields.set(name, { type, optional: !one || !other || one.optional || other.optional });
  }
  return { kind: 'map', fields, others: undefined };
}

const DEEPEST = 32;

/** The type that a JSON Schema describes; what it says beyond types is left out. */
export function typeOfSchema(schema: Json | undefined, root = schema, depth = 0): ValueType {
  if (!isJsonObject(schema) || depth > DEEPEST) return ANY;
  if (typeof schema.$ref === 'string') return typeOfSchema(target(root, schema.$ref), root, depth + 1);
  if (['anyOf', 'oneOf', 'allOf', 'if', 'not'].some((key) => key in schema)) return ANY;
  if (schema.const !== undefined) return typeOfLiteral(schema.const);
  if (Array.isArray(schema.enum)) return schema.enum.map(typeOfLiteral).reduce(join);
  switch (schema.type) {
    case 'string':
      return STRING;
    case 'number':
    case 'integer':
      return NUMBER;
    case 'boolean':
      return BOOLEAN;
    case 'null':
      return NULL;
    case 'array':
      return listOf(typeOfSchema(schema.items, root, depth + 1));
    case 'object':
      return mapOfSchema(schema, root, depth);
    default:
      return schema.type === undefined && isJsonObject(schema.properties)
        ? mapOfSchema(schema, root, depth)
        : ANY;
  }
}

/**
 * Fields that a schema does not list count as mistakes even where it would let them pass, unless it says
 * `additionalProperties` itself: who lists the fields means these.
 */
function mapOfSchema(schema: JsonObject, root: Json | undefined, depth: number): ValueType {
  const { properties, additionalProperties, required } = schema;
  const needed = new Set(Array.isArray(required) ? required : []);
  const fields = new Map<string, Field>();
  for (const [name, one] of Object.entries(isJsonObject(properties) ? properties : {})) {
    const hasDefault = isJsonObject(one) && one.default !== undefined;
    const type = typeOfSchema(one, root, depth + 1);
    fields.set(name, { type, optional: !needed.has(name) && !hasDefault });
  }
  const open = additionalProperties === true || schema.patternProperties !== undefined || fields.size === 0;
  const others = isJsonObject(additionalProperties)
    ? typeOfSchema(additionalProperties, root, depth + 1)
    : open && additionalProperties !== false
      ? ANY
      : undefined;
  return { kind: 'map', fields, others };
}

function target(root: Json | undefined, ref: string): Json | undefined {
  let at: Json | undefined = ref.startsWith('#/') ? root : undefined;
  for (const part of ref.slice(2).split('/')) at = isJsonObject(at) ? at[part] : undefined;
  return at;
}

/** The type of a value that stands there as it is. */
export function typeOfLiteral(value: Json): ValueType {
  if (value === null) return NULL;
  if (Array.isArray(value)) return listOf(value.length === 0 ? ANY : value.map(typeOfLiteral).reduce(join));
  if (isJsonObject(value)) {
    return mapOf(Object.fromEntries(Object.entries(value).map(([name, one]) => [name, typeOfLiteral(one)])));
  }
  return { kind: typeof value as 'boolean' | 'number' | 'string' };
}

const NAMES: Readonly<Record<ValueType['kind'], string>> = {
  any: 'anything',
  null: 'null',
  boolean: 'true or false',
  number: 'a number',
  string: 'a text',
  list: 'a list',
  map: 'a map',
};

/** `a text`, `true or false`. */
export const typeName = (type: ValueType): string => NAMES[type.kind];
