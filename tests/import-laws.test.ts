import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ROOT } from './rigs/site.ts';

/**
 * Plants a violation of each law into a house of the same shape, and expects the checker to name it. A checker
 * that sees nothing also reports nothing: so a good house is checked too, and how much of it was seen.
 */
interface Planted {
  readonly law: string;
  readonly file: string;
  readonly source: string;
}

/** What may be imported, and is nobody's violation. */
const HOUSE: Readonly<Record<string, string>> = {
  'src/core/errors.ts': 'export const core = 1;',
  'src/store/store.ts': "import { core } from '#core/errors.ts';\nexport const store = core;",
  'src/store/open-database.ts': "import Sqlite from 'better-sqlite3';\nexport const open = Sqlite;",
  'src/bus/event-log.ts': "import { store } from '#store/store.ts';\nexport const log = store;",
  'src/workflows/port.ts': 'export interface Runs { readonly runs: 1 }\nexport const real = 1;',
  'src/workflows/engine.ts': "import { log } from '#bus/event-log.ts';\nexport const engine = log;",
  'src/hardware/port.ts': 'export interface Devices { readonly devices: 1 }\nexport const real = 2;',
  'src/hardware/devices.ts': 'export const devices = 1;',
  'src/hardware/good.ts':
    "import type { Runs } from '#workflows/port.ts';\nexport const good: Runs = { runs: 1 };",
  'src/api/client.ts': 'export const client = 1;',
  'src/cli/main.ts': "import { client } from '#api/client.ts';\nexport const main = client;",
  'src/config/config.ts': 'export const config = 1;',
  'src/mqtt/bridge.ts': 'export const bridge = 1;',
  'src/logging/create-log.ts': "import pino from 'pino';\nexport const log = pino;",
  'src/compose.ts': "import { engine } from '#workflows/engine.ts';\nexport const compose = engine;",
  'tests/tool.ts': 'export const tool = 1;',
};

const imports = (what: string): string => `import * as it from '${what}';\nexport const used = it;`;

const PLANTED: readonly Planted[] = [
  { law: 'room-workflows', file: 'src/workflows/bad.ts', source: imports('#hardware/devices.ts') },
  { law: 'room-hardware', file: 'src/hardware/bad.ts', source: imports('../workflows/engine.ts') },
  { law: 'sibling-only-as-type', file: 'src/hardware/bad2.ts', source: imports('#workflows/port.ts') },
  { law: 'api-never-store', file: 'src/api/bad.ts', source: imports('#store/store.ts') },
  { law: 'cli-over-the-socket', file: 'src/cli/bad.ts', source: imports('#store/store.ts') },
  { law: 'room-core', file: 'src/core/bad.ts', source: imports('#bus/event-log.ts') },
  {
    law: 'room-core',
    file: 'src/core/bad2.ts',
    source: "export const it = await import('#bus/event-log.ts');",
  },
  { law: 'room-store', file: 'src/store/bad.ts', source: "export { log } from '#bus/event-log.ts';" },
  { law: 'room-config', file: 'src/config/bad.ts', source: imports('#store/store.ts') },
  { law: 'room-logging', file: 'src/logging/bad.ts', source: imports('#config/config.ts') },
  { law: 'room-mqtt', file: 'src/mqtt/bad.ts', source: imports('#workflows/engine.ts') },
  { law: 'compose-only-from-main', file: 'src/bus/bad.ts', source: imports('../compose.ts') },
  { law: 'sqlite-in-store', file: 'src/workflows/bad3.ts', source: imports('better-sqlite3') },
  { law: 'kysely-in-store', file: 'src/api/bad4.ts', source: imports('kysely') },
  { law: 'pino-in-logging', file: 'src/bus/bad5.ts', source: imports('pino') },
  { law: 'mqtt-in-mqtt', file: 'src/workflows/bad6.ts', source: imports('mqtt') },
  { law: 'hardware-packages-in-hardware', file: 'src/workflows/bad7.ts', source: imports('serialport') },
  { law: 'tests-are-leaves', file: 'src/bus/bad8.ts', source: imports('../../tests/tool.ts') },
  { law: 'no-unresolvable', file: 'src/bus/bad9.ts', source: imports('#bus/nowhere.ts') },
  {
    law: 'no-cycles',
    file: 'src/bus/one.ts',
    source: "import { two } from './two.ts';\nexport const one = () => two;",
  },
];

let house: string;
beforeAll(() => {
  house = mkdtempSync(join(tmpdir(), 'chainbot-laws-'));
  for (const file of ['.dependency-cruiser.mjs', 'tsconfig.json', 'package.json'])
    cpSync(join(ROOT, file), join(house, file));
  symlinkSync(join(ROOT, 'node_modules'), join(house, 'node_modules'));
  for (const [file, source] of Object.entries(HOUSE)) put(file, source);
});
afterAll(() => rmSync(house, { recursive: true, force: true }));

test('a good house has no violations, and all of it is seen', () => {
  const { violations, modules } = cruise();
  expect(violations).toEqual([]);
  for (const file of Object.keys(HOUSE).filter((name) => name.startsWith('src/')))
    expect(modules).toContain(file);
});

test('each planted violation is caught by its name', () => {
  for (const { file, source } of PLANTED) put(file, source);
  put('src/bus/two.ts', "import { one } from './one.ts';\nexport const two = () => one;");
  const { violations } = cruise();
  for (const { law, file } of PLANTED) expect(violations, `${law} in ${file}`).toContain(`${law} ${file}`);
  // Nobody who did nothing is accused.
  const accused = new Set(violations.map((violation) => violation.split(' ')[1]));
  for (const file of Object.keys(HOUSE)) expect(accused.has(file), file).toBe(false);
});

function put(file: string, source: string): void {
  mkdirSync(dirname(join(house, file)), { recursive: true });
  writeFileSync(join(house, file), `${source}\n`);
}

function cruise(): { violations: string[]; modules: string[] } {
  const binary = join(ROOT, 'node_modules/.bin/depcruise');
  const { stdout, stderr } = spawnSync(
    process.execPath,
    [binary, '--config', '.dependency-cruiser.mjs', '--output-type', 'json', 'src'],
    { cwd: house, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 },
  );
  if (!stdout.startsWith('{')) throw new Error(stderr);
  const report = JSON.parse(stdout) as {
    modules: { source: string }[];
    summary: { violations: { rule: { name: string }; from: string }[] };
  };
  return {
    violations: report.summary.violations.map(({ rule, from }) => `${rule.name} ${from}`),
    modules: report.modules.map((module) => module.source),
  };
}
