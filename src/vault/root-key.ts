import { argon2, hkdfSync, randomBytes } from 'node:crypto';
import { inspect, promisify } from 'node:util';
import { z } from 'zod';
import type { KeySource, KeySummary } from './port.ts';

const KEY_BYTES = 32;
const ID_BYTES = 8;
const derive = promisify(argon2);

/** A key that wraps keys. Its id tells keys apart and says nothing of the key. Never printed. */
export class RootKey implements KeySummary {
  readonly id: string;
  readonly source: KeySource;
  /** How it was made from a passphrase. */
  readonly params: PassphraseParams | undefined;
  readonly #bytes: Buffer;

  private constructor(material: Uint8Array, source: KeySource, params?: PassphraseParams) {
    this.#bytes = expand(material, 'chainbot root key 1', KEY_BYTES);
    this.id = expand(this.#bytes, 'chainbot root key id 1', ID_BYTES).toString('hex');
    this.source = source;
    this.params = params;
  }

  /** From a text of at least 32 bytes that nobody can guess (RFC 5869). */
  static fromText(text: string, source: KeySource): RootKey {
    return new RootKey(Buffer.from(text, 'utf8'), source);
  }

  /** From words: argon2id (RFC 9106) with the parameters that are stored beside the secrets. */
  static async fromPassphrase(
    passphrase: string,
    params: PassphraseParams,
    source: KeySource,
  ): Promise<RootKey> {
    const material = await derive('argon2id', {
      message: Buffer.from(passphrase.normalize('NFC'), 'utf8'),
      nonce: Buffer.from(params.salt, 'base64url'),
      parallelism: params.parallelism,
      tagLength: KEY_BYTES,
      memory: params.memory,
      passes: params.passes,
    });
    return new RootKey(material, source, params);
  }

  get bytes(): Uint8Array {
    return this.#bytes;
  }

  [inspect.custom](): string {
    return `RootKey ${this.id}`;
  }
}

function expand(material: Uint8Array, label: string, bytes: number): Buffer {
  return Buffer.from(hkdfSync('sha256', material, Buffer.alloc(0), label, bytes));
}

/** Bounds: a changed row must not make the daemon compute for an hour or take all memory. */
const paramsSchema = z.strictObject({
  algorithm: z.literal('argon2id'),
  salt: z.string().regex(/^[A-Za-z0-9_-]{22,86}$/),
  /** KiB. */
  memory: z.int().min(8192).max(524_288),
  passes: z.int().min(1).max(16),
  parallelism: z.int().min(1).max(8),
});

export type PassphraseParams = z.infer<typeof paramsSchema>;

/** The second recommended option of RFC 9106, section 4: 64 MiB, 3 passes; 0.3 s on a small x86, a second on a Pi 4. */
export function newParams(): PassphraseParams {
  const salt = randomBytes(16).toString('base64url');
  return { algorithm: 'argon2id', salt, memory: 65_536, passes: 3, parallelism: 4 };
}

/** Stored parameters; undefined when they are none. */
export function readParams(text: string | null): PassphraseParams | undefined {
  if (text === null) return undefined;
  try {
    return paramsSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
