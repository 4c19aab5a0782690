import { parseDuration } from '#core/duration.ts';
import { TerminalError } from '#core/errors.ts';
import type { Json } from '#core/json.ts';
import { EvalFailure } from './failure.ts';
import { Instant, Span, typeOf, type Value } from './value.ts';

const RFC_3339 = /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?([Zz]|[+-]\d\d:\d\d)$/;

/** A time as expressions read it: RFC 3339 with an offset, or Unix seconds. @throws EvalFailure */
export function instantOf(value: Value): Instant {
  if (value instanceof Instant) return value;
  if (typeof value === 'number') return new Instant(value * 1000);
  if (typeof value !== 'string') throw new EvalFailure(`timestamp wants a string, not ${typeOf(value)}`);
  const ms = RFC_3339.test(value) ? Date.parse(value.replace(' ', 'T').toUpperCase()) : Number.NaN;
  if (!Number.isNaN(ms)) return new Instant(ms);
  throw new EvalFailure(
    `"${value.slice(0, 50)}" is not a time`,
    'Write it as 2026-05-01T08:00:00Z or 2026-05-01T08:00:00+02:00.',
  );
}

/** Reads `10m`, `1h30m`, `-5s`. @throws EvalFailure */
export function spanOf(text: string): Span {
  const negative = text.startsWith('-');
  try {
    return new Span(parseDuration(negative ? text.slice(1) : text) * (negative ? -1 : 1));
  } catch (error) {
    if (!(error instanceof TerminalError)) throw error;
    throw new EvalFailure(error.message, error.hint);
  }
}

/**
 * The `until` of a wait after evaluation, in Unix milliseconds: RFC 3339 text or Unix seconds.
 * @throws TerminalError `time.invalid`
 */
export function readInstant(value: Json): number {
  try {
    return instantOf(value as Value).ms;
  } catch (error) {
    if (!(error instanceof EvalFailure)) throw error;
    throw new TerminalError('unprocessable', 'time.invalid', error.message, { hint: error.hint });
  }
}
