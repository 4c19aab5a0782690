import { type ChainbotError, type RefusalKind, RetryableError, TerminalError } from '#core/errors.ts';
import { type Problem, problemUri } from './contract/problem.ts';

/** The one table from the domain's words to HTTP. */
const STATUS_OF_KIND = {
  invalid: 400,
  unauthenticated: 401,
  forbidden: 403,
  not_found: 404,
  conflict: 409,
  gone: 410,
  too_large: 413,
  unprocessable: 422,
  failed: 500,
} as const satisfies Record<RefusalKind, number>;

/** What only a transport can refuse, by code: the domain has no words for these. */
const STATUS_OF_CODE: Readonly<Record<string, number>> = {
  'request.method': 405,
  'hook.method': 405,
  'request.timeout': 408,
  'request.media_type': 415,
  'request.host': 421,
  'request.headers_too_large': 431,
};

/** What may work later, and for another reason than that we can't now. */
const STATUS_OF_RETRYABLE: Readonly<Record<string, number>> = {
  'hook.too_many': 429,
  // The daemon has room; this workflow's own queue has not.
  'run.queue_full': 429,
};

const TITLE: Readonly<Record<number, string>> = {
  400: 'The request is not right',
  401: 'Who are you?',
  403: 'Not allowed',
  404: 'Not there',
  405: 'Not that method here',
  408: 'The request took too long',
  409: 'Not in this state',
  410: 'No longer there',
  413: 'Too large',
  415: 'Not this content type',
  421: 'Not this host',
  422: 'It can not be done with these values',
  429: 'Too many',
  431: 'The headers are too large',
  500: 'Something went wrong here',
  503: 'Not now, try again later',
};

/** The HTTP status of an error. */
export function statusOf(error: ChainbotError): number {
  if (error instanceof RetryableError) return STATUS_OF_RETRYABLE[error.code] ?? 503;
  return STATUS_OF_CODE[error.code] ?? STATUS_OF_KIND[(error as TerminalError).kind];
}

/** Seconds for Retry-After, at least one; undefined when trying again changes nothing. */
export function retryAfterOf(error: ChainbotError): number | undefined {
  if (!(error instanceof RetryableError)) return undefined;
  return Math.max(1, Math.ceil((error.retryAfterMs ?? 1000) / 1000));
}

/** The error as an RFC 9457 problem: never a stack, never a cause. */
export function problemOf(error: ChainbotError): Problem {
  const status = statusOf(error);
  return {
    type: problemUri(error.code),
    title: TITLE[status] ?? 'Error',
    status,
    code: error.code,
    detail: error.message,
    ...(error.hint === undefined ? {} : { hint: error.hint }),
    ...(error.faults.length === 0 ? {} : { faults: error.faults.map((fault) => ({ ...fault })) }),
  };
}

/** The way back, for clients: the error that a problem speaks of. `retryAfter` is the header's value. */
export function errorOfProblem(problem: Problem, retryAfter: string | undefined): ChainbotError {
  const { code, detail, hint, faults, status } = problem;
  if (status === 503 || status === 429) {
    const seconds = Number(retryAfter);
    const retryAfterMs = Number.isFinite(seconds) && seconds > 0 ? seconds * 1000 : undefined;
    return new RetryableError(code, detail, { hint, faults, retryAfterMs });
  }
  return new TerminalError(kindOfStatus(status), code, detail, { hint, faults });
}

function kindOfStatus(status: number): RefusalKind {
  for (const [kind, of] of Object.entries(STATUS_OF_KIND)) if (of === status) return kind as RefusalKind;
  return status < 500 ? 'invalid' : 'failed';
}
