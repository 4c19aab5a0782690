import { EvalFailure } from './failure.ts';
import type { Frame } from './frame.ts';
import { equals, Instant, isList, isMap, Span, typeOf, type Value } from './value.ts';

/** Operators on two values. Numbers are doubles throughout, so that 5 and 5.0 are the same. */
export type Binary = (frame: Frame, left: Value, right: Value) => Value;

/** A number that JSON can hold. @throws EvalFailure */
export function finite(value: number, what: string): number {
  if (Number.isFinite(value)) return value;
  throw new EvalFailure(`${what} gives ${value}`, 'Values are JSON, which has no such number.');
}

function mismatch(operator: string, left: Value, right: Value): EvalFailure {
  const [a, b] = [typeOf(left), typeOf(right)];
  const odd = a === 'null' || b === 'null';
  const hint = odd
    ? 'Write default(x, y) for a value that may be null.'
    : 'Convert one side: double("3.5"), string(x), timestamp(x), duration(x).';
  return new EvalFailure(`${a} ${operator} ${b} does not work`, hint);
}

const JOINS = new Set(['string', 'number', 'bool', 'timestamp', 'duration']);

function add(frame: Frame, left: Value, right: Value): Value {
  if (typeof left === 'number' && typeof right === 'number') return finite(left + right, '+');
  if (typeof left === 'string' || typeof right === 'string') return concat(frame, left, right);
  if (isList(left) && isList(right)) {
    frame.charge(left.length + right.length);
    return [...left, ...right];
  }
  if (left instanceof Instant && right instanceof Span) return new Instant(left.ms + right.ms);
  if (left instanceof Span && right instanceof Instant) return new Instant(left.ms + right.ms);
  if (left instanceof Span && right instanceof Span) return new Span(left.ms + right.ms);
  throw mismatch('+', left, right);
}

/** A text with a number, a truth value or a time joins them; null, lists and maps are a mistake. */
function concat(frame: Frame, left: Value, right: Value): string {
  if (!JOINS.has(typeOf(left)) || !JOINS.has(typeOf(right))) throw mismatch('+', left, right);
  const a = scalarText(left);
  const b = scalarText(right);
  frame.chargeText(a.length + b.length);
  return a + b;
}

function scalarText(value: Value): string {
  if (value instanceof Instant || value instanceof Span) return value.text();
  return String(value === 0 ? 0 : value);
}

function subtract(_: Frame, left: Value, right: Value): Value {
  if (typeof left === 'number' && typeof right === 'number') return finite(left - right, '-');
  if (left instanceof Instant && right instanceof Instant) return new Span(left.ms - right.ms);
  if (left instanceof Instant && right instanceof Span) return new Instant(left.ms - right.ms);
  if (left instanceof Span && right instanceof Span) return new Span(left.ms - right.ms);
  throw mismatch('-', left, right);
}

function multiply(_: Frame, left: Value, right: Value): Value {
  if (typeof left === 'number' && typeof right === 'number') return finite(left * right, '*');
  if (left instanceof Span && typeof right === 'number') return new Span(left.ms * right);
  if (typeof left === 'number' && right instanceof Span) return new Span(left * right.ms);
  throw mismatch('*', left, right);
}

function divisor(right: number): number {
  if (right !== 0) return right;
  throw new EvalFailure('division by zero', 'Test it first: n == 0 ? 0 : x / n.');
}

function divide(_: Frame, left: Value, right: Value): Value {
  if (typeof right !== 'number') throw mismatch('/', left, right);
  if (typeof left === 'number') return finite(left / divisor(right), '/');
  if (left instanceof Span) return new Span(left.ms / divisor(right));
  throw mismatch('/', left, right);
}

function modulo(_: Frame, left: Value, right: Value): Value {
  if (typeof left === 'number' && typeof right === 'number') return left % divisor(right);
  throw mismatch('%', left, right);
}

/** Negative, zero or positive, as `sort` wants it. @throws EvalFailure for types that have no order */
export function compare(left: Value, right: Value, operator = '<'): number {
  if (typeof left === 'number' && typeof right === 'number') return left - right;
  if (typeof left === 'string' && typeof right === 'string') return left < right ? -1 : left > right ? 1 : 0;
  if (typeof left === 'boolean' && typeof right === 'boolean') return Number(left) - Number(right);
  if (left instanceof Instant && right instanceof Instant) return left.ms - right.ms;
  if (left instanceof Span && right instanceof Span) return left.ms - right.ms;
  throw mismatch(operator, left, right);
}

function isIn(frame: Frame, left: Value, right: Value): boolean {
  if (isList(right)) return right.some((element) => equals(frame, left, element));
  if (isMap(right)) return typeof left === 'string' && Object.hasOwn(right, left);
  throw new EvalFailure(`in wants a list or a map, not ${typeOf(right)}`, 'For texts: "abc".contains("b").');
}

export const BINARY: ReadonlyMap<string, Binary> = new Map<string, Binary>([
  ['_+_', add],
  ['_-_', subtract],
  ['_*_', multiply],
  ['_/_', divide],
  ['_%_', modulo],
  ['_==_', equals],
  ['_!=_', (frame, left, right) => !equals(frame, left, right)],
  ['_<_', (_, left, right) => compare(left, right, '<') < 0],
  ['_<=_', (_, left, right) => compare(left, right, '<=') <= 0],
  ['_>_', (_, left, right) => compare(left, right, '>') > 0],
  ['_>=_', (_, left, right) => compare(left, right, '>=') >= 0],
  ['@in', isIn],
]);

/** @throws EvalFailure unless it is true or false */
export function bool(value: Value, where: string): boolean {
  if (typeof value === 'boolean') return value;
  throw new EvalFailure(
    `${where} wants true or false, not ${typeOf(value)}`,
    'Compare: x > 0, x != "", x == true.',
  );
}

export function negate(value: Value): Value {
  if (typeof value === 'number') return -value;
  if (value instanceof Span) return new Span(-value.ms);
  throw new EvalFailure(`- wants a number, not ${typeOf(value)}`);
}
