import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { RootKey } from './root-key.ts';

/**
 * One secret as it lies in the database: sealed with a key of its own (AES-256-GCM, NIST SP 800-38D), which the
 * root key wraps the same way.
 *
 * V1  A nonce is random and used once: a value has a key of its own, and a root key wraps a few thousand.
 * V2  What a text belongs to is authenticated with it: the wrapped key to name, version and root key, the value to
 *     name, version and kind. A row that is swapped, renamed or sent to other hosts does not open.
 * V3  Wrapping with another root key never opens the value.
 */
export interface Sealed {
  /** The data key, wrapped: nonce, text and tag in base64url. */
  readonly wrapped: string;
  /** The value, sealed with the data key. */
  readonly sealed: string;
}

/** What a sealed text belongs to (V2). */
export interface About {
  readonly name: string;
  readonly version: number;
  /** The kind as JSON text, as it is stored. */
  readonly kind: string;
}

/** It does not open: it was changed, or belongs to something else. */
export class Unsealable extends Error {}

const CIPHER = 'aes-256-gcm';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const KEY_BYTES = 32;

export function seal(root: RootKey, about: About, value: string): Sealed {
  const dataKey = randomBytes(KEY_BYTES);
  const plain = Buffer.from(value, 'utf8');
  try {
    const wrapped = encrypt(root.bytes, dataKey, wrapLabel(about, root.id));
    return { wrapped, sealed: encrypt(dataKey, plain, valueLabel(about)) };
  } finally {
    dataKey.fill(0);
    plain.fill(0);
  }
}

/** @throws Unsealable */
export function unseal(root: RootKey, about: About, { wrapped, sealed }: Sealed): string {
  const dataKey = decrypt(root.bytes, wrapped, wrapLabel(about, root.id));
  try {
    const plain = decrypt(dataKey, sealed, valueLabel(about));
    const value = plain.toString('utf8');
    plain.fill(0);
    return value;
  } finally {
    dataKey.fill(0);
  }
}

/** The data key under another root key (V3). @throws Unsealable */
export function rewrap(from: RootKey, to: RootKey, about: About, wrapped: string): string {
  const dataKey = decrypt(from.bytes, wrapped, wrapLabel(about, from.id));
  try {
    return encrypt(to.bytes, dataKey, wrapLabel(about, to.id));
  } finally {
    dataKey.fill(0);
  }
}

function wrapLabel({ name, version }: About, keyId: string): string {
  return JSON.stringify(['chainbot secret key 1', name, version, keyId]);
}

function valueLabel({ name, version, kind }: About): string {
  return JSON.stringify(['chainbot secret value 1', name, version, kind]);
}

function encrypt(key: Uint8Array, plain: Uint8Array, label: string): string {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(CIPHER, key, nonce);
  cipher.setAAD(Buffer.from(label, 'utf8'));
  const text = [cipher.update(plain), cipher.final()];
  return Buffer.concat([nonce, ...text, cipher.getAuthTag()]).toString('base64url');
}

function decrypt(key: Uint8Array, sealed: string, label: string): Buffer {
  const bytes = Buffer.from(sealed, 'base64url');
  if (bytes.length < NONCE_BYTES + TAG_BYTES) throw new Unsealable('it is too short');
  try {
    const nonce = bytes.subarray(0, NONCE_BYTES);
    const decipher = createDecipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES });
    decipher.setAAD(Buffer.from(label, 'utf8'));
    decipher.setAuthTag(bytes.subarray(bytes.length - TAG_BYTES));
    const text = bytes.subarray(NONCE_BYTES, bytes.length - TAG_BYTES);
    return Buffer.concat([decipher.update(text), decipher.final()]);
  } catch (error) {
    throw new Unsealable('its seal is broken', { cause: error });
  }
}
