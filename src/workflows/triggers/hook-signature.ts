import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { RetryableError, TerminalError } from '#core/errors.ts';
import { signWebhook, WEBHOOK_HEADERS, webhookKey } from '#core/standard-webhooks.ts';
import type { HookRequest } from '../trigger-port.ts';

/** A request whose sender is known; `id` names the delivery, undefined when nothing does. */
export interface Verified {
  readonly id: string | undefined;
  /** When it was sent, Unix milliseconds; undefined when nothing says so. */
  readonly sentAt: number | undefined;
}

type Headers = HookRequest['headers'];

const LONGEST_ID = 256;
/** Signatures in one header, while a sender changes its secret. */
const MOST_SIGNATURES = 10;

/**
 * Standard Webhooks (core/standard-webhooks.ts): id, time and body are signed.
 * @throws TerminalError `hook.unsigned`, `hook.signature_wrong` (unauthenticated), `hook.malformed`
 * @throws RetryableError `hook.secret_invalid`: the secret of the vault is no key
 */
export function verifyStandard({ headers, body }: HookRequest, secret: string): Verified {
  const id = one(headers, WEBHOOK_HEADERS.id);
  const timestamp = one(headers, WEBHOOK_HEADERS.timestamp);
  const signatures = one(headers, WEBHOOK_HEADERS.signature);
  if (id === undefined || timestamp === undefined || signatures === undefined)
    throw unsigned(Object.values(WEBHOOK_HEADERS).join(', '));
  const seconds = /^\d{1,12}$/.test(timestamp) ? Number(timestamp) : undefined;
  if (seconds === undefined || id.length > LONGEST_ID) throw malformed('webhook-id or webhook-timestamp');
  const wanted = Buffer.from(signWebhook(keyOf(secret), id, seconds, body));
  const given = signatures.split(' ', MOST_SIGNATURES).map((text) => isEqual(Buffer.from(text), wanted));
  if (!given.includes(true)) throw signatureWrong();
  return { id, sentAt: seconds * 1000 };
}

/**
 * As GitHub signs: `x-hub-signature-256: sha256=<hex of HMAC-SHA256 over the body>`. Neither a time nor an id is
 * signed, so that the signature itself names the delivery: the same body again is the same delivery.
 * @throws TerminalError `hook.unsigned`, `hook.signature_wrong` (unauthenticated)
 */
export function verifyGithub({ headers, body }: HookRequest, secret: string): Verified {
  const given = one(headers, 'x-hub-signature-256');
  if (given === undefined) throw unsigned('x-hub-signature-256');
  const wanted = createHmac('sha256', secret).update(body).digest();
  const hex = /^sha256=([0-9a-f]{64})$/i.exec(given)?.[1];
  if (hex === undefined || !isEqual(Buffer.from(hex, 'hex'), wanted)) throw signatureWrong();
  return { id: hex.toLowerCase(), sentAt: undefined };
}

/**
 * A token, as `Authorization: Bearer …` or `X-Hook-Token`. `webhook-id` or `idempotency-key` may name the delivery.
 * @throws TerminalError `hook.unsigned`, `hook.token_wrong` (unauthenticated), `hook.malformed`
 */
export function verifyToken({ headers }: HookRequest, sha256: Buffer): Verified {
  const bearer = /^bearer +(\S{1,1000})$/i.exec(one(headers, 'authorization') ?? '')?.[1];
  const token = bearer ?? one(headers, 'x-hook-token');
  if (token === undefined) throw unsigned('Authorization: Bearer TOKEN');
  if (!isEqual(sha256Of(token), sha256)) {
    throw new TerminalError('unauthenticated', 'hook.token_wrong', 'this token opens nothing here');
  }
  const id = one(headers, 'webhook-id') ?? one(headers, 'idempotency-key');
  if (id !== undefined && id.length > LONGEST_ID) throw malformed('webhook-id');
  return { id, sentAt: undefined };
}

export function sha256Of(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

function keyOf(secret: string): Uint8Array {
  const key = webhookKey(secret);
  if (key) return key;
  throw new RetryableError('hook.secret_invalid', 'this hook can not check who sends it', {
    hint: 'Its secret must be whsec_ and the base64 of 24 to 64 bytes.',
    retryAfterMs: 60_000,
  });
}

/** In the same time whatever is wrong; their lengths are no secret. */
function isEqual(given: Buffer, wanted: Buffer): boolean {
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}

/** A header that is there once and not empty. */
function one(headers: Headers, name: string): string | undefined {
  const value = headers[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function unsigned(wanted: string): TerminalError {
  return new TerminalError(
    'unauthenticated',
    'hook.unsigned',
    `nothing says who sends this: it needs ${wanted}`,
  );
}

function signatureWrong(): TerminalError {
  return new TerminalError('unauthenticated', 'hook.signature_wrong', 'the signature does not fit the body', {
    hint: 'Sender and vault must have the same secret, and nothing between may change the body.',
  });
}

function malformed(what: string): TerminalError {
  return new TerminalError('invalid', 'hook.malformed', `${what} is not of its form`);
}
