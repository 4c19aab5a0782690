import type { Log } from '#core/log.ts';
import type { KeyFile } from './key-file.ts';
import type { KeySource } from './port.ts';
import { newParams, RootKey, readParams } from './root-key.ts';
import type { KeyRow } from './secrets-table.ts';

/** A text that does not print itself. */
export interface Hidden {
  reveal(): string;
}

/** Where root keys come from, the first one that is there first; the others still open what they wrapped. */
export interface KeySources {
  /** systemd's LoadCredential. */
  readonly credential: Hidden | undefined;
  readonly secretKey: Hidden | undefined;
  readonly passphrase: Hidden | undefined;
  /** The key or passphrase that was used before. */
  readonly previous: Hidden | undefined;
  readonly file: KeyFile;
}

/** The root keys at hand. */
export class KeyRing {
  readonly #keys = new Map<string, RootKey>();
  /** What new secrets are wrapped with; undefined: a key file is still to be made. */
  current: RootKey | undefined;
  /** Why the key file is of no use. */
  problem: Error | undefined;

  get(id: string): RootKey | undefined {
    return this.#keys.get(id);
  }

  add(key: RootKey): void {
    this.#keys.set(key.id, key);
  }

  /** Every other key is forgotten. */
  only(key: RootKey): void {
    this.#keys.clear();
    this.add(key);
    this.current = key;
  }
}

/** Gathers every key there is. `stored` are the keys that the database knows, newest first. */
export async function gatherKeys(sources: KeySources, stored: readonly KeyRow[], log: Log): Promise<KeyRing> {
  const ring = new KeyRing();
  const { credential, secretKey, passphrase, previous } = sources;
  const candidates = [
    credential && RootKey.fromText(credential.reveal(), 'systemd'),
    secretKey && RootKey.fromText(secretKey.reveal(), 'config'),
    passphrase && (await fromPassphrase(passphrase.reveal(), stored, 'passphrase', ring)),
    keyInFile(sources.file, stored, ring, log),
  ];
  for (const key of candidates) if (key) ring.add(key);
  ring.current = candidates.find((key) => key !== undefined);
  if (previous) await addPrevious(previous.reveal(), stored, ring);
  return ring;
}

/** The key that these words made before, else a new one with parameters of today. */
async function fromPassphrase(
  passphrase: string,
  stored: readonly KeyRow[],
  source: KeySource,
  ring: KeyRing,
): Promise<RootKey> {
  const known = await openedBy(passphrase, stored, source);
  for (const key of known) ring.add(key);
  return known[0] ?? (await RootKey.fromPassphrase(passphrase, newParams(), source));
}

async function openedBy(
  passphrase: string,
  stored: readonly KeyRow[],
  source: KeySource,
): Promise<RootKey[]> {
  const opened: RootKey[] = [];
  for (const row of stored) {
    const params = readParams(row.params);
    if (params === undefined) continue;
    const key = await RootKey.fromPassphrase(passphrase, params, source);
    if (key.id === row.id) opened.push(key);
  }
  return opened;
}

async function addPrevious(text: string, stored: readonly KeyRow[], ring: KeyRing): Promise<void> {
  const keys = [RootKey.fromText(text, 'previous'), ...(await openedBy(text, stored, 'previous'))];
  for (const key of keys) if (ring.get(key.id) === undefined) ring.add(key);
}

function keyInFile(file: KeyFile, stored: readonly KeyRow[], ring: KeyRing, log: Log): RootKey | undefined {
  try {
    file.settle((id) => stored.some((row) => row.id === id));
    return file.read();
  } catch (error) {
    log.error({ err: error }, 'the key file cannot be used');
    ring.problem = error as Error;
    return undefined;
  }
}
