import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { systemClock } from '#core/clock.ts';
import { silentLog } from '#core/log.ts';
import { createVault } from '#vault/create-vault.ts';
import type { Concealer } from '#vault/port.ts';
import type { Vault } from '#vault/vault.ts';
import { FileStore } from './file-store.ts';

/** The root keys of one life, as texts. */
export type RigKeys = {
  readonly [Name in 'credential' | 'secretKey' | 'passphrase' | 'previousKey']?: string;
};

/** A vault on a file of its own that outlives its daemons. */
export class VaultRig implements Disposable {
  readonly directory = mkdtempSync(join(tmpdir(), 'chainbot-vault-'));
  readonly keyFile = join(this.directory, 'secret.key');
  readonly nextKeyFile = `${this.keyFile}.next`;
  /** What was to be kept from being seen, by name. */
  readonly hidden = new Map<string, readonly string[]>();
  readonly kept: Concealer = { conceal: (name, texts) => void this.hidden.set(name, texts) };
  store = new FileStore(join(this.directory, 'chainbot.db'));

  /** A vault, started. */
  async vault(keys: RigKeys = {}): Promise<Vault> {
    const hide = (text: string | undefined) => (text === undefined ? undefined : { reveal: () => text });
    const { store } = this;
    const vault = createVault(
      {
        credential: hide(keys.credential),
        secretKey: hide(keys.secretKey),
        passphrase: hide(keys.passphrase),
        previousKey: hide(keys.previousKey),
        dataDir: this.directory,
      },
      { store: { reader: store.reader, writer: store }, clock: systemClock, log: silentLog },
    );
    await vault.start(new AbortController().signal);
    return vault;
  }

  /** Another life of the daemon. */
  restart(keys: RigKeys = {}): Promise<Vault> {
    this.#reopen();
    return this.vault(keys);
  }

  /** Somebody else writes the database. */
  tamper(sql: string): void {
    this.#reopen(() => {
      const db = new Sqlite(join(this.directory, 'chainbot.db'));
      db.exec(sql);
      db.close();
    });
  }

  get(vault: Vault, name = 'token'): string {
    return vault.get(name, this.kept);
  }

  [Symbol.dispose](): void {
    this.store.close();
    rmSync(this.directory, { recursive: true, force: true });
  }

  #reopen(between: () => void = () => undefined): void {
    this.store.close();
    between();
    this.store = new FileStore(join(this.directory, 'chainbot.db'));
  }
}

/** The code of what a call throws, `none` when it does not. */
export function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    return (error as { code: string }).code;
  }
  return 'none';
}
