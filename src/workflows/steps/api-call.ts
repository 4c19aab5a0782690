import { z } from 'zod';
import { TerminalError } from '#core/errors.ts';
import type { Json } from '#core/json.ts';
import { stepFields } from '#core/step-fields.ts';
import type { HttpPort, OutboundResponse } from '#outbound/port.ts';
import type { StepType } from '../port.ts';
import { answerError, callName, readBody } from './api-answer.ts';
import { hostIsLiteral } from './literal-host.ts';

export interface ApiCallOptions {
  /** How long a call may take when the step does not say, milliseconds. */
  readonly timeoutMs: number;
  /** How large an answer may be when the step does not say, bytes. */
  readonly maxBytes: number;
}

const METHODS = /^(get|head|post|put|patch|delete|options)$/i;
const MOST_BYTES = 64 * 1024 * 1024;

const scalar = z.union([z.string(), z.number(), z.boolean()], 'must be text, a number, true or false');

const fields = stepFields(
  z.strictObject({
    method: z
      .string()
      .regex(METHODS, 'must be GET, HEAD, POST, PUT, PATCH, DELETE or OPTIONS')
      .default('GET'),
    url: z.string().min(1).max(8192),
    query: z.record(z.string(), z.union([scalar, z.null(), z.array(scalar)])).optional(),
    headers: z.record(z.string(), scalar).optional(),
    body: z.json().optional(),
    expect: z.array(z.int().min(100).max(599)).min(1).max(50).optional(),
    response: z.enum(['auto', 'json', 'text', 'base64']).default('auto'),
    max_bytes: z.int().min(0).max(MOST_BYTES).optional(),
  }),
);

type Fields = ReturnType<typeof fields.parse>;

const OUTPUT = {
  type: 'object',
  properties: {
    status: { type: 'integer' },
    headers: { type: 'object', additionalProperties: { type: 'string' } },
    body: {},
  },
  required: ['status', 'headers', 'body'],
  additionalProperties: false,
} as const;

/**
 * `api_call`: an HTTP request. Output: `{status, headers, body}`. It carries the step's Idempotency-Key
 * (draft-ietf-httpapi-idempotency-key-header), so that doing it again after a power cut or a failure is the
 * receiver's same request.
 */
export function apiCallStep(http: HttpPort, options: ApiCallOptions): StepType {
  return {
    type: 'api_call',
    secretFields: ['query', 'headers', 'body'],
    check: fields.check,
    schema: fields.schema,
    output: OUTPUT,
    effect: 'write',
    // Only the case can say what the other side answers.
    pretend: () => undefined,
    onInterrupt: () => 'retry',
    async run(given, context) {
      const call = fields.parse(given);
      const method = call.method.toUpperCase();
      const url = withQuery(call.url, call.query);
      const { body, type } = encodeBody(call.body);
      const request = {
        method,
        url,
        headers: headersOf(call.headers, type, context.idempotencyKey),
        body,
        hostIsLiteral: hostIsLiteral(context.written.url, url),
        timeoutMs: context.timeoutMs ?? options.timeoutMs,
        maxBytes: call.max_bytes ?? options.maxBytes,
      };
      const answer = await http.request(request, context.signal);
      const name = callName(method, url);
      if (!isExpected(answer, call.expect)) throw answerError(name, answer, context.clock.now());
      return { status: answer.status, headers: answer.headers, body: readBody(name, answer, call.response) };
    },
  };
}

function isExpected({ status }: OutboundResponse, expected: Fields['expect']): boolean {
  return expected ? expected.includes(status) : status >= 200 && status < 300;
}

function withQuery(text: string, query: Fields['query']): string {
  if (!query) return text;
  if (!URL.canParse(text)) {
    throw new TerminalError('invalid', 'http.url_invalid', 'url is not an http:// or https:// address', {
      hint: 'Write scheme and host: http://192.168.1.20:8080/path',
    });
  }
  const url = new URL(text);
  for (const [name, value] of Object.entries(query)) {
    for (const one of Array.isArray(value) ? value : [value])
      if (one !== null) url.searchParams.append(name, String(one));
  }
  return url.href;
}

function encodeBody(body: Json | undefined): { readonly body?: string; readonly type?: string } {
  if (body === undefined || body === null) return {};
  if (typeof body === 'string') return { body, type: 'text/plain; charset=utf-8' };
  return { body: JSON.stringify(body), type: 'application/json' };
}

function headersOf(own: Fields['headers'], type: string | undefined, key: string): Record<string, string> {
  const headers: Record<string, string> = { 'idempotency-key': quoted(key) };
  if (type !== undefined) headers['content-type'] = type;
  for (const [name, value] of Object.entries(own ?? {})) headers[name.toLowerCase()] = String(value);
  return headers;
}

/** A structured-field string (RFC 8941 §3.3.3): printable ASCII in quotes. */
const quoted = (key: string): string => `"${encodeURI(key).replace(/["\\]/g, '\\$&')}"`;
