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
    ...brokerFaults(written, layers),
    ...socketFaults(config),
    ...databaseFaults(written),
    ...limitFaults(config),
    ...openSecrets(layers),
    ...folderFaults(config),
  ];
}

function* brokerFaults({ mqtt, port, host }: WrittenConfig, layers: Layers): Faults {
  const external = mqtt.url !== null;
  if (external && sourceOf(layers, ['mqtt', 'embedded']) !== undefined) {
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
function* openSecrets(layers: Layers): Faults {
  if (!layers.file?.worldReadable) return;
  for (const [name, key] of configKeys()) {
    if (!key.secret || sourceOf(layers, key.path) !== 'file') continue;
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
