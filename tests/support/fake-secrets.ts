import { TerminalError } from '#core/errors.ts';
import type { Concealer, Credential, SecretsPort } from '#vault/port.ts';

/** A vault that knows what a test says; `conceal` is called as the real one does. */
export function fakeSecrets(
  texts: Readonly<Record<string, string>>,
  credentials: Readonly<Record<string, Credential>> = {},
): SecretsPort {
  const known = <T>(record: Readonly<Record<string, T>>, name: string): T => {
    const found = Object.hasOwn(record, name) ? record[name] : undefined;
    if (found !== undefined) return found;
    throw new TerminalError('not_found', 'secret.not_found', `there is no secret ${name}`);
  };
  return {
    get: (name, concealer: Concealer) => {
      const text = known(texts, name);
      concealer.conceal(name, [text]);
      return text;
    },
    credential: (name, url, concealer) => {
      const credential = known(credentials, name);
      const { host } = new URL(url);
      if (!credential.hosts.includes(host)) {
        throw new TerminalError('forbidden', 'credential.host_refused', `${name} is not for ${host}`);
      }
      concealer.conceal(name, [...Object.values(credential.headers), ...Object.values(credential.query)]);
      return credential;
    },
    names: () => [...Object.keys(texts), ...Object.keys(credentials)],
  };
}
