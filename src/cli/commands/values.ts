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
