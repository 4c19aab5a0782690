import { RetryableError, TerminalError } from '#core/errors.ts';
import type { Json, JsonObject } from '#core/json.ts';
import type { HttpPort, OutboundResponse } from '#outbound/port.ts';
import type { SecretsPort } from '#vault/port.ts';
import type { StepContext, StepType } from '../port.ts';
import { answerError, callName, readBody } from './api-answer.ts';
import { type ApiFields, apiFields, type Paginate } from './api-fields.ts';
import { type Answer, type AskAnswer, firstPage, itemsOf, nextPage } from './api-pages.ts';
import { addressOf, type EncodedBody, encodeBody, quotedKey } from './api-request.ts';
import { hostIsLiteral } from './literal-host.ts';
import type { SiteFiles } from './site-files.ts';

export interface ApiCallDeps {
  readonly http: HttpPort;
  readonly secrets: Pick<SecretsPort, 'credential'>;
  readonly files: SiteFiles;
}

export interface ApiCallOptions {
  /** How long a call may take when the step does not say, milliseconds. */
  readonly timeoutMs: number;
  /** How large an answer may be when the step does not say, bytes; all pages together. */
  readonly maxBytes: number;
}

const OUTPUT = {
  type: 'object',
  properties: {
    status: { type: 'integer' },
    headers: { type: 'object', additionalProperties: { type: 'string' } },
    body: {},
    pages: { type: 'integer' },
    more: { type: 'boolean' },
  },
  required: ['status', 'headers', 'body'],
  additionalProperties: false,
} as const;

/**
 * `api_call`: an HTTP request. Output: `{status, headers, body}`; with `paginate` the items of all pages are the
 * body, and `pages` and `more` say how far it went. It carries the step's Idempotency-Key
 * (draft-ietf-httpapi-idempotency-key-header), so that doing it again after a power cut or a failure is the
 * receiver's same request.
 */
export function apiCallStep(deps: ApiCallDeps, options: ApiCallOptions): StepType {
  return {
    type: 'api_call',
    secretFields: ['query', 'headers', 'body', 'form', 'multipart'],
    late: { fields: ['success', 'paginate.next', 'paginate.items'], names: ['response'] },
    check: apiFields.check,
    schema: apiFields.schema,
    output: OUTPUT,
    effect: 'write',
    // Only the case can say what the other side answers.
    pretend: () => undefined,
    onInterrupt: () => 'retry',
    async run(given, context) {
      const fields = apiFields.parse(given);
      const body = await encodeBody(fields, context.idempotencyKey, deps.files);
      const call = new Call(deps, options, fields, body, context);
      const url = addressOf(fields.url, fields.query);
      return fields.paginate ? gather(call, url, fields.paginate, context) : call.ask(url, 0);
    },
  };
}

/** One page after the other, their items in one list. */
async function gather(call: Call, first: URL, paginate: Paginate, context: StepContext): Promise<JsonObject> {
  const ask: AskAnswer = (field, response) => context.late?.(field, { response });
  const gathered: Json[] = [];
  let url: URL | undefined = firstPage(first, paginate);
  for (let page = 0; ; page++) {
    const answer: Answer = await call.ask(url, page);
    const items = itemsOf(answer, ask);
    gathered.push(...items);
    url = nextPage(url, paginate, answer, page, items.length, ask);
    if (url === undefined || page + 1 >= paginate.max_pages) {
      const { status, headers } = answer;
      return { status, headers, body: gathered, pages: page + 1, more: url !== undefined };
    }
  }
}

/** The requests of one step. */
class Call {
  readonly #deps: ApiCallDeps;
  readonly #fields: ApiFields;
  readonly #body: EncodedBody;
  readonly #context: StepContext;
  readonly #timeoutMs: number;
  /** Bytes that answers may still have. */
  #left: number;

  constructor(
    deps: ApiCallDeps,
    options: ApiCallOptions,
    fields: ApiFields,
    body: EncodedBody,
    context: StepContext,
  ) {
    this.#deps = deps;
    this.#fields = fields;
    this.#body = body;
    this.#context = context;
    this.#timeoutMs = context.timeoutMs ?? options.timeoutMs;
    this.#left = fields.max_bytes ?? options.maxBytes;
  }

  /** @throws RetryableError `http.unsuccessful`, and what the client throws */
  async ask(at: URL, page: number): Promise<Answer> {
    const { expect, response, method: given } = this.#fields;
    const method = given.toUpperCase();
    const { url, headers } = this.#credential(at);
    const request = {
      method,
      url: url.href,
      headers: { ...this.#headers(page), ...headers },
      body: this.#body.body,
      hostIsLiteral: hostIsLiteral(this.#context.written.url, url.href),
      timeoutMs: this.#timeoutMs,
      maxBytes: this.#left,
    };
    const answer = await this.#deps.http.request(request, this.#context.signal);
    this.#left -= answer.body.length;
    const name = callName(method, url.href);
    if (!isExpected(answer, expect)) throw answerError(name, answer, this.#context.clock.now());
    const read = { status: answer.status, headers: answer.headers, body: readBody(name, answer, response) };
    this.#judge(name, read);
    return read;
  }

  #headers(page: number): Record<string, string> {
    const key = this.#context.idempotencyKey;
    const headers: Record<string, string> = {
      'idempotency-key': quotedKey(page === 0 ? key : `${key}?page=${page}`),
    };
    if (this.#body.type !== undefined) headers['content-type'] = this.#body.type;
    for (const [name, value] of Object.entries(this.#fields.headers ?? {})) {
      headers[name.toLowerCase()] = String(value);
    }
    return headers;
  }

  /** Asked for each page anew: a credential knows the hosts it may go to. */
  #credential(at: URL): { readonly url: URL; readonly headers: Readonly<Record<string, string>> } {
    const { credential: name } = this.#fields;
    if (name === undefined) return { url: at, headers: {} };
    const { headers, query } = this.#deps.secrets.credential(name, at.href, this.#context);
    const url = new URL(at);
    for (const [parameter, value] of Object.entries(query)) url.searchParams.set(parameter, value);
    return { url, headers };
  }

  #judge(name: string, response: Answer): void {
    const success = this.#context.late?.('success', { response });
    if (success === undefined || success === true) return;
    const extra = { status: response.status };
    if (success === false) {
      throw new RetryableError('http.unsuccessful', `${name} answered, but \`success\` is false`, {
        hint: 'Give the step a retry to ask again until it is true.',
        extra,
      });
    }
    throw new TerminalError(
      'unprocessable',
      'http.success_invalid',
      '`success` gave neither true nor false',
      {
        hint: 'Compare: response.body.status == "done".',
        extra,
      },
    );
  }
}

function isExpected({ status }: OutboundResponse, expected: ApiFields['expect']): boolean {
  return expected ? expected.includes(status) : status >= 200 && status < 300;
}
