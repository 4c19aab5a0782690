import { InvalidArgumentError } from 'commander';
import { parseDuration } from '#core/duration.ts';

/** @throws InvalidArgumentError, which commander shows with the option's name */
export function positiveInteger(text: string): number {
  return wholeNumber(text, 1);
}

export function naturalNumber(text: string): number {
  return wholeNumber(text, 0);
}

function wholeNumber(text: string, least: number): number {
  const number = Number(text);
  if (!/^\d{1,16}$/.test(text) || !Number.isSafeInteger(number) || number < least) {
    throw new InvalidArgumentError(`It must be a whole number from ${least}.`);
  }
  return number;
}

/** A duration in milliseconds, written as everywhere in ChainBot (core/duration.ts). */
export function duration(text: string): number {
  try {
    return parseDuration(text);
  } catch {
    throw new InvalidArgumentError('Write a number and a unit: 250ms, 10s, 5m, 1h30m.');
  }
}

const CLOCK = /^([01]?\d|2[0-3]):([0-5]\d)$/;
const DATE = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d/;

/** A time as RFC 3339: with a date (the local clock's when it names no offset), or the next 18:30. */
export function instant(text: string): string {
  const clock = CLOCK.exec(text);
  const ms = clock
    ? nextTime(Number(clock[1]), Number(clock[2]))
    : DATE.test(text)
      ? Date.parse(text)
      : Number.NaN;
  if (!Number.isNaN(ms)) return new Date(ms).toISOString();
  throw new InvalidArgumentError('Write a time: 18:30, 2026-05-01T08:00 or 2026-05-01T08:00:00+02:00.');
}

function nextTime(hour: number, minute: number): number {
  const time = new Date();
  time.setHours(hour, minute, 0, 0);
  if (time.getTime() <= Date.now()) time.setDate(time.getDate() + 1);
  return time.getTime();
}

/** Collects an option's values: commas between, or the option again. */
export function texts(text: string, previous: readonly string[] | undefined): readonly string[] {
  const found = text.split(',').map((part) => part.trim());
  return [...(previous ?? []), ...found.filter((part) => part !== '')];
}

/** As {@link texts}, of which each must be one of the choices. */
export function oneOf(choices: readonly string[]): typeof texts {
  return (text, previous) => {
    const all = texts(text, previous);
    const wrong = all.find((value) => !choices.includes(value));
    if (wrong !== undefined) throw new InvalidArgumentError(`Allowed choices are ${choices.join(', ')}.`);
    return all;
  };
}
