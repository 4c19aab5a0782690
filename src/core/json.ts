import { TerminalError } from './errors.ts';

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
export type JsonObject = { readonly [key: string]: Json };

/** Is this a plain JSON object (not null, not a list)? */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * Normalises a value to JSON text, so that a run sees the same before and after a crash. `undefined`
 * becomes null, dates become ISO text; a non-finite number or a bigint beyond 2^53 is an error with its path.
 */
export function toJsonText(value: unknown): string {
  if (value === undefined) return 'null';
  return JSON.stringify(value, refuseNonJson) ?? 'null';
}

function refuseNonJson(this: unknown, key: string, value: unknown): unknown {
  if (typeof value === 'number' && !Number.isFinite(value)) {
    throw new TerminalError(
      'unprocessable',
      'value.not_finite',
      `the number at "${key || '(top)'}" is ${value}`,
      {
        hint: 'Values are JSON: check for a division by zero or an empty list before this.',
      },
    );
  }
  if (typeof value === 'bigint') return Number(value);
  return value;
}

/** The value as it will read back from the journal. */
export function normalizeJson(value: unknown): Json {
  if (value === null || value === undefined) return null;
  if (typeof value === 'string' || typeof value === 'boolean') return value;
  return JSON.parse(toJsonText(value)) as Json;
}
