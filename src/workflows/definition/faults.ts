import { type Fault, TerminalError } from '#core/errors.ts';

/** A place in a definition: keys and indexes from the top. */
export type Path = readonly (string | number)[];

/** Line and column (from 1) of a place; undefined when there is no text to point at. */
export type Locate = (path: Path, onKey: boolean) => { line: number; column: number } | undefined;

const MOST_FAULTS = 100;

/** Collects everything that is wrong, so that the owner mends it in one go. */
export class Faults {
  readonly #faults: Fault[] = [];
  readonly #locate: Locate;

  constructor(locate: Locate = () => undefined) {
    this.#locate = locate;
  }

  get size(): number {
    return this.#faults.length;
  }

  /** Points at the value at `path`, or where it should be. */
  add(path: Path, message: string, hint?: string): void {
    this.#push(path, message, hint, false);
  }

  /** Points at the key itself: for keys that should not be there. */
  addAtKey(path: Path, message: string, hint?: string): void {
    this.#push(path, message, hint, true);
  }

  #push(path: Path, message: string, hint: string | undefined, onKey: boolean): void {
    if (this.#faults.length >= MOST_FAULTS) return;
    const place = this.#locate(path, onKey);
    this.#faults.push({ path: pathText(path), message, hint, line: place?.line, column: place?.column });
  }

  /** @throws TerminalError `workflow.invalid` when there is any */
  throwIfAny(): void {
    const [first] = this.#faults;
    if (first === undefined) return;
    const sorted = this.#faults.toSorted((a, b) => before(a) - before(b));
    throw invalidDefinition(sorted);
  }
}

function before(fault: Fault): number {
  return (fault.line ?? 0) * 100_000 + (fault.column ?? 0);
}

/** The error that names every fault, the first one in its message. */
export function invalidDefinition(faults: readonly Fault[]): TerminalError {
  const [first] = faults;
  const more = faults.length > 1 ? ` (and ${faults.length - 1} more)` : '';
  const where = first?.line === undefined ? '' : `line ${first.line}, column ${first.column}: `;
  const what = first?.path ? `${first.path}: ${first.message}` : first?.message;
  return new TerminalError('invalid', 'workflow.invalid', `${where}${what}${more}`, {
    hint: first?.hint ?? 'Mend the definition and save it again.',
    faults,
  });
}

/** `steps[2].headers["X-Key"]`. */
export function pathText(path: Path): string {
  let text = '';
  for (const part of path) {
    if (typeof part === 'number') text += `[${part}]`;
    else if (/^[A-Za-z_][A-Za-z0-9_-]*$/.test(part)) text += text === '' ? part : `.${part}`;
    else text += `[${JSON.stringify(part)}]`;
  }
  return text;
}

/** Reads what step types and templates give: `body.list[0]["a b"]`, `list.0`. */
export function readPath(text: string): Path {
  const parts: (string | number)[] = [];
  for (const match of text.matchAll(/\[(\d+)\]|\["((?:[^"\\]|\\.)*)"\]|([^.[\]]+)/g)) {
    const [, index, quoted, name] = match;
    if (index !== undefined) parts.push(Number(index));
    else if (quoted !== undefined) parts.push(JSON.parse(`"${quoted}"`) as string);
    else if (name !== undefined) parts.push(/^\d+$/.test(name) ? Number(name) : name);
  }
  return parts;
}
