import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';
import { isMap, isScalar, LineCounter, type ParsedNode, parseDocument } from 'yaml';
import type { ConfigFault } from './faults.ts';

/** More than any sane configuration; a mistyped path to a log or an image stops here. */
const LARGEST_FILE = 1024 * 1024;

/** A configuration file as it was read: plain values, and where each key stands. */
export interface ConfigFile {
  readonly file: string;
  readonly value: Readonly<Record<string, unknown>>;
  /** Line and column (from 1) of the deepest key on the path that stands in the file. */
  locate(path: readonly PropertyKey[]): { line: number; column: number } | undefined;
  /** May every user of the machine read it? Then it is no place for a secret. */
  readonly worldReadable: boolean;
}

/**
 * Reads one YAML file.
 * @returns the file, or its faults (each with a line); undefined when it is absent and `optional`
 */
export function readConfigFile(file: string, optional: boolean): ConfigFile | ConfigFault[] | undefined {
  let text: string;
  let worldReadable: boolean;
  try {
    ({ text, worldReadable } = readBounded(file));
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (optional && (code === 'ENOENT' || code === 'ENOTDIR')) return undefined;
    return [{ source: file, path: '', ...unreadable(code, error) }];
  }
  return parseConfigText(file, text, worldReadable);
}

function readBounded(file: string): { text: string; worldReadable: boolean } {
  const descriptor = openSync(file, 'r');
  try {
    const stat = fstatSync(descriptor);
    if (stat.size > LARGEST_FILE)
      throw new Error(`it has ${stat.size} bytes; at most ${LARGEST_FILE} are read`);
    return { text: readFileSync(descriptor, 'utf8'), worldReadable: (stat.mode & 0o004) !== 0 };
  } finally {
    closeSync(descriptor);
  }
}

function unreadable(code: string | undefined, error: unknown): { message: string; hint: string } {
  if (code === 'ENOENT') {
    return { message: 'there is no such file', hint: 'Check the path given with --config.' };
  }
  if (code === 'EACCES') {
    return {
      message: 'may not be read by this user',
      hint: 'Give it to the user of the daemon (chown), or chmod g+r.',
    };
  }
  const reason = error instanceof Error ? error.message : String(error);
  return { message: `cannot be read: ${reason}`, hint: 'Give a YAML file.' };
}

function parseConfigText(file: string, text: string, worldReadable: boolean): ConfigFile | ConfigFault[] {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const place = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return { line, column: col };
  };
  if (document.errors.length > 0) {
    return document.errors.slice(0, 20).map((error) => ({
      source: file,
      path: '',
      message: `is not YAML: ${error.message}`,
      hint: 'Look at the indentation, colons and quotes on this line.',
      ...place(error.pos[0]),
    }));
  }
  const value = toValue(document);
  if (value === undefined) {
    const message = 'must be a list of keys and values, like "port: 8000"';
    return [{ source: file, path: '', message, hint: 'See config/default.yaml for every key.', line: 1 }];
  }
  const offsetOf = (path: readonly PropertyKey[]) => keyOffset(document.contents, path);
  return {
    file,
    value,
    worldReadable,
    locate: (path) => {
      const offset = offsetOf(path);
      return offset === undefined ? undefined : place(offset);
    },
  };
}

/** An empty file is an empty configuration; anything that is not a map is no configuration. */
function toValue(document: ReturnType<typeof parseDocument>): Readonly<Record<string, unknown>> | undefined {
  if (document.contents === null) return {};
  if (!isMap(document.contents))
    return isScalar(document.contents) && document.contents.value === null ? {} : undefined;
  try {
    return document.toJS({ maxAliasCount: 100 }) as Record<string, unknown>;
  } catch {
    return undefined; // aliases that multiply
  }
}

function keyOffset(top: ParsedNode | null, path: readonly PropertyKey[]): number | undefined {
  let node: unknown = top;
  let offset: number | undefined;
  for (const name of path) {
    if (!isMap(node)) break;
    const pair = node.items.find((item) => isScalar(item.key) && String(item.key.value) === String(name));
    if (pair === undefined || !isScalar(pair.key)) break;
    offset = pair.key.range?.[0] ?? offset;
    node = pair.value;
  }
  return offset;
}
