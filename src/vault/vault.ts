import { eventRow } from '#bus/event-row.ts';
import { type Actor, actorText } from '#core/actor.ts';
import type { Part, PartHealth } from '#core/part.ts';
import { Unit } from '#store/unit.ts';
import { rewrap, seal, Unsealable, unseal } from './envelope.ts';
import type { Concealer, Credential, KeySummary, SecretKind, SecretSummary, VaultPort } from './port.ts';
import type { RootKey } from './root-key.ts';
import { RootKeys, type RootKeysOptions } from './root-keys.ts';
import { allowsHost, checkKind, checkValue, hiddenTexts, readKind, requestParts } from './secret-kind.ts';
import {
  allSecrets,
  dropUnusedKeys,
  insertSecret,
  MOST_SECRETS,
  putKey,
  removeSecret,
  replaceSecret,
  rewrapSecret,
  type SecretRow,
  secretByName,
  secretNames,
} from './secrets-table.ts';
import {
  damaged,
  full,
  hostRefused,
  isCredential,
  nameInvalid,
  noCredential,
  noSecret,
} from './vault-errors.ts';

const NAME = /^[A-Za-z][A-Za-z0-9._-]{0,62}$/;

/**
 * Named secrets. Values lie sealed in the database and are opened for one use at a time: nothing of them is kept
 * in memory here, and whoever asks for one says who keeps it from being seen. Changes go one after the other.
 */
