import { TerminalError } from '#core/errors.ts';
import type { Json, JsonObject } from '#core/json.ts';
import type { Paginate } from './api-fields.ts';

/** What the expressions of a call see as `response`. */
export interface Answer extends JsonObject {
  readonly status: number;
  readonly headers: JsonObject;
  readonly body: Json;
}

/** Evaluates a late field of the step; undefined when the definition has none. */
export type AskAnswer = (field: 'paginate.next' | 'paginate.items', answer: Answer) => Json | undefined;

/** Where the first page is. */
export function firstPage(url: URL, { by, param = 'page', start }: Paginate): URL {
  return by === 'page' ? withParam(url, param, start) : url;
}

/** The items of one page. @throws TerminalError `http.page_invalid` */
export function itemsOf(answer: Answer, ask: AskAnswer): readonly Json[] {
  const items = ask('paginate.items', answer) ?? answer.body;
  if (Array.isArray(items)) return items as readonly Json[];
  const shown = items === null ? 'null' : typeof items;
  throw new TerminalError('failed', 'http.page_invalid', `a page has no list of items, but ${shown}`, {
    hint: 'Say where they are: paginate.items: "{{ response.body.results }}".',
  });
}

/**
 * Where the next page is; undefined after the last one. `page` counts from 0; `items` is how many this one had.
 * @throws TerminalError `http.page_invalid`, `http.page_elsewhere`
 */
export function nextPage(
  at: URL,
  { by, param, start }: Paginate,
  answer: Answer,
  page: number,
  items: number,
  ask: AskAnswer,
): URL | undefined {
  if (by === 'page') return items === 0 ? undefined : withParam(at, param ?? 'page', start + page + 1);
  const next = by === 'link' ? linkedNext(String(answer.headers.link ?? '')) : ask('paginate.next', answer);
  if (next === undefined || next === null || next === '' || next === false) return undefined;
  if (typeof next !== 'string' && typeof next !== 'number') throw noCursor(next);
  const url = by === 'cursor' && param !== undefined ? withParam(at, param, next) : linked(at, String(next));
  if (url.href === at.href) {
    throw new TerminalError('failed', 'http.page_invalid', 'the next page is this page again', {
      hint: 'Look at what paginate.next gives on the last page: it must be null or empty.',
    });
  }
  return url;
}

function withParam(url: URL, param: string, value: string | number): URL {
  const next = new URL(url);
  next.searchParams.set(param, String(value));
  return next;
}

/** Within the same origin: what the owner wrote is where the call and its headers may go. */
function linked(at: URL, next: string): URL {
  const url = URL.parse(next, at.href);
  if (url?.origin === at.origin) return url;
  throw new TerminalError('failed', 'http.page_elsewhere', `the next page is not on ${at.host}`, {
    hint: 'If this is no address but a cursor, name its query parameter: paginate.param.',
  });
}

function noCursor(next: Json): TerminalError {
  const shown = JSON.stringify(next).slice(0, 50);
  return new TerminalError('failed', 'http.page_invalid', `${shown} is no cursor`, {
    hint: 'paginate.next gives text or a number, and null after the last page.',
  });
}

/** `<…>; rel="next"` in a Link header (RFC 8288 §3). */
function linkedNext(header: string): string | undefined {
  for (const [, address, parameters = ''] of header.slice(0, 8192).matchAll(/<([^>]*)>([^<]*)/g)) {
    const rel = /;\s*rel\s*=\s*(?:"([^"]*)"|([^\s;,]+))/i.exec(parameters);
    if ((rel?.[1] ?? rel?.[2] ?? '').toLowerCase().split(/\s+/).includes('next')) return address;
  }
  return undefined;
}
