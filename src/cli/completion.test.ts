import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { RUN_ID } from '../../tests/cli/samples.ts';
import { TestConsole } from '../../tests/cli/test-console.ts';
import { TestDaemon } from '../../tests/cli/test-daemon.ts';
import { bashCompletion } from './completion/bash.ts';
import { fishCompletion } from './completion/fish.ts';
import { completionSpec } from './completion/spec.ts';
import { zshCompletion } from './completion/zsh.ts';
import { buildProgram } from './program.ts';

const SPECS = completionSpec(buildProgram(async () => {}, '0.0.0'));
let daemon: TestDaemon;

beforeAll(async () => {
  daemon = await new TestDaemon().start();
  writeFileSync(join(daemon.folder, 'chainbot.bash'), bashCompletion(SPECS));
  const bin = join(daemon.folder, 'bin');
  mkdirSync(bin);
  writeFileSync(
    join(bin, 'chainbot'),
    `#!/bin/sh\necho "$@" >> "${daemon.folder}/asked"\nprintf 'greenhouse-cooling\\tCools\\n$(touch pwned)\\t\\n'\n`,
  );
  chmodSync(join(bin, 'chainbot'), 0o755);
});
afterAll(() => daemon.stop());

/** What bash offers for a line with the cursor at its end. */
function offered(line: string): string[] {
  const words = line.split(' ');
  const script = `
    source chainbot.bash
    COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')})
    COMP_CWORD=${words.length - 1}
    _chainbot
    printf '%s\\n' "\${COMPREPLY[@]}"`;
  const env = { PATH: `${join(daemon.folder, 'bin')}:${process.env.PATH}` };
  const out = execFileSync('bash', ['--norc', '-c', script], { cwd: daemon.folder, env, encoding: 'utf8' });
  return out.split('\n').filter((word) => word !== '');
}

describe('bash', () => {
  test.each([
    ['chainbot ', ['status', 'runs', 'completion', 'sim']],
    ['chainbot st', ['status']],
    ['chainbot runs s', ['show', 'signal']],
    ['chainbot --json runs s', ['show', 'signal']],
    ['chainbot --socket /x runs s', ['show', 'signal']],
    ['chainbot runs list --st', ['--status']],
    ['chainbot runs list --status fa', ['failed']],
    ['chainbot runs list --status = fa', ['failed']],
    ['chainbot run g', ['greenhouse-cooling']],
    ['chainbot runs list --workflow g', ['greenhouse-cooling']],
    ['chainbot completion z', ['zsh']],
    ['chainbot workflows add chainbot.b', ['chainbot.bash']],
  ])('"%s" offers %j', (line, expected) => {
    const found = offered(line);
    expect(found).toEqual(expect.arrayContaining(expected));
    if (!line.endsWith(' ')) expect(found).toEqual(expected);
  });

  test('offers nothing where anything may stand, and no hidden command', () => {
    expect(offered('chainbot run x --input ')).toEqual([]);
    expect(offered('chainbot status extra ')).toEqual([]);
    expect(offered('chainbot comp')).toEqual(['completion']);
  });

  test('names from the daemon are quoted, never run', () => {
    expect(offered('chainbot run $')).toEqual(['\\$\\(touch\\ pwned\\)']);
    expect(spawnSync('test', ['-e', join(daemon.folder, 'pwned')]).status).toBe(1);
  });

  test('asks the daemon that the line names', () => {
    offered('chainbot --socket /some.sock runs show ');
    const asked = execFileSync('tail', ['-n1', join(daemon.folder, 'asked')], { encoding: 'utf8' });
    expect(asked).toBe('complete run --socket /some.sock\n');
  });
});

describe('the scripts', () => {
  const scripts = { bash: bashCompletion(SPECS), zsh: zshCompletion(SPECS), fish: fishCompletion(SPECS) };

  test.each(Object.entries(scripts))('%s passes the syntax check, if that shell is here', (shell, script) => {
    const { error, status, stderr } = spawnSync(shell, ['-n'], { input: script, encoding: 'utf8' });
    if (error === undefined) expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });

  // What zsh and bash share are `case` arms: bash checks the whole structure of the zsh script too.
  test('the zsh script has the structure of a shell script', () => {
    const script = scripts.zsh.replaceAll(/\$\{[^}]*\}+/g, 'x').replaceAll(/\(--socket/g, '--socket');
    const { status, stderr } = spawnSync('bash', ['-n'], { input: script, encoding: 'utf8' });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });

  test.each(Object.entries(scripts))(
    '%s knows every command and option, and no hidden one',
    (_shell, script) => {
      for (const { commands, options } of SPECS) {
        for (const { name } of commands) expect(script).toContain(name);
        for (const { names } of options)
          for (const name of names) expect(script).toContain(name.replace(/^--?/, ''));
      }
      expect(SPECS.flatMap(({ commands }) => commands).map(({ name }) => name)).not.toContain('complete');
    },
  );

  test.each(Object.entries(scripts))('chainbot completion %s prints it', async (shell, script) => {
    expect(await new TestConsole().run('completion', shell)).toEqual({ code: 0, out: script, err: '' });
  });
});

describe('chainbot complete', () => {
  const complete = (kind: string, socket = daemon.socket) =>
    new TestConsole({ environment: { socket } }).run('complete', kind);

  test.each([
    ['workflow', 'greenhouse-cooling\tCools the greenhouse when it is hot\n'],
    ['run', `${RUN_ID}\tcompleted greenhouse-cooling\n`],
    ['device', 'greenhouse_fan\tFan\n'],
    ['token', 'ci\ttok-1\n'],
  ])('%s', async (kind, line) => {
    const { code, out } = await complete(kind);
    expect(code).toBe(0);
    expect(out).toContain(line);
  });

  test('says nothing at all when it can not know', async () => {
    for (const { code, out, err } of [
      await complete('workflow', '/nowhere.sock'),
      await complete('dragon'),
    ]) {
      expect({ code, out, err }).toEqual({ code: 0, out: '', err: '' });
    }
    daemon.on('GET /devices', () => new Promise(() => {}));
    expect(await complete('device')).toEqual({ code: 0, out: '', err: '' });
  });
});
