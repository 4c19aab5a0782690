import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import type { Fault } from '#core/errors.ts';
import type { Json, JsonObject } from '#core/json.ts';
import { didYouMean } from '#core/near-names.ts';
import { compilePattern } from '../expressions/pattern.ts';
import type { InputResult } from './compiled.ts';

/**
 * The JSON Schema (2020-12) of a workflow's input. Neither the schema nor the data may hold the event loop:
 * patterns run on RE2, uniqueItems is linear, and $refs are followed and counted before anything is compiled,
 * because anyOf over refs doubles with every level.
 */

const MOST_SUBSCHEMAS = 2000;
const MOST_FAULTS = 50;

const compiler = new Ajv2020({
  allErrors: true,
  // Errors name the schema they come from, for the keys that would have been right.
  verbose: true,
  useDefaults: true,
  strict: false,
  validateFormats: false,
  addUsedSchema: false,
  logger: false,
  // The rules of schemas themselves take 60 ms to compile: only a definition that is saved pays (checkSchema).
  meta: false,
  validateSchema: false,
  code: {
    regExp: Object.assign(
      (pattern: string) => {
        const compiled = compilePattern(pattern);
        // Validators share patterns by their text form.
        return { test: (text: string) => compiled.test(text), toString: () => `/${pattern}/` };
      },
      // Only standalone code would be written with this.
      { code: 'new RegExp' },
    ),
  },
});
compiler.removeKeyword('uniqueItems');
compiler.addKeyword({
  keyword: 'uniqueItems',
  type: 'array',
  schemaType: 'boolean',
  errors: false,
  validate: (wanted: boolean, list: readonly Json[]) =>
    !wanted || new Set(list.map(canonical)).size === list.length,
});

function canonical(value: Json): string {
  return JSON.stringify(value, (_, child: Json) => {
    if (typeof child !== 'object' || child === null || Array.isArray(child)) return child;
    return Object.fromEntries(Object.entries(child).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}

/** A keyword that makes an object a schema; without any, somebody has listed the properties directly. */
const KEYWORDS = [
  ...['type', 'properties', 'required', 'additionalProperties', 'patternProperties', 'propertyNames'],
  ...['$ref', '$defs', 'allOf', 'anyOf', 'oneOf', 'not', 'if', 'enum', 'const', 'items', 'prefixItems'],
  ...['minProperties', 'maxProperties', 'dependentRequired', 'dependentSchemas', 'unevaluatedProperties'],
];

export type InputCheck = (value: Json) => InputResult;

/** Without a schema anything goes. */
export const anyInput: InputCheck = (value) => ({ ok: true, value: value ?? {} });

/**
 * Refuses what is no JSON Schema, or one that could hold others up.
 * @throws Error with what is wrong and, as `cause`, a hint
 */
export function checkSchema(schema: JsonObject): void {
  const keys = Object.keys(schema);
  if (keys.length > 0 && !keys.some((key) => KEYWORDS.includes(key))) {
    throw new Error(`"${keys[0]}" is no keyword of JSON Schema`, {
      cause: 'input is a JSON Schema: {type: object, properties: {…}, required: […]}.',
    });
  }
  countSubschemas(schema);
  checker ??= new Ajv2020({ strict: false, validateFormats: false, logger: false });
  if (checker.validateSchema(schema) !== true)
    throw new Error(checker.errorsText(undefined, { dataVar: 'input' }));
}

let checker: Ajv2020 | undefined;

/**
 * Compiles a schema that checkSchema has passed.
 * @throws Error with what is wrong, for a pattern that RE2 cannot run
 */
export function compileInputSchema(schema: JsonObject): InputCheck {
  try {
    const validate = compiler.compile(schema);
    return (value) => check(validate, value ?? {});
  } finally {
    // The validator is ours; the cache would keep every version of every definition.
    compiler.removeSchema(schema);
  }
}

function countSubschemas(root: JsonObject): void {
  let left = MOST_SUBSCHEMAS;
  const visit = (value: Json): void => {
    if (typeof value !== 'object' || value === null) return;
    if (--left < 0) {
      throw new Error('the schema is too large, or a $ref in it leads back to itself', {
        cause:
          'Every $ref is followed and counted; write recursive parts as {type: object} or {type: array}.',
      });
    }
    for (const [key, child] of Object.entries(value)) {
      if (key === '$dynamicRef') throw new Error('$dynamicRef is not supported', { cause: 'Use $ref.' });
      if (key === '$ref' && typeof child === 'string') visit(resolve(root, child));
      // Definitions count where they are used.
      else if (key !== '$defs' && key !== 'definitions') visit(child);
    }
  };
  visit(root);
}

function resolve(root: JsonObject, ref: string): Json {
  if (ref === '#') return root;
  let at: Json | undefined = ref.startsWith('#/') ? root : undefined;
  for (const part of ref.slice(2).split('/')) {
    const key = decodeURIComponent(part).replaceAll('~1', '/').replaceAll('~0', '~');
    at =
      typeof at === 'object' && at !== null && Object.hasOwn(at, key) ? (at as JsonObject)[key] : undefined;
  }
  if (at !== undefined) return at;
  throw new Error(`$ref "${ref}" leads nowhere`, {
    cause: 'Only references within the schema: #/$defs/name.',
  });
}

function check(validate: ValidateFunction, value: Json): InputResult {
  // Defaults are filled in on a copy: the caller's value is not ours.
  const copy = structuredClone(value);
  try {
    if (validate(copy)) return { ok: true, value: copy };
    return {
      ok: false,
      faults: (validate.errors ?? []).slice(0, MOST_FAULTS).map((error) => faultOf(error)),
    };
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return { ok: false, faults: [{ path: 'input', message: 'the input nests too deeply' }] };
  }
}

function faultOf(error: ErrorObject): Fault {
  const parts = error.instancePath.split('/').slice(1);
  const path = ['input', ...parts.map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))];
  const params = error.params as Record<string, unknown>;
  if (error.keyword === 'required') {
    return {
      path: [...path, params.missingProperty].join('.'),
      message: `"${params.missingProperty}" is missing`,
    };
  }
  if (error.keyword === 'additionalProperties') {
    const key = String(params.additionalProperty);
    const known = Object.keys((error.parentSchema as { properties?: object } | undefined)?.properties ?? {});
    return {
      path: [...path, key].join('.'),
      message: `"${key}" is not expected`,
      hint: didYouMean(key, known),
    };
  }
  if (error.keyword === 'enum') {
    const allowed = (params.allowedValues as Json[]).slice(0, 20).map((one) => JSON.stringify(one));
    return { path: path.join('.'), message: `must be one of ${allowed.join(', ')}` };
  }
  const words = error.keyword === 'uniqueItems' ? 'must not hold the same element twice' : error.message;
  return { path: path.join('.'), message: words ?? 'is not allowed' };
}
