import type { ChainbotError } from '#core/errors.ts';
import { PROBLEM_TYPE } from './contract/problem.ts';
import { problemOf, retryAfterOf } from './error-map.ts';

/**
 * Answers are made with plain header objects: then the node server writes them at once, without a Headers
 * object between (that alone cost a third of a small request).
 */
const JSON_HEADERS = {
  'content-type': 'application/json; charset=utf-8',
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
};
const OK = { status: 200, headers: JSON_HEADERS };

/** 200 with a value as JSON. */
export function ok(value: unknown): Response {
  return new Response(JSON.stringify(value), OK);
}

const texts = new WeakMap<object, string>();

/** 200 with an object that its owner gives again unchanged: its JSON is made once. */
export function okAgain(value: object, show: (value: never) => unknown = (same) => same): Response {
  let text = texts.get(value);
  if (text === undefined) {
    text = JSON.stringify(show(value as never));
    texts.set(value, text);
  }
  return new Response(text, OK);
}

/** A value as JSON with another status, or headers of its own. */
export function json(value: unknown, status: number, headers?: Readonly<Record<string, string>>): Response {
  return new Response(JSON.stringify(value), {
    status,
    headers: headers ? { ...JSON_HEADERS, ...headers } : JSON_HEADERS,
  });
}

/** JSON text that is there already. */
export function jsonText(text: string): Response {
  return new Response(text, OK);
}

/** Text of another type than JSON. */
export function text(body: string, contentType: string): Response {
  return new Response(body, { status: 200, headers: { ...JSON_HEADERS, 'content-type': contentType } });
}

/** 204: done, and nothing to say. */
export function done(): Response {
  return new Response(null, {
    status: 204,
    headers: { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' },
  });
}

/** An error as an RFC 9457 problem, with the headers that go with its status. */
export function problem(error: ChainbotError, headers: Readonly<Record<string, string>> = {}): Response {
  const body = problemOf(error);
  return json(body, body.status, { 'content-type': PROBLEM_TYPE, ...headersOf(error), ...headers });
}

function headersOf(error: ChainbotError): Record<string, string> {
  const seconds = retryAfterOf(error);
  if (seconds !== undefined) return { 'retry-after': String(seconds) };
  return error.code === 'auth.required' || error.code === 'auth.token_wrong'
    ? { 'www-authenticate': 'Bearer realm="chainbot"' }
    : {};
}
