import { RetryableError, TerminalError } from '#core/errors.ts';
import { didYouMean } from '#core/near-names.ts';
import type { KeySummary } from './port.ts';
import type { KeyRow, SecretRow } from './secrets-table.ts';

/** The errors of the vault. None has a value or a key in it. */

const SOURCES: Readonly<Record<string, string>> = {
  systemd: "systemd's credential chainbot-secret-key",
  config: 'secret_key',
  passphrase: 'vault.passphrase',
  file: 'the key file',
  previous: 'vault.previous_key',
};

/** `secret_key (3f2a…)`. */
export function keyText({ id, source }: { readonly id: string; readonly source: string }): string {
  return `${SOURCES[source] ?? source} (key ${id})`;
}

export function noSecret(name: string, names: readonly string[]): TerminalError {
  return new TerminalError('not_found', 'secret.not_found', `there is no secret "${name.slice(0, 100)}"`, {
    hint: didYouMean(name, names) ?? `Set it: chainbot secrets set ${name.slice(0, 100)}`,
  });
}

/** `stored` says where the key came from that wrapped it. */
export function wrongKey(
  row: Pick<SecretRow, 'name' | 'key_id'>,
  stored: KeyRow | undefined,
  current: KeySummary | undefined,
  keyFile: string,
): RetryableError {
  const wrapped = keyText({ id: row.key_id, source: stored?.source ?? 'a root key' });
  const here = current === undefined ? 'there is none here' : `here is ${keyText(current)}`;
  return new RetryableError(
    'vault.wrong_key',
    `the secret "${row.name}" cannot be opened: it was wrapped with ${wrapped}, and ${here}`,
    { hint: wrongKeyHint(stored, keyFile) },
  );
}

/** How to come back to a key that is not here. */
export function wrongKeyHint(stored: KeyRow | undefined, keyFile: string): string {
  const again = 'If it is lost, remove the secret and set it again.';
  if (stored?.source === 'file') {
    return `Put the key file back as ${keyFile} (from a backup of the data directory) and restart. ${again}`;
  }
  const what = stored?.source === 'passphrase' ? 'passphrase' : 'root key';
  return `Give the daemon the old ${what} again, or put it into vault.previous_key, restart and run \`chainbot secrets rotate\`. ${again}`;
}

export function damaged(name: string, cause: unknown): TerminalError {
  return new TerminalError(
    'failed',
    'secret.damaged',
    `the secret "${name}" does not open: its row in the database was changed or belongs to another secret`,
    { cause, hint: `Set it again: chainbot secrets set ${name}. Look into who could write the database.` },
  );
}

export function closed(): RetryableError {
  return new RetryableError('vault.closed', 'the vault is not open', {
    hint: 'The daemon is starting or stopping, or its database cannot be used: see `chainbot health`.',
  });
}

export function sameKey(current: KeySummary): TerminalError {
  return new TerminalError(
    'conflict',
    'vault.same_key',
    `every secret is wrapped with ${keyText(current)} already, and that key comes from outside`,
    {
      hint: 'Put the new key in its place and this one into vault.previous_key, restart, and rotate again.',
    },
  );
}

export function nameInvalid(name: string): TerminalError {
  return new TerminalError(
    'invalid',
    'secret.name_invalid',
    `"${name.slice(0, 100)}" is no name of a secret`,
    {
      hint: 'Begin with a letter; letters, digits, dot, dash and underscore; at most 63.',
    },
  );
}

export function full(most: number): TerminalError {
  return new TerminalError('conflict', 'vault.full', `there are ${most} secrets already`, {
    hint: 'Remove those that nothing uses: chainbot secrets list.',
  });
}

export function isCredential(name: string): TerminalError {
  return new TerminalError('invalid', 'secret.is_credential', `"${name}" is a credential, not a text`, {
    hint: `Write credential: ${name} in the step: it goes only to the hosts it is for.`,
  });
}

export function noCredential(name: string): TerminalError {
  return new TerminalError('invalid', 'secret.no_credential', `"${name}" is a text, not a credential`, {
    hint: `Write {{ secret('${name}') }} where it belongs, or set it again with --type and --host.`,
  });
}

export function hostRefused(name: string, host: string, hosts: readonly string[]): TerminalError {
  return new TerminalError(
    'forbidden',
    'credential.host_refused',
    `the credential "${name}" may not be sent to ${host}`,
    { hint: `It is for ${hosts.join(', ')}. Set it again with --host ${host} if that is right.` },
  );
}
