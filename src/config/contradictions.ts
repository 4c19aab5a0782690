import { statSync } from 'node:fs';
import path from 'node:path';
import type { Config } from './config.ts';
import type { UnplacedFault } from './issue-faults.ts';
import { configKeys } from './keys.ts';
import { type Layers, sourceOf } from './layers.ts';
import type { WrittenConfig } from './schema.ts';

/** sun_path has 108 bytes and ends in a zero byte (unix(7)). */
const LONGEST_SOCKET_PATH = 107;

type Faults = Generator<UnplacedFault>;

/** Keys that are fine alone and impossible together, or impossible on this machine. */
export function contradictions(written: WrittenConfig, config: Config, layers: Layers): UnplacedFault[] {
  return [
    ...brokerFaults(written),
    ...mailFaults(written),
    ...socketFaults(config),
    ...databaseFaults(written),
    ...limitFaults(config),
    ...openSecrets(written, layers),
    ...folderFaults(config),
  ];
}

function* brokerFaults({ mqtt, port, host }: WrittenConfig): Faults {
  const external = mqtt.url !== null;
  if (external && (['host', 'port'] as const).some((name) => isChanged(name, mqtt.embedded[name]))) {
    yield fault(
      'mqtt.embedded',
      'cannot stand together with mqtt.url',
      'Keep one: an external broker or the embedded one.',
    );
  }
  if (external && hasCredentials(mqtt.url) && (mqtt.username ?? mqtt.password) !== null) {
    yield fault(
      'mqtt.url',
      'carries a user name beside mqtt.username',
      'Write user name and password in one place.',
    );
  }
  for (const name of ['username', 'password'] as const) {
    if (external || mqtt[name] === null) continue;
    yield fault(
      `mqtt.${name}`,
      'has no broker to be shown to',
      'Set mqtt.url; the embedded broker asks for none.',
    );
  }
  if (external && mqtt.password !== null && mqtt.username === null) {
    yield fault('mqtt.password', 'needs a user name beside it', 'Set mqtt.username (MQTT 3.1.1 §3.1.2.9).');
  }
  if (!external && port !== 0 && port === mqtt.embedded.port && host === mqtt.embedded.host) {
    yield fault('mqtt.embedded.port', `is the port of the HTTP API too (${port})`, 'Take different ports.');
  }
}

function* mailFaults({ email }: WrittenConfig): Faults {
  if (email.host !== null && email.from === null) {
    yield fault('email.from', 'is missing beside email.host', 'Set the sender: house@example.org.');
  }
  for (const [name, other] of [
    ['username', 'password'],
    ['password', 'username'],
  ] as const) {
    if (email[name] === null || email[other] !== null) continue;
    yield fault(`email.${name}`, `needs email.${other} beside it`, 'Set both, or none.');
  }
}

/** A copy of default.yaml sets everything, and means nothing by it. */
function isChanged(name: 'host' | 'port', value: string | number): boolean {
  return configKeys().get(`mqtt.embedded.${name}`)?.default !== value;
}

function hasCredentials(url: string | null): boolean {
  const parsed = url === null ? null : URL.parse(url);
  return parsed !== null && (parsed.username !== '' || parsed.password !== '');
}

function* socketFaults({ socket, dataDir, api }: Config): Faults {
  const bytes = Buffer.byteLength(socket);
  if (bytes > LONGEST_SOCKET_PATH) {
    yield fault(
      'socket',
      `its path has ${bytes} bytes; Linux takes ${LONGEST_SOCKET_PATH}`,
      'Set a shorter one: /run/chainbot/chainbot.sock.',
    );
  }
  if (api.socketGroup !== undefined && socket.startsWith(`${dataDir}${path.sep}`)) {
    yield fault(
      'api.socket_group',
      'cannot reach a socket inside data_dir, which only its owner may enter',
      'Set socket to a place outside: /run/chainbot/chainbot.sock.',
    );
  }
}

function* databaseFaults({ database_url: url }: WrittenConfig): Faults {
  if (url?.includes(':memory:') || url?.includes('?')) {
    yield fault(
      'database_url',
      'must be a plain file: nothing else is on disk when the power goes',
      'Write sqlite:/path/chainbot.db.',
    );
  }
}

function* limitFaults({ events }: Config): Faults {
  if (events.hardCapCount < events.retentionCount) {
    yield fault(
      'events.hard_cap_count',
      `is below events.retention_count (${events.retentionCount})`,
      'Make it larger, or the other smaller.',
    );
  }
}

/** A secret in a file that every user may read is none. */
function* openSecrets(written: WrittenConfig, layers: Layers): Faults {
  if (!layers.file?.worldReadable) return;
  const values = {
    secret_key: written.secret_key,
    'vault.passphrase': written.vault.passphrase,
    'vault.previous_key': written.vault.previous_key,
    'mqtt.password': written.mqtt.password,
    'email.password': written.email.password,
  };
  for (const [name, value] of Object.entries(values)) {
    if (value === null || sourceOf(layers, name.split('.')) !== 'file') continue;
    yield fault(
      name,
      'stands in a file that every user of this machine may read',
      `chmod o-r ${layers.file.file}`,
    );
  }
}

function* folderFaults({ workflowsDir }: Config): Faults {
  if (workflowsDir === undefined) return;
  if (statSync(workflowsDir, { throwIfNoEntry: false })?.isDirectory() !== true) {
    yield fault('workflows_dir', `there is no folder ${workflowsDir}`, 'Make it, or take the key away.');
  }
}

function fault(key: string, message: string, hint: string): UnplacedFault {
  return { path: key.split('.'), message, hint };
}
