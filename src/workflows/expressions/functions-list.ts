import { EvalFailure } from './failure.ts';
import type { Frame } from './frame.ts';
import { chargeLook, emptyList, type FunctionTable, listArg, row, textArg } from './function-spec.ts';
import { compare } from './operators.ts';
import { Bytes, isList, isMap, typeOf, type Value } from './value.ts';

function sizeOf(frame: Frame, value: Value): number {
  if (typeof value === 'string') {
    chargeLook(frame, value.length);
    return countCharacters(value);
  }
  if (isList(value)) return value.length;
  if (isMap(value)) return Object.keys(value).length;
  if (value instanceof Bytes) return value.bytes.length;
  throw new EvalFailure(`size wants a list, a map or a string, not ${typeOf(value)}`);
}

/** Characters as people count them, so that an emoji is one: code points. */
function countCharacters(text: string): number {
  let count = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    const next = code >= 0xd800 && code < 0xdc00 ? text.charCodeAt(i + 1) : 0;
    if (next >= 0xdc00 && next < 0xe000) i++;
    count++;
  }
  return count;
}

function sort(frame: Frame, list: readonly Value[], key: string | undefined): Value {
  frame.charge(list.length * Math.ceil(Math.log2(list.length + 1)));
  const keyOf = (element: Value): Value => {
    if (key === undefined) return element;
    const found = isMap(element) && Object.hasOwn(element, key) ? element[key] : undefined;
    if (found === undefined) throw new EvalFailure(`sort: an element has no "${key}"`);
    return found;
  };
  return list.toSorted((a, b) => compare(keyOf(a), keyOf(b), 'sorted with'));
}

function entriesOf(frame: Frame, fn: string, value: Value | undefined): Record<string, Value> {
  if (value === undefined || !isMap(value)) {
    throw new EvalFailure(`${fn} wants a map, not ${typeOf(value ?? null)}`);
  }
  frame.charge(Object.keys(value).length);
  return value;
}

export const LIST_FUNCTIONS: FunctionTable = [
  row('size', 'size(x)', 1, 1, (frame, [x]) => sizeOf(frame, x ?? null)),
  row('len', 'len(x)', 1, 1, (frame, [x]) => sizeOf(frame, x ?? null)),
  row('first', 'first(list)', 1, 1, (frame, [list]) => {
    const found = listArg(frame, 'first', list)[0];
    if (found === undefined) throw emptyList('first');
    return found;
  }),
  row('last', 'last(list)', 1, 1, (frame, [list]) => {
    const found = listArg(frame, 'last', list).at(-1);
    if (found === undefined) throw emptyList('last');
    return found;
  }),
  row('sort', 'sort(list) or sort(list, "key")', 1, 2, (frame, [list, key]) =>
    sort(frame, listArg(frame, 'sort', list), key === undefined ? undefined : textArg('sort', key)),
  ),
  row('reverse', 'reverse(list)', 1, 1, (frame, [list]) => listArg(frame, 'reverse', list).toReversed()),
  row('keys', 'keys(map)', 1, 1, (frame, [map]) => Object.keys(entriesOf(frame, 'keys', map))),
  row('values', 'values(map)', 1, 1, (frame, [map]) => Object.values(entriesOf(frame, 'values', map))),
];
