import type { Frame } from './frame.ts';
import { emptyList, type FunctionTable, numberArg, numbersArg, row, wholeArg } from './function-spec.ts';
import { finite } from './operators.ts';
import { isList, type Value } from './value.ts';

const ANY_NUMBER = Number.POSITIVE_INFINITY;

/** `min(list)` or `min(a, b, …)`. */
function several(frame: Frame, fn: string, args: readonly Value[]): readonly number[] {
  const list = numbersArg(frame, fn, args.length === 1 && isList(args[0] ?? null) ? args[0] : args);
  if (list.length === 0) throw emptyList(fn);
  return list;
}

function sum(list: readonly number[]): number {
  let total = 0;
  for (const number of list) total += number;
  return finite(total, 'sum');
}

/** Half away from zero, in decimal: round(2.675, 2) is 2.68 although the double lies below. */
function round(value: number, digits: number): number {
  const magnitude = Math.abs(value);
  if (digits === 0) return Math.sign(value) * Math.floor(magnitude + 0.5);
  // Through the decimal form: multiplying by 100 would turn 1.005 into 100.49999.
  const [mantissa, exponent = '0'] = String(magnitude).split('e');
  const shifted = Number(`${mantissa}e${Number(exponent) + digits}`);
  if (shifted >= Number.MAX_SAFE_INTEGER) return value;
  return Math.sign(value) * Number(`${Math.floor(shifted + 0.5)}e${-digits}`);
}

function least(list: readonly number[], sign: 1 | -1): number {
  let best = list[0] as number;
  for (const number of list) if ((number - best) * sign < 0) best = number;
  return best;
}

export const NUMBER_FUNCTIONS: FunctionTable = [
  row('sum', 'sum(list)', 1, 1, (frame, [list]) => sum(numbersArg(frame, 'sum', list))),
  row('avg', 'avg(list)', 1, 1, (frame, [list]) => {
    const numbers = numbersArg(frame, 'avg', list);
    if (numbers.length === 0) throw emptyList('avg');
    return sum(numbers) / numbers.length;
  }),
  row('min', 'min(list) or min(a, b, …)', 1, ANY_NUMBER, (frame, args) =>
    least(several(frame, 'min', args), 1),
  ),
  row('max', 'max(list) or max(a, b, …)', 1, ANY_NUMBER, (frame, args) =>
    least(several(frame, 'max', args), -1),
  ),
  row(
    'round',
    'round(x) or round(x, digits)',
    1,
    2,
    (_, [x, digits]) =>
      round(numberArg('round', x), digits === undefined ? 0 : wholeArg('round', digits, 0, 15)),
    25,
  ),
  row('floor', 'floor(x)', 1, 1, (_, [x]) => Math.floor(numberArg('floor', x))),
  row('ceil', 'ceil(x)', 1, 1, (_, [x]) => Math.ceil(numberArg('ceil', x))),
  row('abs', 'abs(x)', 1, 1, (_, [x]) => Math.abs(numberArg('abs', x))),
];
