import { EvalFailure } from './failure.ts';

/** What a wall clock shows somewhere. `month` and `day` count from 1, `weekday` from 0 (Sunday), `dayOfYear` from 0. */
export interface ClockFields {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly weekday: number;
  readonly dayOfYear: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  readonly millisecond: number;
}
export type ClockField = keyof ClockFields;

const MOST_KEPT = 50;
const kept = new Map<string, Intl.DateTimeFormat>();

/** @throws EvalFailure for a zone that is neither `+02:00` nor an IANA name */
export function clockFields(ms: number, zone: string): ClockFields {
  const local = new Date(ms + offsetMs(ms, zone));
  const year = local.getUTCFullYear();
  return {
    year,
    month: local.getUTCMonth() + 1,
    day: local.getUTCDate(),
    weekday: local.getUTCDay(),
    dayOfYear: Math.floor((local.getTime() - startOf(year)) / 86_400_000),
    hour: local.getUTCHours(),
    minute: local.getUTCMinutes(),
    second: local.getUTCSeconds(),
    millisecond: local.getUTCMilliseconds(),
  };
}

function startOf(year: number): number {
  // Date.UTC reads the years 0 to 99 as 1900 to 1999.
  return new Date(0).setUTCFullYear(year, 0, 1);
}

function offsetMs(ms: number, zone: string): number {
  if (zone === 'UTC' || zone === 'Z') return 0;
  const fixed = /^([+-]?)(\d\d):(\d\d)$/.exec(zone);
  if (fixed) return (fixed[1] === '-' ? -1 : 1) * (Number(fixed[2]) * 60 + Number(fixed[3])) * 60_000;
  const parts: Record<string, number> = {};
  for (const { type, value } of formatFor(zone).formatToParts(ms)) parts[type] = Number(value);
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts;
  return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(ms / 1000) * 1000;
}

function formatFor(zone: string): Intl.DateTimeFormat {
  const known = kept.get(zone);
  if (known !== undefined) return known;
  const made = newFormat(zone);
  if (kept.size >= MOST_KEPT) kept.delete(kept.keys().next().value as string);
  kept.set(zone, made);
  return made;
}

function newFormat(timeZone: string): Intl.DateTimeFormat {
  try {
    return new Intl.DateTimeFormat('en-US', {
      timeZone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
  } catch {
    throw new EvalFailure(`"${timeZone.slice(0, 50)}" is no time zone`, 'Write "Europe/Berlin" or "+02:00".');
  }
}
