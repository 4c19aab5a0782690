import type { Json } from '#core/json.ts';
import { EvalFailure } from './failure.ts';
import type { Frame } from './frame.ts';

/**
 * What expressions compute with: JSON as it stands in the scope, read in place, and three types that JSON
 * has not and that become text when they leave (RFC 3339, `90s`, base64: protobuf's JSON mapping).
 * All numbers are doubles, as they will be when they come back from the journal.
 */
export type Value = null | boolean | number | string | readonly Value[] | ValueMap | Instant | Span | Bytes;
export interface ValueMap {
  readonly [key: string]: Value;
}

/** Values that are not JSON; one base, so that a single check tells them from maps. */
export abstract class Special {
  abstract text(): string;
}

const LATEST_MS = 253_402_300_799_999;
const EARLIEST_MS = -62_135_596_800_000;

/** A point in time, to the millisecond, within the years 1 to 9999. */
export class Instant extends Special {
  readonly ms: number;
  constructor(ms: number) {
    super();
    if (!(ms >= EARLIEST_MS && ms <= LATEST_MS)) throw new EvalFailure('a time outside the years 1 to 9999');
    this.ms = Math.trunc(ms);
  }
  override text(): string {
    return new Date(this.ms).toISOString();
  }
}

/** A length of time in milliseconds; may be negative. */
export class Span extends Special {
  readonly ms: number;
  constructor(ms: number) {
    super();
    if (!Number.isFinite(ms)) throw new EvalFailure('a duration without end');
    this.ms = ms;
  }
  override text(): string {
    return `${this.ms / 1000}s`;
  }
}

export class Bytes extends Special {
  readonly bytes: Uint8Array;
  constructor(bytes: Uint8Array) {
    super();
    this.bytes = bytes;
  }
  override text(): string {
    return Buffer.from(this.bytes).toString('base64');
  }
}

export function isMap(value: Value): value is ValueMap {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Special);
}

export function isList(value: Value): value is readonly Value[] {
  return Array.isArray(value);
}

/** The word for a value's type in messages, and what `type(x)` gives. */
export function typeOf(value: Value): string {
  if (value === null) return 'null';
  if (typeof value === 'boolean') return 'bool';
  if (typeof value !== 'object') return typeof value;
  if (Array.isArray(value)) return 'list';
  if (value instanceof Instant) return 'timestamp';
  if (value instanceof Span) return 'duration';
  return value instanceof Bytes ? 'bytes' : 'map';
}

/** Deep equality; values of different types are unequal, never an error. */
export function equals(frame: Frame, a: Value, b: Value): boolean {
  frame.charge(1);
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (isList(a))
    return isList(b) && a.length === b.length && a.every((x, i) => equals(frame, x, b[i] ?? null));
  if (isMap(a)) {
    if (!isMap(b)) return false;
    const keys = Object.keys(a);
    if (keys.length !== Object.keys(b).length) return false;
    return keys.every((key) => Object.hasOwn(b, key) && equals(frame, a[key] ?? null, b[key] ?? null));
  }
  return typeOf(a) === typeOf(b) && (a as Special).text() === (b as Special).text();
}

const DEEPEST = 200;

/**
 * The value as JSON: the very same object when nothing in it must be converted. Counts its size.
 * @throws BoundExceeded, EvalFailure when it is nested too deeply
 */
export function toJson(frame: Frame, value: Value, depth = 0): Json {
  if (typeof value === 'string') {
    frame.chargeResult(value.length + 2);
    return value;
  }
  if (typeof value !== 'object' || value === null) {
    frame.chargeResult(4);
    // Minus zero would come back from the journal as zero.
    return value === 0 ? 0 : value;
  }
  if (value instanceof Special) return toJson(frame, value.text());
  if (depth > DEEPEST)
    throw new EvalFailure('the value is nested too deeply', 'Pick the parts that are needed.');
  frame.chargeResult(2);
  return isList(value) ? listToJson(frame, value, depth) : mapToJson(frame, value as ValueMap, depth);
}

function listToJson(frame: Frame, list: readonly Value[], depth: number): Json {
  let copy: Json[] | undefined;
  for (let i = 0; i < list.length; i++) {
    const element = list[i] ?? null;
    const json = toJson(frame, element, depth + 1);
    if (!Object.is(json, element) && copy === undefined) copy = list.slice(0, i) as Json[];
    copy?.push(json);
  }
  return copy ?? (list as readonly Json[]);
}

function mapToJson(frame: Frame, map: ValueMap, depth: number): Json {
  const changed: [string, Json][] = [];
  for (const key of Object.keys(map)) {
    frame.chargeResult(key.length + 3);
    const member = map[key] ?? null;
    const json = toJson(frame, member, depth + 1);
    if (!Object.is(json, member)) changed.push([key, json]);
  }
  if (changed.length === 0) return map as Json as { readonly [key: string]: Json };
  const copy: Record<string, Json> = { ...(map as Record<string, Json>) };
  for (const [key, json] of changed) setOwn(copy, key, json);
  return copy;
}

/** Sets an own property whatever its name: assigning to `__proto__` would not. */
export function setOwn<T>(target: Record<string, T>, key: string, value: T): void {
  if (key === '__proto__') {
    Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true });
  } else {
    target[key] = value;
  }
}

/** How a value reads inside a text: JSON for lists and maps, nothing for null, no `.0` on whole numbers. */
export function toText(frame: Frame, value: Value): string {
  if (typeof value === 'string') return value;
  if (value === null) return '';
  if (typeof value !== 'object') return String(value === 0 ? 0 : value);
  if (value instanceof Special) return value.text();
  return JSON.stringify(toJson(frame, value));
}
