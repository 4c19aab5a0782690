import type { Clock } from '#core/clock.ts';
import type { ChainbotError } from '#core/errors.ts';
import type { Log } from '#core/log.ts';
import { type PartHealth, unwell, WELL } from '#core/part.ts';
import type { ReaderPort, WriterPort } from '#store/port.ts';
import { Unit } from '#store/unit.ts';
import { gatherKeys, type KeyRing, type KeySources } from './key-ring.ts';
import { newParams, RootKey } from './root-key.ts';
import { allKeys, allSecrets, type KeyRow, putKey, type SecretRow, secretsByKey } from './secrets-table.ts';
import { closed, keyText, sameKey, wrongKey, wrongKeyHint } from './vault-errors.ts';

export interface RootKeysOptions {
  readonly store: { readonly reader: ReaderPort; readonly writer: WriterPort };
  readonly sources: KeySources;
  readonly clock: Clock;
  readonly log: Log;
}

const MOST_KEYS = 16;

/**
 * The root keys and how one follows another.
 *
 * K1  A key is on disk before anything is wrapped with it, and stays there until nothing is.
 * K2  What is wrapped with which key is said by the database alone; a key file follows it.
 */
export class RootKeys {
  readonly #options: RootKeysOptions;
  #ring: KeyRing | undefined;

  constructor(options: RootKeysOptions) {
    this.#options = options;
  }

  async open(): Promise<void> {
    const { sources, log } = this.#options;
    this.#ring = await gatherKeys(sources, this.#stored(), log);
  }

  close(): void {
    this.#ring = undefined;
  }

  get isOpen(): boolean {
    return this.#ring !== undefined;
  }

  /** What new secrets are wrapped with; undefined: not open, or a key file that is still to be made. */
  get current(): RootKey | undefined {
    return this.#ring?.current;
  }

  has(id: string): boolean {
    return this.#ring?.get(id) !== undefined;
  }

  /** The key that a row asks for. @throws RetryableError `vault.wrong_key`, `vault.closed` */
  of(row: Pick<SecretRow, 'name' | 'key_id'>): RootKey {
    const key = this.#opened().get(row.key_id);
    if (key) return key;
    throw wrongKey(row, this.#storedKey(row.key_id), this.current, this.#options.sources.file.path);
  }

  /** The key for new secrets; the first one is made. @throws RetryableError `vault.key_file`, `vault.wrong_key` */
  async forNew(): Promise<RootKey> {
    const ring = this.#opened();
    await this.#settle(ring);
    if (ring.current) return ring.current;
    if (ring.problem) throw ring.problem;
    // A second key file would stand in the way of the first one: that one must come back, or its secrets go.
    for (const row of this.#secrets()) this.of(row);
    ring.current = this.#options.sources.file.create();
    ring.add(ring.current);
    return ring.current;
  }

  /**
   * The key that follows: a new file, new parameters for the passphrase, or the key from outside when it is
   * another one than the secrets have. It opens secrets from now on.
   * @throws TerminalError `vault.same_key`; RetryableError `vault.key_file`
   */
  async next(): Promise<RootKey> {
    const ring = this.#opened();
    await this.#settle(ring);
    const next = await this.#following(ring);
    ring.add(next);
    return next;
  }

  /** Everything is wrapped with this key, and that is on disk: the others go. */
  follow(next: RootKey): void {
    const { file } = this.#options.sources;
    if (next.source === 'file') file.replace();
    else file.drop();
    this.#opened().only(next);
  }

  health(): PartHealth {
    const ring = this.#ring;
    if (!ring) return WELL; // not started: the store says why
    const rows = this.#options.store.reader.all(secretsByKey, {});
    const locked = rows.filter((row) => ring.get(row.key_id) === undefined);
    if (locked.length > 0) return this.#lockedHealth(locked);
    if (ring.problem && !ring.current)
      return unwell(0.5, ring.problem.message, (ring.problem as ChainbotError).hint ?? '');
    const old = rows.filter((row) => row.key_id !== ring.current?.id);
    if (old.length === 0 || !ring.current) return WELL;
    const reason = `not wrapped with ${keyText(ring.current)} yet: ${countOf(old)} secrets`;
    return unwell(0.9, reason, 'Run `chainbot secrets rotate`, then take the old key away.');
  }

  #lockedHealth(locked: readonly { readonly key_id: string; readonly count: number }[]): PartHealth {
    const id = locked[0]?.key_id ?? '';
    const stored = this.#storedKey(id);
    const wrapped = keyText({ id, source: stored?.source ?? 'a root key' });
    const reason = `${countOf(locked)} secrets cannot be opened: they were wrapped with ${wrapped}, which is not here`;
    return unwell(0.4, reason, wrongKeyHint(stored, this.#options.sources.file.path));
  }

  async #following(ring: KeyRing): Promise<RootKey> {
    const { current } = ring;
    const { file, passphrase } = this.#options.sources;
    if (current === undefined && ring.problem) throw ring.problem;
    if (current === undefined || current.source === 'file') return file.prepare();
    if (this.#secrets().some((row) => row.key_id !== current.id)) return current;
    if (current.source !== 'passphrase' || !passphrase) throw sameKey(current);
    return RootKey.fromPassphrase(passphrase.reveal(), newParams(), 'passphrase');
  }

  /**
   * Ends a rotation whose outcome nobody knew. What the database says of it is on disk once a further commit is
   * (K1): only then may one of the two key files go.
   */
  async #settle(ring: KeyRing): Promise<void> {
    const { file } = this.#options.sources;
    const next = file.readNext();
    if (next === undefined) return;
    const isUsed = this.#storedKey(next.id) !== undefined;
    const key = isUsed ? next : ring.current;
    if (key) await this.#options.store.writer.commit(new Unit().add(putKey, this.row(key)));
    file.settle(() => isUsed);
    if (isUsed) ring.current = next;
  }

  /** A key as the database knows it. */
  row(key: RootKey): { id: string; source: string; params: string | null; now: number } {
    const params = key.params === undefined ? null : JSON.stringify(key.params);
    return { id: key.id, source: key.source, params, now: this.#options.clock.now() };
  }

  #opened(): KeyRing {
    if (this.#ring) return this.#ring;
    throw closed();
  }

  #secrets(): SecretRow[] {
    return this.#options.store.reader.all(allSecrets, {});
  }

  #stored(): KeyRow[] {
    return this.#options.store.reader.all(allKeys, { limit: MOST_KEYS });
  }

  #storedKey(id: string): KeyRow | undefined {
    return this.#stored().find((row) => row.id === id);
  }
}

function countOf(rows: readonly { readonly count: number }[]): number {
  return rows.reduce((sum, row) => sum + Number(row.count), 0);
}
