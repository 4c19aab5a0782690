import { hash, randomBytes, timingSafeEqual } from 'node:crypto';
import { eventRow } from '#bus/event-row.ts';
import { type Actor, actorText } from '#core/actor.ts';
import type { Clock } from '#core/clock.ts';
import { ChainbotError, TerminalError } from '#core/errors.ts';
import { newId } from '#core/ids.ts';
import type { Log } from '#core/log.ts';
import type { ReaderPort, WriterPort } from '#store/port.ts';
import { Unit } from '#store/unit.ts';
import type { Token, TokensPort } from './port.ts';
import { activeTokens, insertToken, revokeToken, touchToken } from './tokens-table.ts';

export interface TokensDeps {
  readonly writer: WriterPort;
  readonly reader: ReaderPort;
  readonly clock: Clock;
  readonly log: Log;
}

interface Entry {
  readonly id: string;
  readonly name: string;
  readonly hash: string;
  readonly digest: Buffer;
  readonly actor: Actor;
  readonly createdAt: number;
  lastUsedAt: number | null;
  /** On the monotonic clock; undefined: not since the start. */
  touchedAt: number | undefined;
}

const TOKEN = /^cb_[A-Za-z0-9_-]{43}$/;
const NAME = /^[A-Za-z0-9][A-Za-z0-9 ._-]{0,62}$/;
const MOST_TOKENS = 1000;
const TOUCH_EVERY_MS = 60_000;

/**
 * Bearer tokens. A token is `cb_` and 256 random bits in base64url; the database holds its SHA-256, which is
 * enough for a secret of that size (no guessing to slow down). Hashes of the tokens in use are kept in
 * memory: looking one up costs a hash, not a query.
 */
export class Tokens implements TokensPort {
  readonly #deps: TokensDeps;
  readonly #writes = new Set<Promise<void>>();
  #byHash: Map<string, Entry> | undefined;

  constructor(deps: TokensDeps) {
    this.#deps = deps;
  }

  async create(
    name: string,
    actor: Actor,
  ): Promise<{ readonly id: string; readonly name: string; readonly token: string }> {
    this.#checkName(name);
    const token = `cb_${randomBytes(32).toString('base64url')}`;
    const id = newId();
    const now = this.#deps.clock.now();
    const digest = digestOf(token);
    const unit = new Unit()
      .add(insertToken, { id, name, hash: digest, now }, 1)
      .event(eventRow('chainbot.token.created', `token/${id}`, actorText(actor), { id, name }, now));
    await this.#commit(unit, 'store.constraint', () => nameTaken(name));
    const row = { id, name, hash: digest, created_at: now, last_used_at: null };
    this.#byHash?.set(digest, entryOf(row));
    return { id, name, token };
  }

  list(): readonly Token[] {
    return [...this.#entries().values()].map(({ id, name, createdAt, lastUsedAt }) => ({
      id,
      name,
      createdAt,
      lastUsedAt,
    }));
  }

  async revoke(id: string, actor: Actor): Promise<void> {
    const entry = [...this.#entries().values()].find((one) => one.id === id);
    if (!entry) throw notFound(id);
    const now = this.#deps.clock.now();
    const { name } = entry;
    const unit = new Unit()
      .add(revokeToken, { id, now }, 1)
      .event(eventRow('chainbot.token.revoked', `token/${id}`, actorText(actor), { id, name }, now));
    await this.#commit(unit, 'store.guard', () => notFound(id));
    this.#byHash?.delete(entry.hash);
  }

  verify(token: string): Actor | undefined {
    if (!TOKEN.test(token)) return undefined;
    const digest = digestOf(token);
    const entry = this.#entries().get(digest);
    if (!entry || !timingSafeEqual(entry.digest, Buffer.from(digest, 'base64url'))) return undefined;
    this.#touch(entry);
    return entry.actor;
  }

  /** Resolves when what was still to be written about last uses is settled. */
  async stop(): Promise<void> {
    await Promise.all(this.#writes);
  }

  #entries(): Map<string, Entry> {
    if (!this.#byHash) {
      const rows = this.#deps.reader.all(activeTokens, { limit: MOST_TOKENS });
      this.#byHash = new Map(rows.map((row) => [row.hash, entryOf(row)]));
    }
    return this.#byHash;
  }

  #checkName(name: string): void {
    if (!NAME.test(name)) {
      throw new TerminalError(
        'invalid',
        'token.name_invalid',
        `"${name.slice(0, 100)}" is not a token's name`,
        {
          hint: 'Begin with a letter or digit; letters, digits, space, dot, dash and underscore; at most 63.',
        },
      );
    }
    const entries = this.#entries();
    if ([...entries.values()].some((entry) => entry.name === name)) throw nameTaken(name);
    if (entries.size < MOST_TOKENS) return;
    throw new TerminalError('conflict', 'token.too_many', `there are ${MOST_TOKENS} tokens already`, {
      hint: 'Revoke those that nobody uses: chainbot token list.',
    });
  }

  /** After a failed write what is on disk is not known here: the next look reads it anew. */
  async #commit(unit: Unit, refusedCode: string, refused: () => TerminalError): Promise<void> {
    try {
      await this.#deps.writer.commit(unit);
    } catch (error) {
      this.#byHash = undefined;
      throw error instanceof ChainbotError && error.code === refusedCode ? refused() : error;
    }
  }

  /** Notes the use, at most once a minute for each token, without making the request wait for the disk. */
  #touch(entry: Entry): void {
    const { clock, writer, log } = this.#deps;
    const tick = clock.monotonic();
    if (entry.touchedAt !== undefined && tick - entry.touchedAt < TOUCH_EVERY_MS) return;
    entry.touchedAt = tick;
    entry.lastUsedAt = clock.now();
    const write = writer
      .commit(new Unit().add(touchToken, { id: entry.id, now: entry.lastUsedAt }))
      .then(
        () => {},
        (error: unknown) =>
          log.debug({ err: error, token: entry.id }, 'the last use of a token was not noted'),
      )
      .finally(() => this.#writes.delete(write));
    this.#writes.add(write);
  }
}

interface TokenRow {
  readonly id: string;
  readonly name: string;
  readonly hash: string;
  readonly created_at: number;
  readonly last_used_at: number | null;
}

function entryOf(row: TokenRow): Entry {
  return {
    id: row.id,
    name: row.name,
    hash: row.hash,
    digest: Buffer.from(row.hash, 'base64url'),
    actor: Object.freeze({ kind: 'token', id: row.id }),
    createdAt: row.created_at,
    lastUsedAt: row.last_used_at,
    touchedAt: undefined,
  };
}

function digestOf(token: string): string {
  return hash('sha256', token, 'base64url');
}

function nameTaken(name: string): TerminalError {
  return new TerminalError('conflict', 'token.name_taken', `there is a token named "${name}" already`, {
    hint: 'Choose another name, or revoke that one first.',
  });
}

function notFound(id: string): TerminalError {
  return new TerminalError('not_found', 'token.not_found', `there is no token ${id.slice(0, 100)} in use`, {
    hint: 'chainbot token list shows them.',
  });
}
