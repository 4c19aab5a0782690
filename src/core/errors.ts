/**
 * The errors that leave a room. Each has a stable `code` for programs, a message for people and a `hint`
 * that names the mend. What may be tried again and what may not are different types, so that a caller
 * cannot mix them up by forgetting a flag. Domain errors know no HTTP: api/error-map.ts reads `kind`.
 */

/** What sort of answer a terminal error is, in the domain's words. */
export type RefusalKind =
  | 'invalid'
  | 'unauthenticated'
  | 'forbidden'
  | 'not_found'
  | 'conflict'
  | 'gone'
  | 'too_large'
  | 'unprocessable'
  | 'failed';

/** One thing that is wrong in an input: where, what, and the mend. `line` and `column` count from 1. */
export interface Fault {
  readonly path: string;
  readonly message: string;
  readonly hint?: string | undefined;
  readonly line?: number | undefined;
  readonly column?: number | undefined;
}

interface ErrorOptionsOf {
  readonly hint?: string | undefined;
  readonly cause?: unknown;
  readonly faults?: readonly Fault[] | undefined;
  /** What a program may want beside the code: an HTTP status, a limit. Goes into the {@link ErrorRecord}. */
  readonly extra?: ErrorExtra | undefined;
}

export type ErrorExtra = Readonly<Record<string, string | number | boolean | null>>;

export abstract class ChainbotError extends Error {
  readonly code: string;
  readonly hint: string | undefined;
  readonly faults: readonly Fault[];
  readonly extra: ErrorExtra | undefined;

  constructor(code: string, message: string, options: ErrorOptionsOf = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.code = code;
    this.hint = options.hint;
    this.faults = options.faults ?? [];
    this.extra = options.extra;
  }
}

/** Trying again changes nothing until somebody mends the input, the rights or the state. */
export class TerminalError extends ChainbotError {
  readonly kind: RefusalKind;

  constructor(kind: RefusalKind, code: string, message: string, options: ErrorOptionsOf = {}) {
    super(code, message, options);
    this.kind = kind;
  }
}

/** The same thing may work later. `retryAfterMs` is what the other side asked for, if it said. */
export class RetryableError extends ChainbotError {
  readonly retryAfterMs: number | undefined;

  constructor(
    code: string,
    message: string,
    options: ErrorOptionsOf & {
      readonly retryAfterMs?: number | undefined;
    } = {},
  ) {
    super(code, message, options);
    this.retryAfterMs = options.retryAfterMs;
  }
}

/** An error as JSON for journals and wires: never a stack, never a secret. */
export interface ErrorRecord {
  readonly code: string;
  readonly message: string;
  readonly hint?: string | undefined;
  readonly retryable: boolean;
  readonly [extra: string]: string | number | boolean | null | undefined;
}

/** Turns anything thrown into an {@link ErrorRecord}; unknown errors become code `internal`. */
export function errorRecord(error: unknown): ErrorRecord {
  if (error instanceof ChainbotError) {
    const record = {
      ...error.extra,
      code: error.code,
      message: error.message,
      retryable: error instanceof RetryableError,
    };
    return error.hint === undefined ? record : { ...record, hint: error.hint };
  }
  const message = error instanceof Error ? error.message : String(error);
  return { code: 'internal', message, retryable: false };
}
