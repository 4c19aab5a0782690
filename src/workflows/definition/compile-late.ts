import { isJsonObject, type Json, type JsonObject } from '#core/json.ts';
import type { Expression } from '../expressions/expression.ts';
import type { LateFields } from '../port.ts';
import type { Path } from './faults.ts';
import { type Sight, withRoots } from './sight.ts';
import type { StepCompiler } from './step-compiler.ts';

interface Late {
  readonly late: ReadonlyMap<string, Expression> | undefined;
  /** The fields without them. */
  readonly early: JsonObject;
}

/**
 * Takes out of a step's fields the expressions that its type asks while it runs (the `success` of an api_call
 * sees `response`), and compiles them where they stand.
 */
export function compileLate(
  { checker }: StepCompiler,
  wanted: LateFields | undefined,
  own: JsonObject,
  path: Path,
  sight: Sight,
): Late {
  const late = new Map<string, Expression>();
  let early = own;
  for (const field of wanted?.fields ?? []) {
    const keys = field.split('.');
    const text = valueAt(own, keys);
    if (typeof text !== 'string' && typeof text !== 'boolean') continue;
    late.set(field, checker.expression(text, [...path, ...keys], withRoots(sight, ...(wanted?.names ?? []))));
    early = without(early, keys);
  }
  return { late: late.size === 0 ? undefined : late, early };
}

function valueAt(fields: JsonObject, keys: readonly string[]): Json | undefined {
  let at: Json | undefined = fields;
  for (const key of keys) at = isJsonObject(at) && Object.hasOwn(at, key) ? at[key] : undefined;
  return at;
}

function without(fields: JsonObject, [key = '', ...rest]: readonly string[]): JsonObject {
  const { [key]: taken, ...others } = fields;
  return rest.length === 0 || !isJsonObject(taken) ? others : { ...others, [key]: without(taken, rest) };
}
