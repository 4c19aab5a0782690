import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readEnvironment } from './environment.ts';
import { findTarget, SYSTEM_SOCKET, targetText } from './target.ts';

const NOTHING = readEnvironment({});
let folder: string;
let clone: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'chainbot-target-'));
  clone = join(folder, 'clone');
  mkdirSync(join(clone, 'scripts'), { recursive: true });
  mkdirSync(join(clone, 'src/cli'), { recursive: true });
  writeFileSync(join(clone, 'scripts/run'), '');
  writeFileSync(join(clone, 'package.json'), '{"name": "chainbot"}');
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('findTarget', () => {
  test('an installed command asks the installed daemon', () => {
    expect(findTarget({}, NOTHING, folder, folder)).toMatchObject({ kind: 'socket', path: SYSTEM_SOCKET });
  });

  test('the checkout that the command is in, or the current folder', () => {
    const path = join(clone, 'data/chainbot.sock');
    expect(findTarget({}, NOTHING, folder, join(clone, 'src/cli'))).toMatchObject({ path });
    expect(findTarget({}, NOTHING, join(clone, 'src'), folder)).toMatchObject({ path });
  });

  test('another project with scripts/run is no checkout', () => {
    const other = join(folder, 'other');
    mkdirSync(join(other, 'scripts'), { recursive: true });
    writeFileSync(join(other, 'scripts/run'), '');
    expect(findTarget({}, NOTHING, other, folder)).toMatchObject({ path: SYSTEM_SOCKET });
    writeFileSync(join(other, 'package.json'), '{"name": "flowers"}');
    expect(findTarget({}, NOTHING, other, folder)).toMatchObject({ path: SYSTEM_SOCKET });
  });

  test('what is said on the command line beats the environment, which beats the checkout', () => {
    const env = {
      ALEX_OS_CHAINBOT_SOCKET: 'here.sock',
      ALEX_OS_CHAINBOT_DATA_DIR: '/data',
      CHAINBOT_URL: 'http://pi:8000/panel',
      CHAINBOT_TOKEN: 'secret',
    };
    const found = (options: object, more: object) =>
      findTarget(options, readEnvironment({ ...env, ...more }), clone, clone);
    expect(found({ socket: 'x.sock' }, {})).toMatchObject({ path: join(clone, 'x.sock') });
    expect(found({ url: 'https://[::1]:9', token: 'mine' }, {})).toMatchObject({
      url: 'https://[::1]:9',
      token: 'mine',
    });
    expect(found({}, {})).toMatchObject({ kind: 'url', url: 'http://pi:8000', token: 'secret' });
    expect(found({}, { CHAINBOT_URL: '' })).toMatchObject({ path: join(clone, 'here.sock') });
    const byData = found({}, { CHAINBOT_URL: '', ALEX_OS_CHAINBOT_SOCKET: '' });
    expect(targetText(byData)).toBe('/data/chainbot.sock');
  });
});

describe('readEnvironment', () => {
  test.each([
    [{ LANG: 'C' }, false],
    [{ LANG: 'de_CH.UTF-8' }, true],
    [{ LANG: 'de_CH.UTF-8', LC_ALL: 'C' }, false],
    [{ LC_CTYPE: 'C.utf8' }, true],
    [{}, true],
  ])('%j: marks beyond ASCII %j', (env, unicode) => {
    expect(readEnvironment(env).unicode).toBe(unicode);
  });

  test('NO_COLOR and a dumb terminal', () => {
    expect(readEnvironment({ NO_COLOR: '1' }).noColor).toBe(true);
    expect(readEnvironment({ TERM: 'dumb' }).noColor).toBe(true);
    expect(readEnvironment({ TERM: 'xterm', NO_COLOR: '' }).noColor).toBe(false);
  });
});
