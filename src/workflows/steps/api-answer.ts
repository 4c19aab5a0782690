import { RetryableError, TerminalError } from '#core/errors.ts';
import type { Json } from '#core/json.ts';
import { parseRetryAfter } from '#core/retry-after.ts';
import type { OutboundResponse } from '#outbound/port.ts';

/** How to read the body of an answer. */
export type ResponseForm = 'auto' | 'json' | 'text' | 'base64';

/** Request Timeout, Too Early, Too Many Requests: the same call may work later (RFC 9110, 8470, 6585). */
const LATER: ReadonlySet<number> = new Set([408, 425, 429]);
const EXCERPT = 200;

/** What was called, without what may be secret in it: `POST https://host/path`. */
export function callName(method: string, url: string): string {
  if (!URL.canParse(url)) return `${method} (no address)`;
  const { protocol, host, pathname } = new URL(url);
  return `${method} ${protocol}//${host}${pathname}`;
}

/** The error that an unwanted answer is; `now` is Unix milliseconds. */
export function answerError(call: string, answer: OutboundResponse, now: number): Error {
  const { status } = answer;
  const excerpt = excerptOf(answer);
  const message = `${call} answered ${status}${excerpt === '' ? '' : `: ${excerpt}`}`;
  const extra = { status };
  if (status >= 500 || LATER.has(status)) {
    const retryAfterMs = parseRetryAfter(answer.headers['retry-after'], now);
    return new RetryableError('http.status', message, {
      hint: 'The other side has a problem for now: give the step a retry.',
      retryAfterMs,
      extra,
    });
  }
  return new TerminalError('failed', 'http.status', message, { hint: hintFor(answer), extra });
}

function hintFor({ status, headers }: OutboundResponse): string {
  if (status >= 300 && status < 400) {
    const to = callName('', headers.location ?? '').trim();
    return `Redirects to another host (${to}) are not followed: write that address.`;
  }
  if (status === 401 || status === 403) return 'Check the Authorization header and what its token may do.';
  if (status >= 400) return 'Check the address and the body. If this status is fine, name it in expect.';
  return 'This status is not in expect.';
}

/** The beginning of a body, as one line of text. */
export function excerptOf(answer: OutboundResponse): string {
  const text = Buffer.from(answer.body.subarray(0, EXCERPT * 4)).toString('utf8');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is taken out
  const plain = text.replace(/[\u0000-\u001f\u007f\ufffd]+/g, ' ').trim();
  return plain.length > EXCERPT ? `${plain.slice(0, EXCERPT)}…` : plain;
}

/**
 * The body in the wanted form. `auto`: JSON when it says so and is, else text when it is UTF-8, else base64;
 * null when there is none.
 * @throws TerminalError `http.body_invalid` when it is not the form that was asked for
 */
export function readBody(call: string, answer: OutboundResponse, form: ResponseForm): Json {
  const { body } = answer;
  if (form === 'base64') return base64(body);
  if (form === 'auto' && body.length === 0) return null;
  const text = textOf(body);
  if (form === 'text') {
    if (text === undefined) throw otherForm(call, 'UTF-8 text');
    return text;
  }
  const json = text !== undefined && (form === 'json' || saysJson(answer)) ? parseJson(text) : undefined;
  if (form === 'json' && json === undefined) throw otherForm(call, 'JSON');
  return json === undefined ? (text ?? base64(body)) : json.value;
}

function otherForm(call: string, wanted: string): TerminalError {
  return new TerminalError(
    'failed',
    'http.body_invalid',
    `${call} answered with a body that is not ${wanted}`,
    {
      hint: 'Set response to auto or base64 and look at what comes.',
    },
  );
}

const base64 = (body: Uint8Array): string => Buffer.from(body).toString('base64');

function saysJson({ headers }: OutboundResponse): boolean {
  const type = (headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
  return type === 'application/json' || type.endsWith('+json');
}

function textOf(body: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(body);
  } catch {
    return undefined;
  }
}

function parseJson(text: string): { readonly value: Json } | undefined {
  try {
    return { value: JSON.parse(text) as Json };
  } catch {
    return undefined;
  }
}
