/**
 * Something in an expression does not hold for the values it met. `missing` ones (a key, an index, a name,
 * an element of an empty list) are what `has` and `default` look for; `&&` and `||` look past any.
 * It is no Error and words itself only when asked: most are looked past, and nobody reads their stack.
 */
export class EvalFailure {
  readonly hint: string | undefined;
  readonly missing: boolean;
  readonly #message: string | (() => string);

  constructor(message: string | (() => string), hint?: string, missing = false) {
    this.#message = message;
    this.hint = hint;
    this.missing = missing;
  }

  get message(): string {
    return typeof this.#message === 'string' ? this.#message : this.#message();
  }
}

/** An evaluation went over its bounds. Never looked past by `||`, `default` or `exists`. */
export class BoundExceeded extends Error {
  readonly hint: string;

  constructor(message: string, hint: string) {
    super(message);
    this.name = 'BoundExceeded';
    this.hint = hint;
  }
}

/** A fault of the text itself, found while it is compiled. `offset` counts from 0 within the text. */
export class SyntaxFault extends Error {
  readonly hint: string | undefined;
  readonly offset: number;

  constructor(message: string, offset: number, hint?: string) {
    super(message);
    this.name = 'SyntaxFault';
    this.offset = offset;
    this.hint = hint;
  }
}

const MOST_KEYS = 10;

/** `no such key: temperatur`, with the keys that are there. */
export function noSuchKey(key: string, there: object): EvalFailure {
  return new EvalFailure(
    () => `no such key: ${key.slice(0, 100)}; ${keysOf(there)}`,
    'Mend the name, or write default(…, value) for a key that is not always there.',
    true,
  );
}

function keysOf(there: object): string {
  const keys = Object.keys(there);
  if (keys.length === 0) return 'it has no keys at all';
  const more = keys.length > MOST_KEYS ? ` and ${keys.length - MOST_KEYS} more` : '';
  return `there is: ${keys.slice(0, MOST_KEYS).join(', ')}${more}`;
}
