import { EvalFailure } from './failure.ts';
import type { FunctionTable } from './function-spec.ts';
import { numberArg, row, textArg } from './function-spec.ts';
import { instantOf, spanOf } from './instant.ts';
import { type ClockField, clockFields } from './time-zone.ts';
import { Instant, Span, typeOf, type Value } from './value.ts';

/** Asking for the clock of a zone takes some 12 µs. */
const ZONE_COST = 250;

function getter(name: string, field: ClockField, offset = 0): FunctionTable[number] {
  return row(name, `time.${name}() or time.${name}("Europe/Berlin")`, 1, 2, (frame, [time, zone]) => {
    if (!(time instanceof Instant)) {
      throw new EvalFailure(
        `${name} wants a timestamp, not ${typeOf(time ?? null)}`,
        'Read text first: timestamp(x).',
      );
    }
    if (zone !== undefined) frame.charge(ZONE_COST);
    return clockFields(time.ms, zone === undefined ? 'UTC' : textArg(name, zone))[field] + offset;
  });
}

/** These also count whole hours and so on of a duration. */
function lengthGetter(name: string, field: ClockField, unitMs: number): FunctionTable[number] {
  const [, ofTime] = getter(name, field);
  return row(name, ofTime.usage, 1, 2, (frame, args) => {
    const [value] = args;
    if (!(value instanceof Span)) return ofTime.call(frame, args);
    return Math.trunc(name === 'getMilliseconds' ? value.ms % 1000 : value.ms / unitMs);
  });
}

function toSpan(value: Value | undefined): Span {
  if (value instanceof Span) return value;
  if (typeof value === 'number') return new Span(numberArg('duration', value) * 1000);
  return spanOf(textArg('duration', value));
}

export const TIME_FUNCTIONS: FunctionTable = [
  row('now', 'now()', 0, 0, (frame) => new Instant(frame.now())),
  row('timestamp', 'timestamp("2026-05-01T08:00:00Z")', 1, 1, (_, [value]) => instantOf(value ?? null), 60),
  row('duration', 'duration("10m")', 1, 1, (_, [value]) => toSpan(value), 40),
  getter('getFullYear', 'year'),
  getter('getMonth', 'month', -1),
  getter('getDate', 'day'),
  getter('getDayOfMonth', 'day', -1),
  getter('getDayOfWeek', 'weekday'),
  getter('getDayOfYear', 'dayOfYear'),
  lengthGetter('getHours', 'hour', 3_600_000),
  lengthGetter('getMinutes', 'minute', 60_000),
  lengthGetter('getSeconds', 'second', 1000),
  lengthGetter('getMilliseconds', 'millisecond', 1),
];
