import { z } from 'zod';
import { isJsonObject } from '#core/json.ts';
import { didYouMean } from '#core/near-names.ts';
import { limitWording } from '#core/step-fields.ts';
import { concurrencyShape } from './concurrency.ts';
import type { Faults, Path } from './faults.ts';

/** The static shapes of a definition; what hangs on other parts (ids, templates, types) is checked after them. */

export const NAME = /^[a-z0-9][a-z0-9_-]{0,62}$/;
export const STEP_ID = /^[A-Za-z_][A-Za-z0-9_]{0,62}$/;

const duration = z.union([z.string(), z.number()], { error: 'must be a duration such as 10s, 5m or 1h30m' });
const list = z.array(z.unknown(), { error: 'must be a list of steps' });
const anyObject = z.record(z.string(), z.unknown());
const text = z.string().max(2000);

const days = z.number().min(0.01).max(3650);
const retention = z
  .strictObject({
    keep: z.int().min(1).max(100_000).optional(),
    days: days.optional(),
    failures_days: days.optional(),
  })
  .refine((value) => Object.keys(value).length > 0, {
    error: 'says nothing: give keep, days or failures_days',
  });

export const definitionShape = z.strictObject({
  name: z.string().regex(NAME, {
    error: 'must be 1 to 63 small letters, digits, - and _, and start with a letter or digit',
  }),
  description: text.optional(),
  mode: z.enum(['sequential', 'parallel', 'conditional']).default('sequential'),
  input: anyObject.optional(),
  vars: anyObject.optional(),
  triggers: z.array(z.unknown()).max(50).default([]),
  concurrency: concurrencyShape.optional(),
  priority: z.enum(['low', 'normal', 'high']).optional(),
  retention: retention.optional(),
  timeout: duration.optional(),
  steps: list,
  output: z.unknown().optional(),
  on_error: list.optional(),
});

const RETRY = 'must be a number of tries, or {max_attempts, delay, factor, max_delay, jitter}';

/** A bare number is max_attempts. */
const retryObject = z.strictObject(
  {
    max_attempts: z.int().min(1).max(100).default(3),
    delay: duration.default('1s'),
    factor: z.number().min(1).max(10).default(2),
    max_delay: duration.default('5m'),
    jitter: z.boolean().default(true),
  },
  { error: (issue) => (issue.code === 'invalid_type' ? RETRY : undefined) },
);

/** What every step may have. Its own fields are left to its type. */
export const commonShape = z.object({
  id: z.string().regex(STEP_ID, {
    error:
      'must be letters, digits and _, at most 63, and not start with a digit: expressions say steps.<id>',
  }),
  type: z.string().min(1),
  name: text.optional(),
  when: z
    .union([z.string(), z.boolean()], { error: 'must be a condition: "{{ input.x > 1 }}", true or false' })
    .optional(),
  retry: z
    .preprocess((value) => (typeof value === 'number' ? { max_attempts: value } : value), retryObject)
    .optional(),
  timeout: duration.optional(),
  on_error: z
    .union([z.enum(['fail', 'continue']), list], { error: 'must be fail, continue or a list of steps' })
    .optional(),
  on_interrupt: z.enum(['retry', 'fail', 'skip']).optional(),
  undo: list.optional(),
});

export const COMMON_FIELDS: readonly string[] = Object.keys(commonShape.shape);

type Issue = z.core.$ZodIssue;

/** The value in its shape with defaults, or undefined and the faults added. */
export function readShape<T>(
  schema: z.ZodType<T>,
  value: unknown,
  path: Path,
  faults: Faults,
): T | undefined {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  for (const issue of result.error.issues) addIssue(issue, schema, value, path, faults);
  return undefined;
}

function addIssue(issue: Issue, schema: z.ZodType, value: unknown, base: Path, faults: Faults): void {
  const inner = issue.path.map((part) => (typeof part === 'number' ? part : String(part)));
  const path = [...base, ...inner];
  if (issue.code === 'unrecognized_keys') {
    const known = inner.length === 0 ? keysOf(schema, value) : keysOf(schemaAt(schema, inner), value);
    for (const key of issue.keys) {
      const fallback = known.length === 0 ? undefined : `Possible here: ${known.join(', ')}.`;
      faults.addAtKey([...path, key], `there is no field "${key}" here`, didYouMean(key, known) ?? fallback);
    }
    return;
  }
  const holder = valueAt(value, inner.slice(0, -1));
  const missing = inner.length > 0 && isJsonObject(holder) && valueAt(value, inner) === undefined;
  if (missing) faults.add(path, `"${inner.at(-1)}" is missing`);
  else {
    const { message, hint } = limitWording(issue, valueAt(value, inner)) ?? {
      message: wording(issue, valueAt(value, inner)),
    };
    faults.add(path, message, hint);
  }
}

/** The schema of a field inside, past what wraps it. */
function schemaAt(schema: z.ZodType, path: Path): z.ZodType {
  let at: z.ZodType = schema;
  for (const part of path) {
    const bare = unwrapped(at);
    const next =
      bare instanceof z.ZodObject ? (bare.shape as Record<string, z.ZodType>)[String(part)] : undefined;
    if (next === undefined) return z.unknown();
    at = next;
  }
  return unwrapped(at);
}

function unwrapped(schema: z.ZodType): z.ZodType {
  let at = schema;
  for (;;) {
    if (at instanceof z.ZodOptional || at instanceof z.ZodDefault) at = at.unwrap() as z.ZodType;
    else if (at instanceof z.ZodPipe) at = at.out as z.ZodType;
    else if (at instanceof z.ZodUnion && !(at instanceof z.ZodDiscriminatedUnion)) {
      const map = at.options.find((one) => one instanceof z.ZodObject);
      if (map === undefined) return at;
      return map as z.ZodType;
    } else return at;
  }
}

function wording(issue: Issue, value: unknown): string {
  if (issue.code !== 'invalid_type' || !issue.message.startsWith('Invalid input'))
    return lowerFirst(issue.message);
  const got = value === null ? 'null' : Array.isArray(value) ? 'list' : typeof value;
  return `must be ${article(issue.expected)}, not ${got === 'null' ? got : article(got)}`;
}

function article(type: string): string {
  const name = { array: 'list', record: 'map', object: 'map', int: 'whole number' }[type] ?? type;
  return `a ${name}`;
}

function keysOf(schema: z.ZodType, value: unknown): readonly string[] {
  if (schema instanceof z.ZodObject) return Object.keys(schema.shape);
  if (!(schema instanceof z.ZodDiscriminatedUnion)) return [];
  const type = (value as { type?: unknown }).type;
  const option = schema.options.find(
    (one) => one instanceof z.ZodObject && one.shape.type.safeParse(type).success,
  );
  return option instanceof z.ZodObject ? Object.keys(option.shape) : [];
}

function valueAt(value: unknown, path: Path): unknown {
  let at = value;
  for (const part of path) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, part)) return undefined;
    at = (at as Record<string | number, unknown>)[part];
  }
  return at;
}

function lowerFirst(message: string): string {
  return message.charAt(0).toLowerCase() + message.slice(1);
}
