import { TerminalError } from '#core/errors.ts';
import { idFrom } from '#core/ids.ts';
import type { ApiFields } from './api-fields.ts';
import { encodeMultipart, type FormPart } from './multipart.ts';
import type { SiteFiles } from './site-files.ts';

/** Bytes of files in one request. */
const MOST_SENT = 32 * 1024 * 1024;

export interface EncodedBody {
  readonly body?: string | Uint8Array | undefined;
  readonly type?: string | undefined;
}

type Pairs = NonNullable<ApiFields['query']>;

/** The body of a call, with what it is. `key` makes the boundary of a multipart body the same in every attempt. */
export async function encodeBody(call: ApiFields, key: string, files: SiteFiles): Promise<EncodedBody> {
  if (call.form) {
    return { body: appendPairs(new URLSearchParams(), call.form).toString(), type: FORM };
  }
  if (call.multipart) return encodeMultipart(await partsOf(call.multipart, files), `chainbot-${idFrom(key)}`);
  if (call.file !== undefined) {
    const { bytes, type } = await files.read(call.file, MOST_SENT);
    return { body: bytes, type };
  }
  const { body } = call;
  if (body === undefined || body === null) return {};
  if (typeof body === 'string') return { body, type: 'text/plain; charset=utf-8' };
  return { body: JSON.stringify(body), type: 'application/json' };
}

const FORM = 'application/x-www-form-urlencoded';

async function partsOf(
  multipart: NonNullable<ApiFields['multipart']>,
  files: SiteFiles,
): Promise<FormPart[]> {
  const parts: FormPart[] = [];
  let left = MOST_SENT;
  for (const [field, part] of Object.entries(multipart)) {
    const read = await partOf(part, files, left);
    left -= read.bytes.length;
    parts.push({ field, ...read });
  }
  return parts;
}

type Part = NonNullable<ApiFields['multipart']>[string];

async function partOf(part: Part, files: SiteFiles, maxBytes: number): Promise<Omit<FormPart, 'field'>> {
  if (typeof part !== 'object') return { bytes: Buffer.from(String(part)) };
  if ('text' in part) return { bytes: Buffer.from(part.text), name: part.name, type: part.type };
  const { bytes, name, type } = await files.read(part.file, maxBytes);
  return { bytes, name: part.name ?? name, type: part.type ?? type };
}

/** The address with its query. @throws TerminalError `http.url_invalid` */
export function addressOf(text: string, query: Pairs = {}): URL {
  const url = URL.parse(text);
  if (!url) {
    throw new TerminalError('invalid', 'http.url_invalid', 'url is not an http:// or https:// address', {
      hint: 'Write scheme and host: http://192.168.1.20:8080/path',
    });
  }
  appendPairs(url.searchParams, query);
  return url;
}

/** A list gives its name several times, null nothing. */
function appendPairs(to: URLSearchParams, pairs: Pairs): URLSearchParams {
  for (const [name, value] of Object.entries(pairs)) {
    for (const one of Array.isArray(value) ? value : [value]) if (one !== null) to.append(name, String(one));
  }
  return to;
}

/** A structured-field string (RFC 8941 §3.3.3): printable ASCII in quotes. */
export function quotedKey(key: string): string {
  return `"${encodeURI(key).replace(/["\\]/g, '\\$&')}"`;
}
