import { ChainbotError, RetryableError } from './errors.ts';

/**
 * What leaves the process as a log line. Secrets are taken out by the name of their key (to a depth of
 * three) and by their look in texts; errors become plain objects with code, hint and causes. One walk does
 * it all, and copies only what it must change.
 */
const REDACTED = '[redacted]';
const DEEPEST = 3;
const MOST_CAUSES = 4;
const MOST_FAULTS = 10;

const SECRET_KEYS: ReadonlySet<string> = new Set([
  'token',
  'password',
  'secret',
  'secret_key',
  'secretkey',
  'authorization',
  'cookie',
  'set-cookie',
]);

/** `Bearer abc…`, `Basic abc…`, and the credentials of a URL. */
const CREDENTIALS = /\b(bearer|basic)\s+[\w.~+/=-]{6,}|(:\/\/)[^\s/@:]*:[^\s/@]+@/gi;

/** A text without bearer tokens, basic credentials, or the user and password of a URL. */
export function redactText(text: string): string {
  if (!/bearer|basic|@/i.test(text)) return text;
  return text.replace(CREDENTIALS, (_, scheme: string | undefined, slashes: string | undefined) =>
    scheme === undefined ? `${slashes}${REDACTED}@` : `${scheme} ${REDACTED}`,
  );
}

/** The fields of a line without secrets and with errors as plain objects. Never changes what it was given. */
export function redactFields(fields: Record<string, unknown>): Record<string, unknown> {
  return redactObject(fields, 0);
}

function redactObject(fields: Record<string, unknown>, depth: number): Record<string, unknown> {
  let copy: Record<string, unknown> | undefined;
  for (const key of Object.keys(fields)) {
    const value = fields[key];
    const clean = SECRET_KEYS.has(key.toLowerCase()) && value != null ? REDACTED : redactValue(value, depth);
    if (clean === value) continue;
    copy ??= { ...fields };
    copy[key] = clean;
  }
  return copy ?? fields;
}

function redactValue(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return redactText(value);
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Error) return plainError(value, 0);
  if (depth >= DEEPEST) return value;
  if (Array.isArray(value)) return redactList(value, depth + 1);
  if (!isPlain(value)) return value; // it has its own toJSON, or is none of our business
  return redactObject(value as Record<string, unknown>, depth + 1);
}

function redactList(list: readonly unknown[], depth: number): readonly unknown[] {
  let copy: unknown[] | undefined;
  list.forEach((value, index) => {
    const clean = redactValue(value, depth);
    if (clean === value) return;
    copy ??= [...list];
    copy[index] = clean;
  });
  return copy ?? list;
}

function isPlain(value: object): boolean {
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** An error as fields: type, code, message, hint, faults, stack, and the same of its causes. */
export function plainError(error: Error, depth: number): Record<string, unknown> {
  const own = error as Error & { code?: unknown; errors?: unknown };
  const plain: Record<string, unknown> = { type: error.name, message: redactText(error.message) };
  if (own.code !== undefined) plain.code = own.code;
  if (error instanceof ChainbotError) {
    plain.retryable = error instanceof RetryableError;
    if (error.hint !== undefined) plain.hint = error.hint;
    if (error.faults.length > 0) plain.faults = error.faults.slice(0, MOST_FAULTS);
  }
  if (error.stack !== undefined) plain.stack = redactText(error.stack);
  if (depth >= MOST_CAUSES) return plain;
  if (error.cause !== undefined) plain.cause = plainCause(error.cause, depth);
  if (Array.isArray(own.errors)) {
    plain.errors = own.errors.slice(0, MOST_CAUSES).map((inner) => plainCause(inner, depth));
  }
  return plain;
}

function plainCause(cause: unknown, depth: number): unknown {
  return cause instanceof Error ? plainError(cause, depth + 1) : redactValue(cause, 0);
}
