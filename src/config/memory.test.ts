import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { isId } from '#core/ids.ts';
import { openMemory } from './memory.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(path.join(tmpdir(), 'memory-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));
const file = () => path.join(dir, 'memory.json');

test('the first start makes an identity; later ones keep it and count', () => {
  const first = openMemory(dir, 1000);
  expect(first).toMatchObject({ firstStart: 1000, starts: 1, lastStopClean: true, problem: undefined });
  expect(isId(first.deviceId)).toBe(true);
  expect(statSync(file()).mode & 0o777).toBe(0o600);

  const afterCrash = openMemory(dir, 2000);
  expect(afterCrash).toMatchObject({
    deviceId: first.deviceId,
    firstStart: 1000,
    starts: 2,
    lastStopClean: false,
  });
  afterCrash.markCleanStop();
  expect(openMemory(dir)).toMatchObject({ deviceId: first.deviceId, starts: 3, lastStopClean: true });
  expect(openMemory(dir)).toMatchObject({ starts: 4, lastStopClean: false });
});

test.each(['{"device_id"', '[]', '{}', '{"device_id":"x","first_start":1,"starts":1,"clean_stop":true}', ''])(
  'a damaged file is kept aside: %s',
  (text) => {
    writeFileSync(file(), text);
    const memory = openMemory(dir);
    expect(memory).toMatchObject({ starts: 1, lastStopClean: false });
    expect(memory.problem).toContain('a new device id was made');
    const aside = readdirSync(dir).find((name) => name.includes('damaged')) as string;
    expect(readFileSync(path.join(dir, aside), 'utf8')).toBe(text);
    expect(openMemory(dir)).toMatchObject({ deviceId: memory.deviceId, starts: 2, problem: undefined });
  },
);

test('a disk that takes nothing is a problem, not an end', () => {
  const gone = path.join(dir, 'gone');
  writeFileSync(gone, '');
  const memory = openMemory(gone);
  expect(isId(memory.deviceId)).toBe(true);
  expect(memory.problem).toBeDefined();
  memory.markCleanStop();

  const full = '/dev/full';
  expect(openMemory(full).problem).toBeDefined();
});

test('a file that is a folder', () => {
  mkdirSync(file());
  expect(openMemory(dir).problem).toContain('the old file is');
  chmodSync(dir, 0o700);
});
