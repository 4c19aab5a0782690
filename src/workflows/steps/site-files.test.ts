import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type SiteFiles, siteFiles, typeOf } from './site-files.ts';

let home: string;
let files: SiteFiles;

beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'chainbot-files-'));
  const folder = join(home, 'files');
  mkdirSync(join(folder, 'scans'), { recursive: true });
  mkdirSync(join(home, 'files-of-others'));
  writeFileSync(join(home, 'secret'), 'secret');
  writeFileSync(join(home, 'files-of-others', 'x'), 'x');
  writeFileSync(join(folder, 'a.txt'), 'hello');
  writeFileSync(join(folder, 'empty'), '');
  writeFileSync(join(folder, 'scans', 'b.JPG'), Buffer.from([0xff, 0xd8]));
  symlinkSync(join(home, 'secret'), join(folder, 'link'));
  symlinkSync('a.txt', join(folder, 'inner'));
  symlinkSync(home, join(folder, 'up'));
  execFileSync('mkfifo', [join(folder, 'pipe')]);
  files = siteFiles(folder);
});
afterAll(() => rmSync(home, { recursive: true }));

describe('files of the site', () => {
  it('are read whole', async () => {
    expect(await files.read('a.txt', 5)).toEqual({
      name: 'a.txt',
      type: 'text/plain',
      bytes: Buffer.from('hello'),
    });
    expect(await files.read('scans/b.JPG', 100)).toMatchObject({ name: 'b.JPG', type: 'image/jpeg' });
    expect(await files.read('scans/../inner', 100)).toMatchObject({ bytes: Buffer.from('hello') });
    expect((await files.read('empty', 0)).bytes).toHaveLength(0);
  });

  it.each([
    '../secret',
    'scans/../../secret',
    '/etc/hostname',
    'link',
    'up/secret',
    '../files-of-others/x',
    'a\0',
  ])('%j is outside', async (path) => {
    await expect(files.read(path, 1000)).rejects.toMatchObject({ code: 'file.outside' });
  });

  it.each(['none', 'scans', '', 'a.txt/b', 'pipe'])('%j is no file', async (path) => {
    await expect(files.read(path, 1000)).rejects.toMatchObject({
      code: expect.stringMatching(/not_found|outside/),
    });
  });

  it('keep their limit', async () => {
    await expect(files.read('a.txt', 4)).rejects.toMatchObject({ code: 'file.too_large' });
  });

  it('need no folder until they are read', async () => {
    await expect(siteFiles(join(home, 'nowhere')).read('a', 1)).rejects.toMatchObject({
      code: 'file.not_found',
    });
  });

  it('have a type by their ending', () => {
    expect(typeOf('x.pdf')).toBe('application/pdf');
    expect(typeOf('x')).toBe('application/octet-stream');
    expect(typeOf('constructor.toString')).toBe('application/octet-stream');
  });
});
