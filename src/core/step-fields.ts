import { z } from 'zod';
import { TerminalError } from './errors.ts';
import type { Json, JsonObject } from './json.ts';
import { didYouMean } from './near-names.ts';

/** What every step has beside its own fields; step types neither check nor read them. */
const COMMON_FIELDS: ReadonlySet<string> = new Set([
  'id',
  'type',
  'name',
  'when',
  'retry',
  'timeout',
  'on_error',
  'on_interrupt',
  'undo',
]);

/** What is wrong with one field; `path` is dotted from the step (`expect.0`, `headers.accept`). */
export interface FieldFault {
  readonly path: string;
  readonly message: string;
  readonly hint?: string;
}

export interface StepFields<T> {
  /** Faults of the fields as written; a string with `{{` passes for any type. */
  check(fields: JsonObject): readonly FieldFault[];
  /** The fields after evaluation, typed and with defaults. @throws TerminalError `step.fields_invalid` */
  parse(fields: JsonObject): T;
  /** JSON Schema of the fields as written (defaults may be absent), for editors. */
  schema(): JsonObject;
}

type ObjectSchema<T> = z.ZodType<T> & { readonly shape: Readonly<Record<string, unknown>> };
type Issue = z.core.$ZodIssue;

/**
 * Turns a strict zod object into the two things a step type needs: a check of the written definition, where
 * a template may stand anywhere, and a typed reading of the evaluated one. Build it once, when the step type
 * is made. The step's common fields (id, when, retry …) are left out of both.
 */
export function stepFields<T>(schema: ObjectSchema<T>): StepFields<T> {
  const known = Object.keys(schema.shape);
  const faultsOf = (issues: readonly Issue[], fields: JsonObject): FieldFault[] =>
    issues.flatMap((issue) => wording(issue, fields, known));
  return {
    check(fields) {
      const own = ownFields(fields);
      const result = schema.safeParse(own);
      if (result.success) return [];
      return faultsOf(
        result.error.issues.filter((issue) => !standsOnTemplate(issue, own)),
        own,
      );
    },
    parse(fields) {
      const own = ownFields(fields);
      const result = schema.safeParse(own);
      if (result.success) return result.data;
      const faults = faultsOf(result.error.issues, own);
      const first = faults[0];
      throw new TerminalError('unprocessable', 'step.fields_invalid', first?.message ?? 'a field is wrong', {
        hint: first?.hint ?? 'Look at what the expression in this field gave: the step got another type.',
        faults,
      });
    },
    schema: () =>
      z.toJSONSchema(schema, {
        ...{ io: 'input', unrepresentable: 'any', target: 'draft-2020-12' },
        override: ({ zodSchema, jsonSchema }) => {
          if (looksPastCapitals(zodSchema)) delete jsonSchema.pattern;
        },
      }) as JsonObject,
  };
}

/** A pattern of JSON Schema has no flags: without this one it would be another. */
function looksPastCapitals({ _zod: { def } }: z.core.$ZodType): boolean {
  const { checks = [], innerType } = def as z.core.$ZodTypeDef & { readonly innerType?: z.core.$ZodType };
  const flags = checks.map(({ _zod }) => (_zod.def as { readonly pattern?: RegExp }).pattern?.flags ?? '');
  return flags.some((one) => one.includes('i')) || (innerType !== undefined && looksPastCapitals(innerType));
}

function ownFields(fields: JsonObject): JsonObject {
  const own: Record<string, Json> = {};
  for (const [name, value] of Object.entries(fields)) if (!COMMON_FIELDS.has(name)) own[name] = value;
  return own;
}

function valueAt(fields: JsonObject, path: readonly PropertyKey[]): unknown {
  let value: unknown = fields;
  for (const key of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as Record<PropertyKey, unknown>)[key];
  }
  return value;
}

function standsOnTemplate(issue: Issue, fields: JsonObject): boolean {
  if (issue.code === 'unrecognized_keys') return false;
  const value = valueAt(fields, issue.path);
  return typeof value === 'string' && value.includes('{{');
}

function wording(issue: Issue, fields: JsonObject, known: readonly string[]): FieldFault[] {
  const path = issue.path.map(String).join('.');
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => unknownField(path, key, known));
  if (issue.code === 'invalid_type' || issue.code === 'invalid_union' || issue.code === 'invalid_value') {
    if (valueAt(fields, issue.path) === undefined) return [{ path, message: `"${path}" is missing` }];
  }
  const limit = limitWording(issue, valueAt(fields, issue.path));
  if (limit !== undefined) return [{ path, ...limit, message: `"${path}" ${limit.message}` }];
  if (issue.code === 'invalid_type') {
    const got = typeName(valueAt(fields, issue.path));
    return [{ path, message: `"${path}" must be ${article(issue.expected)}, not ${article(got)}` }];
  }
  return [{ path, message: `"${path}": ${issue.message}` }];
}

/** What a value outside a choice or a limit is told; undefined for other issues, and for words of their own. */
export function limitWording(
  issue: Issue,
  value: unknown,
): { readonly message: string; readonly hint?: string } | undefined {
  if (issue.code === 'invalid_value' && /^invalid/i.test(issue.message)) {
    const choices = issue.values.map(String);
    const hint = typeof value === 'string' ? didYouMean(value, choices) : undefined;
    const message = choices.length === 1 ? `must be ${choices[0]}` : `must be one of ${choices.join(', ')}`;
    return hint === undefined ? { message } : { message, hint };
  }
  if (issue.code !== 'too_small' && issue.code !== 'too_big') return undefined;
  if (!/^too (small|big)/i.test(issue.message)) return undefined;
  const [word, limit] = issue.code === 'too_small' ? ['at least', issue.minimum] : ['at most', issue.maximum];
  const what = { string: ' characters long', array: ' elements long', number: '', int: '' }[
    String(issue.origin)
  ];
  return { message: `must be ${word} ${limit}${what ?? ''}` };
}

function unknownField(path: string, key: string, known: readonly string[]): FieldFault {
  const full = path === '' ? key : `${path}.${key}`;
  const hint = path === '' ? didYouMean(key, [...known, ...COMMON_FIELDS]) : undefined;
  const fallback =
    known.length === 0
      ? 'It has none of its own.'
      : `Its fields are ${known.join(', ')}; every step may have when, retry, timeout, on_error …`;
  return { path: full, message: `there is no field "${full}" in this step`, hint: hint ?? fallback };
}

function typeName(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'array' : typeof value;
}

const article = (type: string): string => {
  const name = { array: 'list', record: 'object', int: 'whole number' }[type] ?? type;
  if (name === 'null') return name;
  return /^[aeiou]/.test(name) ? `an ${name}` : `a ${name}`;
};
