import type { Actor } from '#core/actor.ts';

export interface Token {
  readonly id: string;
  readonly name: string;
  readonly createdAt: number;
  readonly lastUsedAt: number | null;
}

export interface TokensPort {
  /** 256 random bits, shown once; only its SHA-256 is stored. @throws TerminalError `token.name_taken`, `token.name_invalid` */
  create(
    name: string,
    actor: Actor,
  ): Promise<{
    readonly id: string;
    readonly name: string;
    readonly token: string;
  }>;
  list(): readonly Token[];
  /** @throws TerminalError `token.not_found` */
  revoke(id: string, actor: Actor): Promise<void>;
  /** The actor behind a bearer token, or undefined when it is wrong. Constant time in the secret. */
  verify(token: string): Actor | undefined;
}
