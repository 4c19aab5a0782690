import { createHmac } from 'node:crypto';

/**
 * Standard Webhooks 1.0.0 (github.com/standard-webhooks/standard-webhooks, spec/standard-webhooks.md), symmetric
 * signatures: what is signed is `{id}.{timestamp}.{body}` with HMAC-SHA256, the secret is base64 behind `whsec_`,
 * the signature is base64 behind `v1,`, and `webhook-signature` is a list of them with spaces between.
 */
export const WEBHOOK_HEADERS = Object.freeze({
  id: 'webhook-id',
  /** Unix seconds of this attempt. */
  timestamp: 'webhook-timestamp',
  signature: 'webhook-signature',
});

const PREFIX = 'whsec_';
const BASE64 = /^[A-Za-z0-9+/]{16,}={0,2}$/;
/** "At least 24 bytes (192 bits, 512 maximum)": 24 to 64 bytes. */
const KEY_BYTES = { min: 24, max: 64 } as const;

/** The key in a secret, with or without `whsec_`; undefined when it is none. */
export function webhookKey(secret: string): Uint8Array | undefined {
  const text = secret.trim();
  const encoded = text.startsWith(PREFIX) ? text.slice(PREFIX.length) : text;
  if (!BASE64.test(encoded)) return undefined;
  const key = Buffer.from(encoded, 'base64');
  return key.length >= KEY_BYTES.min && key.length <= KEY_BYTES.max ? key : undefined;
}

/** `v1,…` for one key; `timestamp` in Unix seconds. */
export function signWebhook(key: Uint8Array, id: string, timestamp: number, body: string): string {
  return `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.${body}`, 'utf8').digest('base64')}`;
}
