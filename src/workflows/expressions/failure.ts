/**
 * Something in an expression does not hold for the values it met. `missing` ones (a key, an index, a name,
 * an element of an empty list) are what `has` and `default` look for; `&&` and `||` look past any.
 */
export class EvalFailure extends Error {
  readonly hint: string | undefined;
  readonly missing: boolean;

  constructor(message: string, hint?: string, missing = false) {
    super(message);
    this.name = 'EvalFailure';
    this.hint = hint;
    this.missing = missing;
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
  const keys = Object.keys(there);
  const shown = keys.slice(0, MOST_KEYS).join(', ');
  const more = keys.length > MOST_KEYS ? ` and ${keys.length - MOST_KEYS} more` : '';
  const message = keys.length === 0 ? 'it has no keys at all' : `there is: ${shown}${more}`;
  return new EvalFailure(
    `no such key: ${key.slice(0, 100)}; ${message}`,
    'Mend the name, or write default(…, value) for a key that is not always there.',
    true,
  );
}
