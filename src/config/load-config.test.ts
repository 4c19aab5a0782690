import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import type { Environment } from './env.ts';
import { ConfigError, type ConfigFault, formatConfigError } from './faults.ts';
import { configKeys } from './keys.ts';
import { type LoadOptions, loadConfig } from './load-config.ts';
import { configSchema } from './schema.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(path.join(tmpdir(), 'config-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

function write(text: string, mode = 0o600): string {
  const file = path.join(dir, 'config.yaml');
  writeFileSync(file, text);
  chmodSync(file, mode);
  return file;
}

const load = (options: LoadOptions = {}) =>
  loadConfig({ siteFile: path.join(dir, 'none.yaml'), env: {}, cwd: dir, ...options });
const loadText = (text: string, env: Environment = {}) => load({ configFile: write(text), env });

function faultsOf(run: () => unknown): readonly ConfigFault[] {
  try {
    run();
  } catch (error) {
    if (error instanceof ConfigError) return error.faults;
    throw error;
  }
  throw new Error('nothing was wrong');
}

const short = (faults: readonly ConfigFault[]) =>
  faults.map(({ source, line, path: key, message }) =>
    [`${source === undefined ? '-' : path.basename(source)}${line ? `:${line}` : ''}`, key, message].join(
      ' | ',
    ),
  );

describe('layers', () => {
  test('without anything, the defaults', () => {
    const config = load();
    expect(config).toMatchObject({
      dataDir: '/var/lib/chainbot',
      databaseFile: '/var/lib/chainbot/chainbot.db',
      socket: '/var/lib/chainbot/chainbot.sock',
      host: '127.0.0.1',
      port: 8000,
      secretKey: undefined,
      workflowsDir: undefined,
      mqtt: { url: undefined, baseTopic: 'chainbot', embedded: { host: '127.0.0.1', port: 1883 } },
      engine: { defaultTimeout: 300_000 },
      devices: {},
      files: [],
    });
  });

  test('a file over the defaults, the environment over the file', () => {
    const config = loadText('port: 81\nlog:\n  level: debug\nmqtt:\n  embedded: {port: 0}\n', {
      ALEX_OS_CHAINBOT_PORT: '82',
      ALEX_OS_CHAINBOT_MQTT__EMBEDDED__PORT: '1900',
      ALEX_OS_CHAINBOT_HOST: '',
      UNRELATED: 'x',
    });
    expect(config).toMatchObject({ port: 82, log: { level: 'debug', pretty: 'auto' }, host: '127.0.0.1' });
    expect(config.mqtt.embedded).toEqual({ host: '127.0.0.1', port: 1900 });
    expect(config.files).toEqual([path.join(dir, 'config.yaml')]);
  });

  test("the site's file is read when none is given, and may be absent", () => {
    expect(load({ siteFile: write('port: 83') }).port).toBe(83);
    expect(load({ configFile: write(''), siteFile: '/nowhere' }).port).toBe(8000);
  });

  test('a section with every key commented out is the default section', () => {
    expect(loadText('mqtt:\n  # url: x\ndevices:\nlog: {}\n').mqtt.baseTopic).toBe('chainbot');
    expect(loadText('# nothing\n').port).toBe(8000);
    expect(loadText('~').port).toBe(8000);
  });

  test('relative paths: in a file to the file, in the environment to the working directory', () => {
    mkdirSync(path.join(dir, 'flows'));
    const file = write('data_dir: d\nworkflows_dir: flows\ndatabase_url: "sqlite:db/x.db"\nsocket: s.sock\n');
    const config = load({ configFile: file, env: { ALEX_OS_CHAINBOT_SOCKET: 't.sock' }, cwd: '/' });
    expect(config).toMatchObject({
      dataDir: path.join(dir, 'd'),
      workflowsDir: path.join(dir, 'flows'),
      databaseFile: path.join(dir, 'db/x.db'),
      socket: '/t.sock',
    });
    expect(load({ env: { ALEX_OS_CHAINBOT_DATABASE_URL: 'sqlite:///var/x.db' } }).databaseFile).toBe(
      '/var/x.db',
    );
  });

  test('texts of the environment become what their key wants', () => {
    const env = {
      ALEX_OS_CHAINBOT_STORAGE__ALLOW_VOLATILE: 'yes',
      ALEX_OS_CHAINBOT_STORAGE__QUICK_CHECK: '0',
      ALEX_OS_CHAINBOT_LOG__PRETTY: 'true',
      ALEX_OS_CHAINBOT_LOG_LEVEL: 'WARN',
      ALEX_OS_CHAINBOT_API__ALLOWED_HOSTS: 'pi.local, 10.0.0.5,',
      ALEX_OS_CHAINBOT_ENGINE__DEFAULT_TIMEOUT: '90',
      ALEX_OS_CHAINBOT_MQTT_URL: 'null',
    };
    expect(load({ env })).toMatchObject({
      storage: { allowVolatile: true, quickCheck: false },
      log: { pretty: true, level: 'warn' },
      api: { allowedHosts: ['pi.local', '10.0.0.5'] },
      engine: { defaultTimeout: 90_000 },
      mqtt: { url: undefined },
    });
    expect(load({ env: { ALEX_OS_CHAINBOT_LOG__PRETTY: 'auto' } }).log.pretty).toBe('auto');
  });

  test('everything is frozen', () => {
    const config = loadText('devices: {fan: {driver: simulator, kind: switch}}');
    expect(Object.isFrozen(config) && Object.isFrozen(config.mqtt.embedded)).toBe(true);
    expect(Object.isFrozen(config.devices.fan) && Object.isFrozen(config.mqtt.excludeEvents)).toBe(true);
  });
});

