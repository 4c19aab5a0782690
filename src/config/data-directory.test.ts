import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statfsSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { prepareDataDirectory, volatileName } from './data-directory.ts';
import { ConfigError } from './faults.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(path.join(tmpdir(), 'data-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const at = (dataDir: string, allowVolatile = true, databaseFile = path.join(dataDir, 'chainbot.db')) => ({
  dataDir,
  databaseFile,
  storage: { allowVolatile, quickCheck: true },
});

function refusal(run: () => unknown) {
  try {
    run();
  } catch (error) {
    if (error instanceof ConfigError) return error.faults[0];
    throw error;
  }
  throw new Error('it was accepted');
}

test('makes the folder and those above it, private', () => {
  const dataDir = path.join(dir, 'a/b');
  prepareDataDirectory(at(dataDir));
  expect(statSync(dataDir).mode & 0o777).toBe(0o700);
  expect(statSync(path.dirname(dataDir)).mode & 0o777).not.toBe(0o700);
  prepareDataDirectory(at(dataDir));
});

test("closes an open folder that is empty or ours, and leaves somebody else's alone", () => {
  chmodSync(dir, 0o755);
  prepareDataDirectory(at(dir));
  expect(statSync(dir).mode & 0o777).toBe(0o700);

  chmodSync(dir, 0o775);
  writeFileSync(path.join(dir, 'memory.json'), '{}');
  prepareDataDirectory(at(dir));
  expect(statSync(dir).mode & 0o777).toBe(0o700);

  const shared = path.join(dir, 'shared');
  mkdirSync(shared);
  chmodSync(shared, 0o777);
  writeFileSync(path.join(shared, 'letter.txt'), '');
  expect(refusal(() => prepareDataDirectory(at(shared)))?.message).toContain("not ChainBot's");
  expect(statSync(shared).mode & 0o777).toBe(0o777);
});

test('a database elsewhere has its folder made ready too', () => {
  const databaseFile = path.join(dir, 'db/x.db');
  prepareDataDirectory(at(path.join(dir, 'data'), true, databaseFile));
  expect(existsSync(path.join(dir, 'db'))).toBe(true);
  writeFileSync(path.join(dir, 'file'), '');
  const fault = refusal(() =>
    prepareDataDirectory(at(path.join(dir, 'data'), true, path.join(dir, 'file/x.db'))),
  );
  expect(fault).toMatchObject({ path: 'database_url', hint: expect.stringContaining('file of that name') });
});

test('a path through a file, and a filesystem nobody may write', () => {
  writeFileSync(path.join(dir, 'file'), '');
  const through = refusal(() => prepareDataDirectory(at(path.join(dir, 'file/below'))));
  expect(through).toMatchObject({
    path: 'data_dir',
    hint: expect.stringMatching(/is a file|file of that name/),
  });
  const proc = refusal(() => prepareDataDirectory(at('/proc/chainbot')));
  expect(proc?.message).toContain('cannot be used');
});

test('tmpfs is refused unless allowed', () => {
  const shm = '/dev/shm';
  if (volatileName(statfsSync(shm).type) === undefined) throw new Error('/dev/shm is no tmpfs here');
  const dataDir = mkdtempSync(path.join(shm, 'chainbot-'));
  try {
    const fault = refusal(() => prepareDataDirectory(at(dataDir, false)));
    expect(fault).toMatchObject({ message: expect.stringContaining('is on tmpfs'), path: 'data_dir' });
    expect(fault?.hint).toContain('storage.allow_volatile');
    expect(prepareDataDirectory(at(dataDir, true)).volatile).toBe('tmpfs');
    const split = at(path.join(dir, 'data'), true, path.join(dataDir, 'x.db'));
    expect(prepareDataDirectory(split).volatile).toBe('tmpfs');
  } finally {
    rmSync(dataDir, { recursive: true, force: true });
  }
});

test('magic numbers, signed or not', () => {
  expect([0x01021994, 0x858458f6, 0x858458f6 | 0, 0x794c7630, 0xef53].map(volatileName)).toEqual([
    'tmpfs',
    'ramfs',
    'ramfs',
    'overlayfs',
    undefined,
  ]);
});
