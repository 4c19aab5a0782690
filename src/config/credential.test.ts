import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Config } from './config.ts';
import { ConfigError } from './faults.ts';
import { loadConfig } from './load-config.ts';

const KEY = 'k'.repeat(40);
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'chainbot-credentials-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const load = (env: Record<string, string> = {}): Config =>
  loadConfig({
    siteFile: join(folder, 'none.yaml'),
    env: { CREDENTIALS_DIRECTORY: folder, ALEX_OS_CHAINBOT_DATA_DIR: folder, ...env },
  });
const give = (bytes: string | Buffer): void => writeFileSync(join(folder, 'chainbot-secret-key'), bytes);
const faultOf = (): unknown => {
  try {
    load();
  } catch (error) {
    return (error as ConfigError).faults;
  }
  return undefined;
};

test('a root key from systemd, without the line break at its end', () => {
  expect(load().vault.credential).toBeUndefined();
  give(`${KEY}\n`);
  const { vault } = load();
  expect(vault.credential?.reveal()).toBe(KEY);
  expect(inspect(vault) + JSON.stringify(vault)).not.toContain('kkkk');
  expect(load({ CREDENTIALS_DIRECTORY: '' }).vault.credential).toBeUndefined();
});

test('bytes that are no text', () => {
  const bytes = Buffer.alloc(32, 0xff);
  give(bytes);
  expect(load().vault.credential?.reveal()).toBe(bytes.toString('base64'));
});

test('too short, too long, or no file: said with the file and the mend', () => {
  for (const bytes of ['short', 'x'.repeat(5000)]) {
    give(bytes);
    expect(faultOf()).toMatchObject([
      { source: join(folder, 'chainbot-secret-key'), hint: expect.stringContaining('LoadCredential') },
    ]);
  }
  rmSync(join(folder, 'chainbot-secret-key'));
  mkdirSync(join(folder, 'chainbot-secret-key'));
  expect(faultOf()).toMatchObject([{ message: expect.stringContaining('EISDIR') }]);
  expect(() => load()).toThrow(ConfigError);
});

test('words and the key before, from the environment', () => {
  const { vault } = load({
    ALEX_OS_CHAINBOT_VAULT__PASSPHRASE: 'correct horse battery',
    ALEX_OS_CHAINBOT_VAULT__PREVIOUS_KEY: KEY,
  });
  expect(vault.passphrase?.reveal()).toBe('correct horse battery');
  expect(vault.previousKey?.reveal()).toBe(KEY);
});