describe('secrets', () => {
  const key = 'k'.repeat(32);

  test('are never printed', () => {
    const config = loadText(`secret_key: ${key}\n`, {
      ALEX_OS_CHAINBOT_MQTT_URL: 'mqtt://ada:pa%20ss@broker:1883',
    });
    expect(config.secretKey?.reveal()).toBe(key);
    expect(config.mqtt.password?.reveal()).toBe('pa ss');
    expect(config.mqtt).toMatchObject({ url: 'mqtt://broker:1883', username: 'ada' });
    const printed = `${JSON.stringify(config)}${inspect(config, { depth: 9 })}${config.secretKey}${String(config.mqtt.password)}`;
    expect(printed).not.toMatch(/kkkk|pa ss|pa%20ss/);
    expect(printed).toContain('[redacted]');
  });

  test('a fault never shows a value', () => {
    const faults = faultsOf(() =>
      loadText('secret_key: hunter2\nmqtt: {url: "mqtt:/u:hunter2@h", password: {a: hunter2}}\n'),
    );
    expect(faults).toHaveLength(3);
    expect(JSON.stringify(faults)).not.toContain('hunter2');
  });

  test('in a file that everybody may read are refused', () => {
    const file = write(`secret_key: ${key}\n`, 0o644);
    const faults = faultsOf(() => load({ configFile: file }));
    expect(faults).toMatchObject([{ path: 'secret_key', line: 1, hint: `chmod o-r ${file}` }]);
    expect(
      load({ configFile: write('port: 1\n', 0o644), env: { ALEX_OS_CHAINBOT_SECRET_KEY: key } }).port,
    ).toBe(1);
  });
});

