import { mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { TriggerRig } from '../../../tests/support/trigger-rig.ts';
import { nameFits } from './name-pattern.ts';
import { WatchedFolder } from './watched-folder.ts';

let rig: TriggerRig;

beforeEach(async () => {
  rig = await new TriggerRig().open();
});
afterEach(() => rig.close());

const put = (name: string, text = 'x', folder = 'inbox'): void => {
  mkdirSync(join(rig.filesDir, folder), { recursive: true });
  writeFileSync(join(rig.filesDir, folder, name), text);
};
const paths = (workflow = 'w') => rig.fired(workflow).map((trigger) => trigger.path);
/** Time passes, and the real file system has its turns. */
async function pass(seconds: number): Promise<void> {
  for (let second = 0; second < seconds; second++) {
    await rig.pass(1);
    await pause(8);
    await rig.rig.settle();
  }
}

test('a file that appears and stands still starts a run, once', async () => {
  await rig.save('w', [{ type: 'file', folder: 'inbox', pattern: '*.csv', settle: '4s' }]);
  await pass(2);
  put('a.csv', '1');
  await pass(3);
  put('a.csv', '1,2');
  await pass(3);
  expect(paths()).toEqual([]);
  put('b.txt');
  put('.hidden.csv');
  await pass(20);
  expect(rig.fired('w')).toMatchObject([{ type: 'file', path: 'inbox/a.csv', name: 'a.csv', size: 3 }]);
  await rig.away(60_000);
  await pass(12);
  await rig.crash();
  await pass(12);
  expect(paths()).toEqual(['inbox/a.csv']);
});

test('a file written anew is a new one, and so is one that came back; one from while it was away is not lost', async () => {
  await rig.save('w', [{ type: 'file', folder: 'inbox', settle: '1s' }]);
  put('a', 'one');
  await pass(12);
  put('a', 'more');
  utimesSync(join(rig.filesDir, 'inbox/a'), 1_800_000_000, 1_800_000_000);
  await pass(12);
  expect(paths().length).toBe(2);
  rmSync(join(rig.filesDir, 'inbox/a'));
  await pass(12);
  expect(rig.rig.store.rows('SELECT * FROM files_seen')).toEqual([]);
  put('a', 'more');
  utimesSync(join(rig.filesDir, 'inbox/a'), 1_800_000_000, 1_800_000_000);
  await pass(12);
  expect(paths().length).toBe(3);
  await rig.down();
  put('b');
  await rig.up();
  await pass(12);
  expect(paths()).toEqual([...Array(3).fill('inbox/a'), 'inbox/b']);
});

test('other folders, other workflows; a trigger that moves to another folder', async () => {
  await rig.save('w', [{ type: 'file', folder: 'inbox/deep', settle: '1s' }]);
  await rig.save('v', [{ type: 'file', folder: 'other', settle: '1s' }]);
  put('a', 'x', 'inbox/deep');
  put('b', 'x', 'other');
  await pass(12);
  expect([paths('w'), paths('v')]).toEqual([['inbox/deep/a'], ['other/b']]);
  await rig.save('w', [{ type: 'file', folder: 'other', settle: '1s' }]);
  await pass(12);
  expect(paths('w')).toEqual(['inbox/deep/a', 'other/b']);
});

test('a folder that leads out of files_dir is not looked at, and links are not followed', async () => {
  const outside = mkdtempSync(join(tmpdir(), 'chainbot-outside-'));
  writeFileSync(join(outside, 'secret'), 'x');
  mkdirSync(rig.filesDir, { recursive: true });
  symlinkSync(outside, join(rig.filesDir, 'way-out'));
  put('plain', 'x', 'in');
  symlinkSync(join(outside, 'secret'), join(rig.filesDir, 'in', 'link'));
  await rig.save('w', [{ type: 'file', folder: 'way-out', settle: '1s' }]);
  await rig.save('v', [{ type: 'file', folder: 'in', settle: '1s' }]);
  await pass(12);
  expect(rig.status('w')?.held).toContain('leads out of');
  expect([paths('w'), paths('v')]).toEqual([[], ['in/plain']]);
  rmSync(outside, { recursive: true });
});

test('a change in a folder is told at once', async () => {
  const folder = new WatchedFolder(rig.filesDir, 'watched');
  expect(await folder.files()).toEqual([]);
  const told = Promise.withResolvers<void>();
  folder.watch(() => told.resolve());
  folder.watch(() => told.reject(new Error('it is watched already')));
  put('a', 'x', 'watched');
  await told.promise;
  expect((await folder.files()).map((file) => file.name)).toEqual(['a']);
  folder.close();
  new WatchedFolder(rig.filesDir, 'nowhere').watch(() => undefined);
});

test('patterns', () => {
  const fits = [
    ['a.csv', '*.csv'],
    ['.csv', '*.csv'],
    ['report-2026.pdf', 'report-????.pdf'],
    ['abcabc', '*abc'],
    ['x', '*'],
    ['', '**'],
    ['a+b(c)', 'a+b(c)'],
  ] as const;
  for (const [name, pattern] of fits)
    expect([name, pattern, nameFits(name, pattern)]).toEqual([name, pattern, true]);
  const unfit = [
    ['a.csvx', '*.csv'],
    ['report-26.pdf', 'report-????.pdf'],
    ['', '?'],
    ['A.CSV', '*.csv'],
  ] as const;
  for (const [name, pattern] of unfit)
    expect([name, pattern, nameFits(name, pattern)]).toEqual([name, pattern, false]);
  expect(nameFits('a'.repeat(255), `${'*a'.repeat(49)}b`)).toBe(false);
});
