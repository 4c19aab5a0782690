import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  type YAMLError,
} from 'yaml';
import type { Json } from '#core/json.ts';
import { invalidDefinition, type Locate, type Path, pathText } from './faults.ts';

/** Reading the text of a definition: what may be in it at all, and where each value stands. */

export interface Source {
  readonly value: Json;
  readonly locate: Locate;
}

const LARGEST_SOURCE = 256 * 1024;
/** Aliases that may be followed, each counting what it repeats. */
const MOST_ALIASES = 100;
const MOST_VALUES = 50_000;
const DEEPEST_VALUE = 64;

/** @throws TerminalError `workflow.invalid` */
export function readSource(source: string, type: 'yaml' | 'json'): Source {
  const size = Buffer.byteLength(source);
  if (size > LARGEST_SOURCE) {
    refuse(
      `the definition has ${size} bytes; at most ${LARGEST_SOURCE} are allowed`,
      'Split it with run_workflow.',
    );
  }
  if (source.trim() === '') refuse('the definition is empty', 'It needs at least a name and steps.');
  refuseDepth(source, type);
  const lines = new LineCounter();
  const plain = type === 'json' ? parseJson(source) : undefined;
  const document = parseYaml(source, lines);
  const duplicates = document.errors.filter((error) => type === 'yaml' || error.code === 'DUPLICATE_KEY');
  const wrong = [...duplicates, ...(type === 'yaml' ? document.warnings : [])];
  if (wrong.length > 0)
    throw invalidDefinition(firstOfEachLine(wrong.map((error) => syntaxFault(error, lines))));
  const locate: Locate = (path, onKey) => locateIn(document, lines, path, onKey);
  const value = type === 'json' ? plain : toValue(document);
  checkValues(value, locate);
  return { value: value as Json, locate };
}

function refuse(message: string, hint: string, line = 1, column = 1): never {
  throw invalidDefinition([{ path: '', message, hint, line, column }]);
}

/** Both parsers recurse: brackets and indentation are bounded before they see the text. */
function refuseDepth(source: string, type: 'yaml' | 'json'): void {
  let depth = 0;
  let line = 1;
  for (let i = 0; i < source.length; i++) {
    const code = source.charCodeAt(i);
    if (code === 10) line++;
    // Brackets in texts are counted too; so many unclosed ones are no text that anybody writes.
    if (code === 91 || code === 123) depth++;
    else if (code === 93 || code === 125) depth = Math.max(0, depth - 1);
    if (depth > 4 * DEEPEST_VALUE)
      refuse('brackets nest too deeply', `At most ${DEEPEST_VALUE} levels.`, line);
  }
  const deep = new RegExp(`^(?:[ \\t]*[-?:][ \\t]+){${DEEPEST_VALUE}}`, 'm');
  if (type === 'yaml' && deep.test(source))
    refuse('lists nest too deeply', `At most ${DEEPEST_VALUE} levels.`);
}

function parseJson(source: string): unknown {
  try {
    return JSON.parse(source);
  } catch (error) {
    const message = (error as Error).message;
    const before = source.slice(0, positionIn(message) ?? firstWrong(source));
    const line = before.split('\n').length;
    const column = before.length - before.lastIndexOf('\n');
    return refuse(
      `this is not JSON: ${message.replace(/, (\.{3})?".*$/s, '')}`,
      'Look for a missing comma, quote or bracket.',
      line,
      column,
    );
  }
}

function positionIn(message: string): number | undefined {
  const at = /at position (\d+)/.exec(message)?.[1];
  return at === undefined ? undefined : Number(at);
}

/** V8 does not say where an unexpected token stands: the longest beginning that could still become JSON does. */
function firstWrong(source: string): number {
  const hopeful = (length: number): boolean => {
    try {
      JSON.parse(source.slice(0, length));
      return true;
    } catch (error) {
      const { message } = error as Error;
      return /end of JSON input|Unterminated/.test(message) || positionIn(message) === length;
    }
  };
  let [good, bad] = [0, source.length];
  while (bad - good > 1) {
    const middle = (good + bad) >> 1;
    if (hopeful(middle)) good = middle;
    else bad = middle;
  }
  return hopeful(bad) ? bad : good;
}

function parseYaml(source: string, lineCounter: LineCounter): Document.Parsed {
  const options = {
    lineCounter,
    prettyErrors: false,
    stringKeys: true,
    schema: 'core',
    merge: false,
  } as const;
  try {
    return parseDocument(source, { ...options, strict: true, uniqueKeys: true, logLevel: 'error' });
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return refuse('the definition nests too deeply', `At most ${DEEPEST_VALUE} levels.`);
  }
}

