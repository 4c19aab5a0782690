import type { Json } from '#core/json.ts';
import { EvalFailure } from './failure.ts';
import type { Frame } from './frame.ts';
import { chargeLook, type FunctionTable, row, textArg } from './function-spec.ts';
import { Bytes, Instant, Span, toJson, toText, typeOf, type Value } from './value.ts';

const decoder = new TextDecoder('utf-8', { fatal: true });

function numberOf(fn: string, value: Value): number {
  if (typeof value === 'number') return value;
  if (typeof value === 'boolean') return Number(value);
  if (value instanceof Instant || value instanceof Span) return value.ms / 1000;
  if (
    typeof value === 'string' &&
    /^\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*$/.test(value.slice(0, 400))
  ) {
    const number = Number(value);
    if (Number.isFinite(number)) return number;
  }
  const shown = typeof value === 'string' ? `"${value.slice(0, 50)}"` : typeOf(value);
  throw new EvalFailure(`${fn} cannot read ${shown}`, `Write ${fn}(x, 0) for a value to take instead.`);
}

/** `double(x)`, or `double(x, y)` that gives y where x is no number. */
function numeric(name: string, read: (value: number) => number): FunctionTable[number] {
  return row(
    name,
    `${name}(x) or ${name}(x, instead)`,
    1,
    2,
    (_, [value, instead]) => {
      try {
        return read(numberOf(name, value ?? null));
      } catch (error) {
        if (instead === undefined || !(error instanceof EvalFailure)) throw error;
        return instead;
      }
    },
    15,
  );
}

function stringOf(frame: Frame, value: Value): string {
  if (value instanceof Bytes) return utf8(value.bytes, 'string');
  const text = value === null ? 'null' : toText(frame, value);
  frame.chargeText(text.length);
  return text;
}

const TRUTHS: Readonly<Record<string, boolean>> = {
  true: true,
  on: true,
  yes: true,
  false: false,
  off: false,
  no: false,
};

function toBool(value: Value): boolean {
  if (typeof value === 'boolean') return value;
  const known = typeof value === 'string' ? value.trim().toLowerCase() : '';
  const truth = Object.hasOwn(TRUTHS, known) ? TRUTHS[known] : undefined;
  if (truth !== undefined) return truth;
  throw new EvalFailure(`bool cannot read ${typeOf(value)}`, 'It reads true, false, on, off, yes and no.');
}

function utf8(bytes: Uint8Array, fn: string): string {
  try {
    return decoder.decode(bytes);
  } catch {
    throw new EvalFailure(`${fn}: these bytes are no UTF-8 text`);
  }
}

function toBytes(frame: Frame, value: Value, fn: string): Uint8Array {
  if (value instanceof Bytes) return value.bytes;
  const text = textArg(fn, value);
  frame.chargeText(text.length * 2);
  return Buffer.from(text, 'utf8');
}

function fromBase64(frame: Frame, text: string): string {
  frame.chargeText(text.length);
  if (!/^[A-Za-z0-9+/_-]*={0,2}$/.test(text)) throw new EvalFailure('base64.decode: this is not base64');
  return utf8(Buffer.from(text, 'base64'), 'base64.decode');
}

function fromJson(frame: Frame, text: string): Value {
  frame.chargeText(text.length);
  chargeLook(frame, text.length * 4);
  try {
    return JSON.parse(text) as Json as Value;
  } catch (error) {
    throw new EvalFailure(`json.decode: ${(error as Error).message}`);
  }
}

function jsonText(frame: Frame, value: Value): string {
  const text = JSON.stringify(toJson(frame, value));
  frame.chargeText(text.length);
  return text;
}

export const CONVERSION_FUNCTIONS: FunctionTable = [
  numeric('double', (value) => value),
  numeric('int', (value) => Math.trunc(value)),
  row('string', 'string(x)', 1, 1, (frame, [value]) => stringOf(frame, value ?? null)),
  row('bool', 'bool(x)', 1, 1, (_, [value]) => toBool(value ?? null)),
  row('bytes', 'bytes(text)', 1, 1, (frame, [value]) => new Bytes(toBytes(frame, value ?? null, 'bytes'))),
  row('type', 'type(x)', 1, 1, (_, [value]) => typeOf(value ?? null)),
  row(
    'base64.encode',
    'base64.encode(x)',
    1,
    1,
    (frame, [value]) => Buffer.from(toBytes(frame, value ?? null, 'base64.encode')).toString('base64'),
    25,
  ),
  row(
    'base64.decode',
    'base64.decode(text)',
    1,
    1,
    (frame, [text]) => fromBase64(frame, textArg('base64.decode', text)),
    40,
  ),
  row('json.encode', 'json.encode(x)', 1, 1, (frame, [value]) => jsonText(frame, value ?? null), 25),
  row(
    'json.decode',
    'json.decode(text)',
    1,
    1,
    (frame, [text]) => fromJson(frame, textArg('json.decode', text)),
    25,
  ),
];
