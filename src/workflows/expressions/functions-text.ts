import { EvalFailure } from './failure.ts';
import type { Frame } from './frame.ts';
import { chargeLook, type FunctionTable, listArg, row, textArg, wholeArg } from './function-spec.ts';
import { matches } from './pattern.ts';
import { isList, isMap, toText, type Value } from './value.ts';

type TextTest = (text: string, part: string) => boolean;

function testing(name: string, test: TextTest): FunctionTable[number] {
  return row(name, `text.${name}(part)`, 2, 2, (frame, [text, part]) => {
    const whole = textArg(name, text);
    chargeLook(frame, whole.length);
    return test(whole, textArg(name, part));
  });
}

function changing(name: string, change: (text: string) => string): FunctionTable[number] {
  return row(name, `${name}(text)`, 1, 1, (frame, [value]) => {
    const text = textArg(name, value);
    // Upper case may be three times as long (ŉ, ΐ).
    frame.chargeText(text.length);
    return change(text);
  });
}

function split(frame: Frame, text: string, separator: string): Value {
  frame.chargeText(text.length);
  if (separator === '') frame.charge(text.length);
  const parts = separator === '' ? [...text] : text.split(separator);
  frame.charge(parts.length);
  return parts;
}

function join(frame: Frame, list: readonly Value[], separator: string): string {
  const texts = list.map((element) => {
    if (isList(element) || isMap(element)) {
      throw new EvalFailure('join wants texts and numbers', 'Map the list first: map(x, x.name).');
    }
    const text = toText(frame, element);
    frame.chargeText(text.length + separator.length);
    return text;
  });
  return texts.join(separator);
}

function replaceAll(frame: Frame, text: string, from: string, to: string): string {
  if (from === '') throw new EvalFailure('replace wants something to look for, not ""');
  chargeLook(frame, text.length);
  const parts = text.split(from);
  frame.charge(parts.length);
  frame.chargeText(text.length + (parts.length - 1) * Math.max(0, to.length - from.length));
  return parts.join(to);
}

function substring(frame: Frame, text: string, from: number, to: number | undefined): string {
  // Taken apart by code points, which is slow.
  chargeLook(frame, text.length * 16);
  return [...text].slice(from, to).join('');
}

const LONGEST = 1024 * 1024;

export const TEXT_FUNCTIONS: FunctionTable = [
  testing('contains', (text, part) => text.includes(part)),
  testing('startsWith', (text, part) => text.startsWith(part)),
  testing('endsWith', (text, part) => text.endsWith(part)),
  changing('lower', (text) => text.toLowerCase()),
  changing('upper', (text) => text.toUpperCase()),
  changing('trim', (text) => text.trim()),
  row('matches', 'text.matches("^[a-z]+$")', 2, 2, (frame, [text, pattern]) =>
    matches(frame, textArg('matches', text), textArg('matches', pattern)),
  ),
  row('split', 'split(text, ",")', 2, 2, (frame, [text, separator]) =>
    split(frame, textArg('split', text), textArg('split', separator)),
  ),
  row('join', 'join(list) or join(list, ", ")', 1, 2, (frame, [list, separator]) =>
    join(frame, listArg(frame, 'join', list), separator === undefined ? '' : textArg('join', separator)),
  ),
  row('replace', 'replace(text, "old", "new")', 3, 3, (frame, [text, from, to]) =>
    replaceAll(frame, textArg('replace', text), textArg('replace', from), textArg('replace', to)),
  ),
  row('substring', 'substring(text, from) or substring(text, from, to)', 2, 3, (frame, [text, from, to]) =>
    substring(
      frame,
      textArg('substring', text),
      wholeArg('substring', from, 0, LONGEST),
      to === undefined ? undefined : wholeArg('substring', to, 0, LONGEST),
    ),
  ),
];
