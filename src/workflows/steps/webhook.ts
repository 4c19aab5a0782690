import { z } from 'zod';
import { RetryableError, TerminalError } from '#core/errors.ts';
import { idFrom } from '#core/ids.ts';
import { type Json, toJsonText } from '#core/json.ts';
import { parseRetryAfter } from '#core/retry-after.ts';
import { signWebhook, WEBHOOK_HEADERS, webhookKey } from '#core/standard-webhooks.ts';
import { stepFields } from '#core/step-fields.ts';
import type { HttpPort, OutboundResponse } from '#outbound/port.ts';
import type { SecretsPort } from '#vault/port.ts';
import type { StepContext, StepType } from '../port.ts';
import { callName, excerptOf } from './api-answer.ts';
import { hostIsLiteral } from './literal-host.ts';

export interface WebhookOptions {
  /** How long one delivery may take when the step does not say, milliseconds. */
  readonly timeoutMs: number;
}

/** What is read of an answer: enough for a hint of what was wrong. */
const MOST_BYTES = 64 * 1024;
const MOST_SECRETS = 5;
const GONE = 410;

const secretName = z
  .string()
  .min(1)
  .max(100)
  .refine((text) => !text.startsWith('whsec_'), {
    error: 'must be the name of a secret in the vault, not the secret: chainbot secrets set NAME',
  });

const fields = stepFields(
  z.strictObject({
    url: z.string().min(1).max(8192),
    body: z.json(),
    secret: z.union([secretName, z.array(secretName).min(1).max(MOST_SECRETS)]).optional(),
    headers: z
      .record(
        z.string(),
        z.union([z.string(), z.number(), z.boolean()], 'must be text, a number, true or false'),
      )
      .optional(),
  }),
);

const OUTPUT = {
  type: 'object',
  properties: { id: { type: 'string' }, status: { type: 'integer' } },
  required: ['id', 'status'],
  additionalProperties: false,
} as const;

/**
 * `webhook`: tells another system, as Standard Webhooks 1.0.0 says. Output: `{id, status}`. The id is that of the
 * step and stays the same in every attempt; time and signature are those of the attempt. Anything but 2xx may be
 * tried again, but for redirects and 410 Gone ("Delivery success and failure").
 */
export function webhookStep(
  http: HttpPort,
  secrets: Pick<SecretsPort, 'get'>,
  options: WebhookOptions,
): StepType {
  return {
    type: 'webhook',
    secretFields: ['headers'],
    check: fields.check,
    schema: fields.schema,
    output: OUTPUT,
    effect: 'write',
    pretend: () => ({ id: 'msg_00000000000080008000000000000000', status: 200 }),
    onInterrupt: () => 'retry',
    // 0 s, 5 s, 20 s, 80 s, 5 min: a receiver that restarts is met again; longer absences want a `retry` of their own.
    retry: { maxAttempts: 5, delayMs: 5000, factor: 4, maxDelayMs: 300_000, jitter: true },
    async run(given, context) {
      const { url, body, secret, headers } = fields.parse(given);
      const id = `msg_${idFrom(context.idempotencyKey).replaceAll('-', '')}`;
      const text = typeof body === 'string' ? body : toJsonText(body);
      const names = secret === undefined ? [] : [secret].flat();
      const keys = names.map((name) => keyOf(name, secrets, context));
      const answer = await http.request(
        {
          method: 'POST',
          url,
          headers: { 'content-type': typeOf(body), ...plain(headers), ...signed(id, keys, text, context) },
          body: text,
          hostIsLiteral: hostIsLiteral(context.written.url, url),
          timeoutMs: context.timeoutMs ?? options.timeoutMs,
          maxBytes: MOST_BYTES,
          followsRedirects: false,
        },
        context.signal,
      );
      if (answer.status >= 200 && answer.status < 300) return { id, status: answer.status };
      throw refusal(callName('POST', url), answer, context.clock.now());
    },
  };
}

function plain(headers: ReturnType<typeof fields.parse>['headers']): Record<string, string> {
  const entries = Object.entries(headers ?? {});
  return Object.fromEntries(entries.map(([name, value]) => [name.toLowerCase(), String(value)]));
}

const typeOf = (body: Json): string =>
  typeof body === 'string' ? 'text/plain; charset=utf-8' : 'application/json';

function signed(
  id: string,
  keys: readonly Uint8Array[],
  text: string,
  { clock }: StepContext,
): Record<string, string> {
  const timestamp = Math.floor(clock.now() / 1000);
  const signatures = keys.map((key) => signWebhook(key, id, timestamp, text));
  return {
    [WEBHOOK_HEADERS.id]: id,
    [WEBHOOK_HEADERS.timestamp]: String(timestamp),
    ...(signatures.length === 0 ? {} : { [WEBHOOK_HEADERS.signature]: signatures.join(' ') }),
  };
}

function keyOf(name: string, secrets: Pick<SecretsPort, 'get'>, context: StepContext): Uint8Array {
  const key = webhookKey(secrets.get(name, context));
  if (key) return key;
  throw new TerminalError(
    'unprocessable',
    'webhook.secret_invalid',
    `the secret ${name} is no webhook secret`,
    {
      hint: 'It is whsec_ and the base64 of 24 to 64 random bytes: echo "whsec_$(openssl rand -base64 32)".',
    },
  );
}

function refusal(call: string, answer: OutboundResponse, now: number): Error {
  const { status, headers } = answer;
  const excerpt = excerptOf(answer);
  const message = `${call} answered ${status}${excerpt === '' ? '' : `: ${excerpt}`}`;
  const extra = { status };
  if (status === GONE) {
    const hint = 'The receiver wants no more webhooks at this address: take the step out.';
    return new TerminalError('gone', 'webhook.gone', message, { hint, extra });
  }
  if (status >= 300 && status < 400) {
    const hint = 'Webhooks follow no redirects: write the new address.';
    return new TerminalError('failed', 'http.status', message, { hint, extra });
  }
  return new RetryableError('http.status', message, {
    hint: 'The receiver did not take it. Check address, secret and what it logged.',
    retryAfterMs: parseRetryAfter(headers['retry-after'], now),
    extra,
  });
}
