import type { Actor } from '#core/actor.ts';

/** What a secret is for. The value itself (token, password, header value, …) is not in here. */
export type SecretKind =
  /** Any text, for `{{ secret('name') }}` and for fields that name a secret. */
  | { readonly type: 'text' }
  /** `Authorization: Bearer <value>`. */
  | { readonly type: 'bearer'; readonly hosts: readonly string[] }
  /** `Authorization: Basic …`; the value is the password. */
  | { readonly type: 'basic'; readonly username: string; readonly hosts: readonly string[] }
  /** `<header>: <value>`. */
  | { readonly type: 'header'; readonly header: string; readonly hosts: readonly string[] }
  /** `?<parameter>=<value>`. */
  | { readonly type: 'query'; readonly parameter: string; readonly hosts: readonly string[] };

export interface SecretSummary {
  readonly name: string;
  readonly kind: SecretKind;
  /** From 1; a new value is a new version, and the old one is gone. */
  readonly version: number;
  /** Which root key wraps it. */
  readonly keyId: string;
  /** False: that root key is not there. */
  readonly isReadable: boolean;
  readonly createdAt: number;
  readonly updatedAt: number;
}

export type KeySource = 'systemd' | 'config' | 'passphrase' | 'file' | 'previous';

export interface KeySummary {
  readonly id: string;
  readonly source: KeySource;
}

/**
 * Whoever is given a secret says first who keeps it from being seen: a step's context takes these texts out of
 * the step's output, errors and log lines.
 */
export interface Concealer {
  /** `name` is what is shown in place of the texts: `[secret name]`. */
  conceal(name: string, texts: readonly string[]): void;
}

/** What to add to one request. */
export interface Credential {
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string>>;
  /** The hosts it may be sent to, as they were written: `api.example.org`, `*.example.org`, `https://h:8443`. */
  readonly hosts: readonly string[];
}

/**
 * For those who use secrets. All of it is synchronous.
 *
 * Everything here throws TerminalError `secret.not_found` (not_found), `secret.damaged` (failed: the row was
 * tampered with or is broken); RetryableError `vault.wrong_key` (the root key is not the one it was wrapped
 * with), `vault.closed`, `store.unreadable`.
 */
export interface SecretsPort {
  /** The text of a secret of type `text`. @throws TerminalError `secret.is_credential` for the other types */
  get(name: string, concealer: Concealer): string;
  /**
   * What to add to a request to `url`, asked anew for every host that is called (a next page, a redirect).
   * @throws TerminalError `credential.host_refused` (forbidden), `secret.no_credential` for type `text`
   */
  credential(name: string, url: string, concealer: Concealer): Credential;
  /** The names there are, sorted. */
  names(): readonly string[];
}

export interface VaultPort extends SecretsPort {
  /**
   * Stores a secret, or its next version. Resolves when it is on disk. Without a kind it keeps the one it had; a
   * new one is a text.
   * @throws TerminalError `secret.name_invalid`, `secret.value_invalid`, `secret.kind_invalid`, `vault.full`
   * @throws RetryableError `vault.closed`, `store.*`
   */
  set(
    name: string,
    value: string,
    kind: SecretKind | undefined,
    actor: Actor,
  ): Promise<SecretSummary & { readonly created: boolean }>;
  list(): readonly SecretSummary[];
  /** @throws TerminalError `secret.not_found` */
  remove(name: string, actor: Actor): Promise<void>;
  /**
   * Wraps every secret with the root key that is to be used from now on, all in one unit; a key file is
   * replaced by a new one.
   * @throws TerminalError `vault.same_key` (conflict) when the key comes from outside and is no other than before
   * @throws RetryableError `vault.wrong_key`, `vault.closed`, `store.*`
   */
  rotate(actor: Actor): Promise<{ readonly rewrapped: number; readonly key: KeySummary }>;
  /** The key that new secrets are wrapped with; undefined before the first one when it is a file yet to be made. */
  key(): KeySummary | undefined;
}
