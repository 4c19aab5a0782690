import { EvalFailure } from './failure.ts';
import type { Frame } from './frame.ts';
import { isList, typeOf, type Value } from './value.ts';

/** A function of the expression language. Arguments are evaluated; their number is checked when planned. */
export interface FunctionSpec {
  readonly least: number;
  readonly most: number;
  /** How it is written, for messages. */
  readonly usage: string;
  /** Units of work of a call in a `map`, beside what it charges for the size of its arguments; one is about 50 ns. */
  readonly cost: number;
  readonly call: (frame: Frame, args: readonly Value[]) => Value;
}

type Table = readonly (readonly [string, FunctionSpec])[];
export type FunctionTable = Table;

const USUAL_COST = 8;

/** One row of a table: name, how it is written, fewest and most arguments, what it does. */
export function row(
  name: string,
  usage: string,
  least: number,
  most: number,
  call: FunctionSpec['call'],
  cost = USUAL_COST,
): readonly [string, FunctionSpec] {
  return [name, { least, most, usage, cost, call }];
}

function wrong(fn: string, wanted: string, value: Value): EvalFailure {
  const hint = value === null ? 'Write default(x, value) for a value that may be null.' : undefined;
  return new EvalFailure(`${fn} wants ${wanted}, not ${typeOf(value)}`, hint);
}

/** @throws EvalFailure unless it is a number */
export function numberArg(fn: string, value: Value | undefined): number {
  if (typeof value === 'number') return value;
  throw wrong(fn, 'a number', value ?? null);
}

/** @throws EvalFailure unless it is a whole number from `least` to `most` */
export function wholeArg(fn: string, value: Value | undefined, least: number, most: number): number {
  const number = numberArg(fn, value);
  if (Number.isInteger(number) && number >= least && number <= most) return number;
  throw new EvalFailure(`${fn} wants a whole number from ${least} to ${most}, not ${number}`);
}

/** @throws EvalFailure unless it is a text */
export function textArg(fn: string, value: Value | undefined): string {
  if (typeof value === 'string') return value;
  throw wrong(fn, 'a string', value ?? null);
}

/** Counts the list's elements as work. @throws EvalFailure unless it is a list */
export function listArg(frame: Frame, fn: string, value: Value | undefined): readonly Value[] {
  if (value === undefined || !isList(value)) throw wrong(fn, 'a list', value ?? null);
  frame.charge(value.length);
  return value;
}

/** @throws EvalFailure unless it is a list of numbers */
export function numbersArg(frame: Frame, fn: string, value: Value | undefined): readonly number[] {
  const list = listArg(frame, fn, value);
  for (const element of list) if (typeof element !== 'number') throw wrong(fn, 'numbers', element);
  return list as readonly number[];
}

/** For functions that need an element: `missing`, so that default(…) can answer. */
export function emptyList(fn: string): EvalFailure {
  return new EvalFailure(`${fn} of an empty list`, `Write default(${fn}(list), value).`, true);
}

/** Text of this length was made or looked at: work of one unit for each 16 characters. */
export function chargeLook(frame: Frame, characters: number): void {
  frame.charge(1 + (characters >> 4));
}
