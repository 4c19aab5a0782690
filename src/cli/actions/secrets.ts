import type { SecretAnswer, SecretKindAnswer } from '#api/contract/secret.ts';
import { TerminalError } from '#core/errors.ts';
import type { Session } from '../session.ts';
import { printable } from '../view/text.ts';
import { localTime } from '../view/values.ts';

export interface SetOptions {
  readonly type?: SecretKindAnswer['type'];
  readonly host?: readonly string[];
  readonly user?: string;
  readonly header?: string;
  readonly parameter?: string;
}

/** Bytes of a value; the daemon takes 64 KiB. */
const LARGEST_VALUE = 128 * 1024;

export async function set(session: Session, name: string, options: SetOptions): Promise<void> {
  const { io, screen, json } = session;
  const kind = kindOf(options);
  const api = await session.api();
  await api.secrets(); // a daemon that is not there says so before anybody types
  const value = await io.readHidden(`Value of ${printable(name)} (it is not shown): `, LARGEST_VALUE);
  const { created, ...stored } = await api.setSecret(name, value, kind);
  if (json) return screen.json(stored);
  const what = created ? 'stored' : `has a new value, version ${stored.version}`;
  screen.line(`${printable(stored.name)} ${what}`);
}

export async function list({ api, screen, json }: Session): Promise<void> {
  const answer = await (await api()).secrets();
  if (json) return screen.json(answer);
  screen.table(
    [
      { title: 'NAME', min: 12 },
      { title: 'TYPE', min: 6 },
      { title: 'FOR', min: 10, optional: true },
      { title: 'VERSION', align: 'right', optional: true },
      { title: 'SET', min: 19 },
      { title: '', optional: true },
    ],
    answer.secrets.map((secret) => [
      printable(secret.name),
      secret.kind.type,
      printable(purposeOf(secret)),
      String(secret.version),
      localTime(secret.updated_at),
      secret.readable ? '' : screen.paint('red', 'its root key is not here'),
    ]),
    'There are no secrets. Store one: chainbot secrets set NAME',
  );
}

export async function remove({ api, screen, json }: Session, name: string): Promise<void> {
  await (await api()).removeSecret(name);
  if (json) return screen.json({ name, removed: true });
  screen.line(`${printable(name)} removed`);
}

export async function rotate({ api, screen, json }: Session): Promise<void> {
  const { rewrapped, key } = await (await api()).rotateSecrets();
  if (json) return screen.json({ rewrapped, key });
  screen.line(`${rewrapped} secrets wrapped with root key ${key.id} (${key.source})`);
}

function purposeOf({ kind }: SecretAnswer): string {
  if (kind.type === 'text') return '';
  const more = {
    bearer: () => '',
    basic: () => ('username' in kind ? `${kind.username} at ` : ''),
    header: () => ('header' in kind ? `${kind.header} for ` : ''),
    query: () => ('parameter' in kind ? `?${kind.parameter} for ` : ''),
  }[kind.type]();
  return `${more}${kind.hosts.join(', ')}`;
}

/** Undefined: as it is. @throws TerminalError `cli.secret_options` */
function kindOf(options: SetOptions): SecretKindAnswer | undefined {
  const { type, host: hosts, user, header, parameter } = options;
  const extras = { '--host': hosts, '--user': user, '--header': header, '--parameter': parameter };
  const given = Object.entries(extras).filter(([, value]) => value !== undefined);
  const wanted: Readonly<Record<string, readonly string[]>> = {
    text: [],
    bearer: ['--host'],
    basic: ['--host', '--user'],
    header: ['--host', '--header'],
    query: ['--host', '--parameter'],
  };
  const allowed = wanted[type ?? 'text'] ?? [];
  const extra = given.find(([name]) => !allowed.includes(name));
  if (extra) throw misfit(`${extra[0]} does not go with --type ${type ?? 'text'}`, type);
  const missing = allowed.find((name) => !given.some(([one]) => one === name));
  if (missing) throw misfit(`--type ${type} needs ${missing}`, type);
  switch (type) {
    case undefined:
      return undefined;
    case 'text':
      return { type };
    case 'bearer':
      return { type, hosts: [...(hosts ?? [])] };
    case 'basic':
      return { type, username: user ?? '', hosts: [...(hosts ?? [])] };
    case 'header':
      return { type, header: header ?? '', hosts: [...(hosts ?? [])] };
    case 'query':
      return { type, parameter: parameter ?? '', hosts: [...(hosts ?? [])] };
  }
}

function misfit(message: string, type: SetOptions['type']): TerminalError {
  const hint =
    type === undefined ? 'Say which --type of credential it is: bearer, basic, header or query.' : '';
  return new TerminalError('invalid', 'cli.secret_options', message, {
    hint: hint === '' ? 'See chainbot secrets set --help.' : hint,
  });
}
