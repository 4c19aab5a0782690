import { inspect } from 'node:util';

const REDACTED = '[redacted]';

/**
 * A value that must not be printed. However it reaches a log, a JSON body, a template or a debugger, it
 * reads `[redacted]`; only `reveal()` gives the text, so that every use can be found by that word.
 */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return REDACTED;
  }

  toJSON(): string {
    return REDACTED;
  }

  [Symbol.toPrimitive](): string {
    return REDACTED;
  }

  [inspect.custom](): string {
    return REDACTED;
  }
}

/** Wraps a secret that may be absent. */
export function secret(value: string | null): Secret | undefined {
  return value === null ? undefined : new Secret(value);
}