/** What follows a mistake on its line is mostly of its making. */
function firstOfEachLine<T extends { readonly line: number }>(faults: readonly T[]): readonly T[] {
  return faults.filter(({ line }, i) => faults.findIndex((one) => one.line === line) === i).slice(0, 20);
}

function syntaxFault(error: YAMLError, lines: LineCounter) {
  const { line, col } = lines.linePos(error.pos[0]);
  return { path: '', message: messageFor(error), hint: hintFor(error), line, column: col };
}

/** The parser's words for people who do not write YAML every day. */
const PLAIN: Readonly<Record<string, string>> = {
  BLOCK_AS_IMPLICIT_KEY: 'a text with ": " in it has no quotes, or this line stands too far in',
  MULTILINE_IMPLICIT_KEY: 'this line stands too far in, or out, for the one before it',
  BAD_INDENT: 'this line stands too far in, or out, for the ones before it',
  MISSING_CHAR: 'a quote or a bracket is never closed, or a ":" is missing',
  DUPLICATE_KEY: 'this key stands here twice',
  TAB_AS_INDENT: 'a tab stands where spaces should',
};

function messageFor(error: YAMLError): string {
  if (error.code === 'MULTIPLE_DOCS') return 'there is more than one document (---)';
  const closing = /end with a (\S)/.exec(error.message)?.[1];
  if (closing !== undefined) return `a list or a map is never closed with ${closing}`;
  const plain = PLAIN[error.code];
  if (plain !== undefined) return plain;
  if (error.code === 'NON_STRING_KEY')
    return 'a key is a text; {{ … }} without quotes reads as a map in a map';
  return error.message;
}

function hintFor(error: YAMLError): string {
  if (error.code === 'DUPLICATE_KEY') return 'A key may stand once: rename or remove one of them.';
  if (error.code === 'MULTIPLE_DOCS') return 'Save each workflow by itself.';
  if (error.code === 'NON_STRING_KEY') return 'Quote the expression: "{{ input.x }}".';
  if (error.code === 'TAB_AS_INDENT') return 'Indent with spaces.';
  if (error.code === 'TAG_RESOLVE_FAILED') return 'Tags (!…) are not used here: quote the text.';
  return 'A text that starts with {, [, *, &, !, %, @ or has ": " in it is quoted: "{{ input.x }}".';
}

function toValue(document: Document.Parsed): unknown {
  try {
    return document.toJS({ maxAliasCount: MOST_ALIASES });
  } catch (error) {
    return refuse((error as Error).message, 'Write the repeated parts out, or use vars.');
  }
}

/** Only JSON may be stored; aliases may not blow it up. */
function checkValues(value: unknown, locate: Locate): void {
  let left = MOST_VALUES;
  const fail = (path: Path, message: string, hint: string): never => {
    throw invalidDefinition([{ path: pathText(path), message, hint, ...locate(path, false) }]);
  };
  const visit = (child: unknown, path: Path): void => {
    if (--left < 0) fail(path, 'the definition has too many values', 'Use fewer aliases (*name).');
    if (path.length > DEEPEST_VALUE)
      fail(path, 'the definition nests too deeply', 'Split it with run_workflow.');
    if (typeof child === 'number' && !Number.isFinite(child)) fail(path, `${child} is not JSON`, 'Quote it.');
    if (typeof child === 'bigint') fail(path, `${child} is too large for a number`, 'Quote it.');
    if (typeof child !== 'object' || child === null) return;
    const members = Array.isArray(child) ? child.entries() : Object.entries(child);
    for (const [key, member] of members) visit(member, [...path, key]);
  };
  visit(value, []);
}

function locateIn(document: Document.Parsed, lines: LineCounter, path: Path, onKey: boolean) {
  let node: unknown = document.contents;
  let offset = startOf(node) ?? 0;
  for (const [i, part] of path.entries()) {
    if (isAlias(node)) node = node.resolve(document);
    const last = i === path.length - 1;
    const pair = isMap(node) ? node.items.find((item) => keyOf(item) === String(part)) : undefined;
    const next = pair === undefined ? (isSeq(node) ? node.items[Number(part)] : undefined) : pair.value;
    if (pair === undefined && next === undefined) break;
    offset =
      (last && onKey ? startOf(pair?.key) : undefined) ?? startOf(next) ?? startOf(pair?.key) ?? offset;
    node = next;
  }
  const { line, col } = lines.linePos(offset);
  return { line, column: col };
}

function keyOf(pair: Pair): string {
  return isScalar(pair.key) ? String(pair.key.value) : '';
}

function startOf(node: unknown): number | undefined {
  return (node as Node | null | undefined)?.range?.[0];
}