describe('faults', () => {
  test('all at once, each with its place', () => {
    const faults = faultsOf(() =>
      loadText(
        [
          'port: many',
          'prot: 80',
          'mqtt:',
          '  base_topic: /a',
          '  embedded:',
          '    port: 70000',
          '    hots: x',
          'events: {retention_days: 0.5}',
          'api: 5',
          'devices:',
          '  Bad-Id: {}',
          '  fan: {driver: gpio, kind: switch, safe: "off"}',
          'database_url: postgres://db',
          'engine: {default_timeout: soon}',
          'time: {timezone: Mars/Base}',
        ].join('\n'),
        { ALEX_OS_CHAINBOT_LOG_LEVEL: 'loud', ALEX_OS_CHAINBOT_PROT: '1', ALEX_OS_CHAINBOT_Q: '1' },
      ),
    );
    expect(short(faults).sort()).toEqual([
      'ALEX_OS_CHAINBOT_LOG_LEVEL | log.level | is not one of its choices',
      'ALEX_OS_CHAINBOT_PROT |  | no such variable',
      'ALEX_OS_CHAINBOT_Q |  | no such variable',
      'config.yaml:1 | port | must be a number',
      'config.yaml:11 | devices.Bad-Id | a device id is lower-case letters, digits and _, at most 63 of them',
      'config.yaml:12 | devices.fan.driver | must be simulator',
      'config.yaml:12 | devices.fan.safe | has the wrong kind of value',
      'config.yaml:13 | database_url | must be sqlite: and a path: ChainBot carries its own database and needs no server',
      'config.yaml:14 | engine.default_timeout | is not a duration: write a number and a unit, like 250ms, 10s, 5m, 1h30m or 2d',
      'config.yaml:15 | time.timezone | is not a time zone: write one of the IANA list, like Europe/Berlin',
      'config.yaml:2 | prot | no such key',
      'config.yaml:4 | mqtt.base_topic | must be a plain topic: no spaces, no + or #, no / at its ends',
      'config.yaml:6 | mqtt.embedded.port | is too large: at most 65535',
      'config.yaml:7 | mqtt.embedded.hots | no such key',
      'config.yaml:8 | events.retention_days | must be a whole number',
      'config.yaml:9 | api | must be a section with keys of its own',
    ]);
    const hintOf = (key: string) => faults.find((fault) => fault.path === key || fault.source === key)?.hint;
    expect(hintOf('prot')).toBe('Did you mean "port"?');
    expect(hintOf('mqtt.embedded.hots')).toContain('"host"');
    expect(hintOf('ALEX_OS_CHAINBOT_PROT')).toContain(
      'ALEX_OS_CHAINBOT_PORT (a whole number from 0 to 65535)',
    );
    expect(hintOf('port')).toBe('Write a whole number from 0 to 65535 (default 8000).');
  });

  test('contradictions are found beside other faults', () => {
    const faults = faultsOf(() => loadText('port: x\nevents: {retention_count: 500, hard_cap_count: 400}\n'));
    expect(short(faults)).toEqual([
      'config.yaml:1 | port | must be a number',
      'config.yaml:2 | events.hard_cap_count | is below events.retention_count (500)',
    ]);
  });

  test.each<[string, string, string]>([
    ['mqtt: {url: "mqtt://h", embedded: {port: 0}}', 'mqtt.embedded', 'cannot stand together'],
    ['mqtt: {url: "mqtt://u:p@h", username: a}', 'mqtt.url', 'beside mqtt.username'],
    ['mqtt: {username: a}', 'mqtt.username', 'has no broker'],
    ['mqtt: {url: "mqtt://h", password: a}', 'mqtt.password', 'needs a user name'],
    ['mqtt: {url: "http://h"}', 'mqtt.url', 'is not a broker URL'],
    ['email: {host: h}', 'email.from', 'is missing beside email.host'],
    ['email: {from: nobody}', 'email.from', 'is not an address'],
    ['email: {host: h, from: "a@b", username: a}', 'email.username', 'needs email.password'],
    ['email: {host: h, from: "a@b", password: a}', 'email.password', 'needs email.username'],
    ['port: 1883', 'mqtt.embedded.port', 'the port of the HTTP API too'],
    [`socket: /${'x'.repeat(107)}`, 'socket', 'its path has 108 bytes'],
    ['api: {socket_group: chain}', 'api.socket_group', 'inside data_dir'],
    ['database_url: "sqlite::memory:"', 'database_url', 'must be a plain file'],
    ['workflows_dir: nowhere', 'workflows_dir', 'there is no folder'],
    ['secret_key: short', 'secret_key', 'too short'],
    ['unknown_thing_altogether: 1', 'unknown_thing_altogether', 'no such key'],
    ['mqtt: {zzzzzzzz: 1}', 'mqtt.zzzzzzzz', 'no such key'],
    ['devices: {a: {driver: simulator, kind: switch, zzzz: 1}}', 'devices.a.zzzz', 'no such key'],
    ['devices: {a: {kind: switch}}', 'devices.a.driver', 'must be simulator'],
    ['__proto__: {port: 1}', '__proto__', 'no such key'],
    ['host: ""', 'host', 'too short'],
    ['api: {allowed_hosts: [a, 5]}', 'api.allowed_hosts.1', 'must be a text'],
  ])('%s', (text, key, message) => {
    const faults = faultsOf(() => loadText(text));
    expect(faults).toHaveLength(1);
    expect(faults[0]).toMatchObject({ path: key, message: expect.stringContaining(message) });
  });

  test('port 0, a group for a socket outside, equal ports on other addresses: all fine', () => {
    expect(loadText('port: 0\nmqtt: {embedded: {port: 0}}').port).toBe(0);
    expect(loadText('socket: /run/c.sock\napi: {socket_group: chain}').api.socketGroup).toBe('chain');
    expect(loadText(`socket: /${'x'.repeat(106)}`).socket).toHaveLength(107);
  });

  test('two variables for one key must agree', () => {
    const env = { ALEX_OS_CHAINBOT_LOG_LEVEL: 'info', ALEX_OS_CHAINBOT_LOG__LEVEL: 'info' };
    expect(load({ env }).log.level).toBe('info');
    const faults = faultsOf(() => load({ env: { ...env, ALEX_OS_CHAINBOT_LOG__LEVEL: 'debug' } }));
    expect(faults).toMatchObject([{ path: 'log.level', message: expect.stringContaining('differently') }]);
  });

  test('sections and devices cannot be variables; small letters are no variable', () => {
    const env = { ALEX_OS_CHAINBOT_MQTT: 'x', ALEX_OS_CHAINBOT_DEVICES__A: 'x', ALEX_OS_CHAINBOT_port: '1' };
    expect(faultsOf(() => load({ env }))).toHaveLength(3);
  });

  test('a variable into a section that the file has broken leaves the fault with the file', () => {
    const faults = faultsOf(() => loadText('mqtt: 5', { ALEX_OS_CHAINBOT_MQTT__BASE_TOPIC: 'a' }));
    expect(short(faults)).toEqual(['config.yaml:1 | mqtt | must be a section with keys of its own']);
  });

  test("other rooms' checks get their place too", () => {
    const file = write('devices:\n  fan:\n    driver: simulator\n    kind: switch\n');
    const checks = [() => [{ path: 'devices.fan.simulate', message: 'is missing', hint: 'Say it.' }]];
    const faults = faultsOf(() => load({ configFile: file, checks }));
    expect(short(faults)).toEqual(['config.yaml:2 | devices.fan.simulate | is missing']);
  });
});

