import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { type Appliance, compose, DRIVERS } from './compose.ts';
import type { Config } from './config/config.ts';
import { prepareDataDirectory } from './config/data-directory.ts';
import { ConfigError, formatConfigError } from './config/faults.ts';
import { loadConfig } from './config/load-config.ts';
import { openMemory } from './config/memory.ts';
import { systemClock } from './core/clock.ts';
import { ChainbotError, type Fault } from './core/errors.ts';
import type { Log } from './core/log.ts';
import { checkDeclarations } from './hardware/declaration.ts';
import { createLog } from './logging/create-log.ts';
import { settleMemory } from './settle-memory.ts';
import { lockDirectory } from './store/directory-lock.ts';
import { setDatabaseAside } from './store/store.ts';

/** sysexits.h: 64 usage, 70 software, 73 can't create, 78 configuration. systemd does not restart after 78. */
const EXIT = { ok: 0, failed: 70, usage: 64, config: 78, unavailable: 69 } as const;

const USAGE = `chainbotd: the ChainBot daemon

  --config FILE            read this file instead of /etc/alex_os/modules/chainbot/config.yaml
  --check                  read the configuration, say what is wrong with it, and end
  --welcome                print where everything is and what to try
  --set-aside-database     keep a damaged database aside and begin with an empty one
  --version, --help
`;

const STOP_PATIENCE_MS = 5000;

interface Arguments {
  readonly config: string | undefined;
  readonly check: boolean;
  readonly welcome: boolean;
  readonly setAside: boolean;
}

/** Runs the daemon; resolves with its exit code. */
export async function main(argv: readonly string[]): Promise<number> {
  let args: Arguments | number;
  let config: Config;
  try {
    args = readArguments(argv);
    if (typeof args === 'number') return args;
    config = loadConfig({ configFile: args.config, checks: [deviceFaults] });
    if (args.check) return say('The configuration is good.\n');
    prepareDataDirectory(config);
  } catch (error) {
    return refused(error);
  }
  const log = createLog(config.log);
  try {
    using _lock = lockDirectory(config.dataDir);
    if (args.setAside)
      say(
        `The database is kept as ${setDatabaseAside(config.databaseFile, new Date()) ?? '(there was none)'}.\n`,
      );
    return await serve(config, log, args.welcome);
  } catch (error) {
    return failed(error, log);
  }
}

async function serve(config: Config, log: Log, welcome: boolean): Promise<number> {
  const memory = openMemory(config.dataDir);
  if (memory.problem) log.warn({}, memory.problem);
  const starting = new AbortController();
  const asked = stopAsked(() => starting.abort());
  let appliance: Appliance;
  try {
    appliance = await compose({ config, memory, log, version: ownVersion() }, starting.signal);
  } catch (error) {
    if (starting.signal.aborted) return EXIT.ok;
    throw error;
  }
  log.info({ ...appliance.api.address(), mqtt: appliance.mqtt.status().url }, 'ChainBot is ready');
  if (welcome) say(welcomeText(appliance));
  const settling = settleMemory(systemClock);
  const reason = await asked;
  settling[Symbol.dispose]();
  log.info({ reason }, 'stopping');
  const late = setTimeout(() => process.exit(EXIT.failed), STOP_PATIENCE_MS);
  await appliance.stop(reason);
  clearTimeout(late);
  memory.markCleanStop();
  log.info({}, 'stopped');
  return EXIT.ok;
}

/** What the hardware room knows to be wrong with the declared devices, before anything starts. */
function deviceFaults({ devices }: Config): readonly Fault[] {
  const declared = Object.entries(devices).map(([id, device]) => ({ id, ...device }));
  return checkDeclarations(declared, DRIVERS).map((fault) => ({ ...fault, path: `devices.${fault.path}` }));
}

/** Resolves at the first SIGINT or SIGTERM; a second one ends the process at once. */
function stopAsked(onFirst: () => void): Promise<string> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.once(signal, () => {
        onFirst();
        resolve(signal);
        process.once(signal, () => process.exit(EXIT.failed));
      });
    }
  });
}

/** The sample that the guide begins with. */
const SAMPLE = 'greenhouse-cooling';

function welcomeText({ api, mqtt, folder, catalog }: Appliance): string {
  const { url, socket } = api.address();
  const failed = (folder?.failed ?? []).map(({ file, message }) => `  not stored: ${file}: ${message}\n`);
  const hasSample = catalog.list().some(({ name }) => name === SAMPLE);
  return [
    '\nChainBot is ready.\n\n',
    `  API     ${url ?? 'off'}/api/chainbot\n`,
    `  MQTT    ${mqtt.status().url}\n`,
    `  socket  ${socket ?? 'off'}\n\n`,
    ...(failed.length > 0 ? [...failed, '\n'] : []),
    'Try, in another terminal:\n\n',
    '  scripts/chainbot status\n',
    hasSample
      ? `  scripts/chainbot run ${SAMPLE} --input '{"limit": 28}' --follow\n`
      : '  scripts/chainbot workflows list\n',
    '  scripts/chainbot events --follow\n\n',
    'Ctrl-C stops it.\n\n',
  ].join('');
}

function readArguments(argv: readonly string[]): Arguments | number {
  try {
    const { values } = parseArgs({
      args: [...argv],
      options: {
        config: { type: 'string' },
        check: { type: 'boolean', default: false },
        welcome: { type: 'boolean', default: false },
        'set-aside-database': { type: 'boolean', default: false },
        version: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    });
    if (values.help) return say(USAGE);
    if (values.version) return say(`${ownVersion()}\n`);
    const { config, check, welcome } = values;
    return { config, check, welcome, setAside: values['set-aside-database'] };
  } catch (error) {
    process.stderr.write(`chainbotd: ${(error as Error).message}\n\n${USAGE}`);
    return EXIT.usage;
  }
}

function say(text: string): number {
  process.stdout.write(text);
  return EXIT.ok;
}

function refused(error: unknown): number {
  if (!(error instanceof ConfigError)) throw error;
  process.stderr.write(formatConfigError(error));
  return EXIT.config;
}

function failed(error: unknown, log: Log): number {
  if (error instanceof ChainbotError) {
    process.stderr.write(`chainbotd: ${error.message}\n${error.hint ? `  ${error.hint}\n` : ''}`);
    return EXIT.unavailable;
  }
  log.error({ err: error }, 'ChainBot could not start');
  return EXIT.failed;
}

/** package.json stands one folder up, from src/ and from dist/ alike. */
function ownVersion(): string {
  const file = new URL('../package.json', import.meta.url);
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2));
