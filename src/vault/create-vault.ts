import { join } from 'node:path';
import { KeyFile } from './key-file.ts';
import type { Hidden } from './key-ring.ts';
import type { RootKeysOptions } from './root-keys.ts';
import { Vault } from './vault.ts';

/** What the configuration says of root keys. */
export interface VaultKeys {
  readonly credential: Hidden | undefined;
  readonly secretKey: Hidden | undefined;
  readonly passphrase: Hidden | undefined;
  readonly previousKey: Hidden | undefined;
  /** Where a key file is made when nothing else gives a key. */
  readonly dataDir: string;
}

export function createVault(keys: VaultKeys, deps: Omit<RootKeysOptions, 'sources'>): Vault {
  const { credential, secretKey, passphrase, previousKey: previous } = keys;
  const file = new KeyFile(join(keys.dataDir, 'secret.key'));
  return new Vault({ ...deps, sources: { credential, secretKey, passphrase, previous, file } });
}