describe('files that are none', () => {
  test.each<[string, string]>([
    ['port: [1', 'is not YAML'],
    ['port: 1\nport: 2', 'is not YAML'],
    ['- a\n- b', 'must be a list of keys and values'],
    ['just words', 'must be a list of keys and values'],
    [
      `a: &a [1]\nb: &b [${'*a,'.repeat(20)}]\nc: &c [${'*b,'.repeat(20)}]\nd: [${'*c,'.repeat(20)}]`,
      'must be a list',
    ],
  ])('%#', (text, message) => {
    const [first] = faultsOf(() => loadText(text));
    expect(first?.message).toContain(message);
    expect(first?.line).toBeGreaterThan(0);
  });

  test('absent, a folder, too large', () => {
    expect(faultsOf(() => load({ configFile: '/nowhere.yaml' }))[0]?.message).toBe('there is no such file');
    expect(faultsOf(() => load({ configFile: dir }))[0]?.message).toContain('cannot be read');
    expect(faultsOf(() => loadText(`# ${'x'.repeat(2 ** 20)}`))[0]?.message).toContain('at most 1048576');
  });

  test('a fault in the file does not hide one in the environment', () => {
    expect(
      faultsOf(() => load({ configFile: '/nowhere.yaml', env: { ALEX_OS_CHAINBOT_PORT: 'x' } })),
    ).toHaveLength(2);
  });
});

test('the text for the terminal names file, line, key, fault and mend', () => {
  const error = new ConfigError(faultsOf(() => loadText('prot: 1', { ALEX_OS_CHAINBOT_X: '1' })));
  const text = formatConfigError(error);
  expect(text).toContain('chainbot: the configuration has 2 faults, so it did not start.');
  expect(text).toContain(
    `${path.join(dir, 'config.yaml')}:1  prot: no such key\n      mend: Did you mean "port"?`,
  );
  expect(text).toContain('ALEX_OS_CHAINBOT_X  no such variable');
  const bare = new ConfigError([{ source: undefined, path: 'data_dir', message: 'is gone' }]);
  expect(formatConfigError(bare)).toContain('one fault, so it did not start.\n\n  data_dir: is gone\n\n');
});

describe('config/default.yaml', () => {
  const file = path.join(import.meta.dirname, '../../config/default.yaml');
  const text = readFileSync(file, 'utf8');

  test("equals the schema's defaults and loads", () => {
    expect(parse(text)).toEqual(configSchema.parse({}));
    const env = { ALEX_OS_CHAINBOT_MQTT_URL: 'mqtt://h' };
    expect(loadConfig({ configFile: file, env }).mqtt.url).toBe('mqtt://h'); // a whole copy is no contradiction
    expect({ ...loadConfig({ configFile: file, env: {} }), files: [] }).toEqual(load());
  });

  test('holds every key, each under a comment', () => {
    const lines = text.split('\n');
    for (const [name, key] of configKeys()) {
      const line = lines.findIndex((each) => each.trim().startsWith(`${key.path.at(-1)}:`));
      expect(line, name).toBeGreaterThan(0);
      expect(lines[line - 1], name).toMatch(/^\s*# \S/);
      expect(key.description, name).toMatch(/\.$/);
    }
  });
});

test('config/greenhouse.yaml is a configuration', () => {
  const configFile = path.join(import.meta.dirname, '../../config/greenhouse.yaml');
  const config = loadConfig({ configFile, env: {} });
  expect(Object.keys(config.devices)).toEqual(
    expect.arrayContaining(['greenhouse_temp', 'greenhouse_humidity', 'greenhouse_fan', 'greenhouse_pump']),
  );
});