export class Vault implements VaultPort, Part {
  readonly name = 'vault';
  readonly #options: RootKeysOptions;
  readonly #keys: RootKeys;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: RootKeysOptions) {
    this.#options = options;
    this.#keys = new RootKeys(options);
  }

  /** Gathers the root keys. A wrong one is no reason to stay down: `health` says what cannot be opened. */
  async start(signal: AbortSignal): Promise<void> {
    await this.#keys.open();
    signal.throwIfAborted();
    const { reasons, remedies } = this.health();
    if (reasons.length > 0) this.#options.log.warn({ reasons, remedies }, 'the vault is not well');
  }

  async stop(): Promise<void> {
    await this.#turn;
    this.#keys.close();
  }

  health(): PartHealth {
    return this.#keys.health();
  }

  // ---- for those who use secrets -----------------------------------------------------------------------------

  get(name: string, concealer: Concealer): string {
    const row = this.#row(name);
    const kind = kindOf(row);
    if (kind.type !== 'text') throw isCredential(name);
    return this.#open(row, kind, concealer);
  }

  credential(name: string, url: string, concealer: Concealer): Credential {
    const row = this.#row(name);
    const kind = kindOf(row);
    if (kind.type === 'text') throw noCredential(name);
    const { hosts } = kind;
    const to = URL.canParse(url) ? new URL(url) : undefined;
    if (!to || !allowsHost(hosts, to)) throw hostRefused(name, to?.host ?? 'this address', hosts);
    return { ...requestParts(kind, this.#open(row, kind, concealer)), hosts };
  }

  names(): readonly string[] {
    return this.#options.store.reader.all(secretNames, {}).map((row) => row.name);
  }

  // ---- for those who keep them -------------------------------------------------------------------------------

  list(): readonly SecretSummary[] {
    return this.#options.store.reader.all(allSecrets, {}).map((row) => this.#summary(row));
  }

  key(): KeySummary | undefined {
    const { current } = this.#keys;
    return current && { id: current.id, source: current.source };
  }

  set(
    name: string,
    value: string,
    wanted: SecretKind | undefined,
    actor: Actor,
  ): Promise<SecretSummary & { readonly created: boolean }> {
    return this.#inTurn(async () => {
      if (!NAME.test(name)) throw nameInvalid(name);
      const before = this.#options.store.reader.get(secretByName, { name });
      const kind = wanted ?? (before ? kindOf(before) : { type: 'text' });
      checkKind(kind);
      checkValue(value, kind);
      if (!before && this.names().length >= MOST_SECRETS) throw full(MOST_SECRETS);
      const key = await this.#keys.forNew();
      const row = this.#sealed({ name, value, kind, before, key });
      await this.#options.store.writer.commit(this.#setUnit(row, before, key, actor));
      return { ...this.#summary(row), created: before === undefined };
    });
  }

  remove(name: string, actor: Actor): Promise<void> {
    return this.#inTurn(async () => {
      const row = this.#row(name);
      const event = eventRow(
        'chainbot.secret.removed',
        `secret/${row.name}`,
        actorText(actor),
        { name: row.name },
        this.#options.clock.now(),
      );
      const unit = new Unit().add(removeSecret, { name: row.name }, 1);
      if (this.#keys.isOpen) unit.add(dropUnusedKeys, { id: this.#keys.current?.id ?? '' });
      await this.#options.store.writer.commit(unit.event(event));
    });
  }

  rotate(actor: Actor): Promise<{ readonly rewrapped: number; readonly key: KeySummary }> {
    return this.#inTurn(async () => {
      const rows = this.#options.store.reader.all(allSecrets, {});
      for (const row of rows) this.#keys.of(row);
      const next = await this.#keys.next();
      await this.#options.store.writer.commit(this.#rotationUnit(next, rows, actor));
      this.#keys.follow(next);
      return { rewrapped: rows.length, key: { id: next.id, source: next.source } };
    });
  }

  // ---- rows --------------------------------------------------------------------------------------------------

  #row(name: string): SecretRow {
    const row = this.#options.store.reader.get(secretByName, { name });
    if (row) return row;
    throw noSecret(name, this.names());
  }

  #open(row: SecretRow, kind: SecretKind, concealer: Concealer): string {
    const key = this.#keys.of(row);
    const value = guarded(row.name, () => unseal(key, row, row));
    concealer.conceal(row.name, hiddenTexts(kind, value));
    return value;
  }

  #sealed(one: {
    readonly name: string;
    readonly value: string;
    readonly kind: SecretKind;
    readonly before: SecretRow | undefined;
    readonly key: RootKey;
  }): SecretRow {
    const now = this.#options.clock.now();
    const about = {
      name: one.name,
      version: (one.before?.version ?? 0) + 1,
      kind: JSON.stringify(one.kind),
    };
    const times = { created_at: one.before?.created_at ?? now, updated_at: now };
    return { ...about, key_id: one.key.id, ...seal(one.key, about, one.value), ...times };
  }

  #setUnit(row: SecretRow, before: SecretRow | undefined, key: RootKey, actor: Actor): Unit {
    const { name, version, kind, key_id, wrapped, sealed, updated_at: now } = row;
    const values = { name, kind, key_id, wrapped, sealed, now };
    const unit = new Unit();
    if (before) unit.add(replaceSecret, { ...values, version, before: before.version }, 1);
    else unit.add(insertSecret, values, 1);
    const data = { name, version, type: kindOf(row).type };
    return unit
      .add(putKey, this.#keys.row(key))
      .add(dropUnusedKeys, { id: key.id })
      .event(eventRow('chainbot.secret.stored', `secret/${name}`, actorText(actor), data, now));
  }

  #rotationUnit(next: RootKey, rows: readonly SecretRow[], actor: Actor): Unit {
    const unit = new Unit().add(putKey, this.#keys.row(next));
    for (const row of rows) {
      const from = this.#keys.of(row);
      if (from.id === next.id) continue;
      const wrapped = guarded(row.name, () => rewrap(from, next, row, row.wrapped));
      const { name, version } = row;
      unit.add(rewrapSecret, { name, version, before: from.id, key_id: next.id, wrapped }, 1);
    }
    const data = { key: next.id, source: next.source, secrets: rows.length };
    const now = this.#options.clock.now();
    return unit
      .add(dropUnusedKeys, { id: next.id })
      .event(eventRow('chainbot.vault.rotated', 'vault', actorText(actor), data, now));
  }

  #summary(row: SecretRow): SecretSummary {
    const kind = readKind(row.kind);
    return {
      name: row.name,
      kind: kind ?? { type: 'text' },
      version: row.version,
      keyId: row.key_id,
      isReadable: kind !== undefined && this.#keys.has(row.key_id),
      createdAt: row.created_at,
      updatedAt: row.updated_at,
    };
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#turn.then(work, work);
    this.#turn = mine.catch(() => undefined);
    return mine;
  }
}

/** @throws TerminalError `secret.damaged` */
function guarded<T>(name: string, open: () => T): T {
  try {
    return open();
  } catch (error) {
    throw error instanceof Unsealable ? damaged(name, error) : error;
  }
}

/** @throws TerminalError `secret.damaged` */
function kindOf(row: Pick<SecretRow, 'name' | 'kind'>): SecretKind {
  const kind = readKind(row.kind);
  if (kind) return kind;
  throw damaged(row.name, undefined);
}
