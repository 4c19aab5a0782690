import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { sample } from '../../tests/cli/samples.ts';
import { TestConsole, type TestRun, type TestTerminal } from '../../tests/cli/test-console.ts';
import { type TestAnswer, TestDaemon } from '../../tests/cli/test-daemon.ts';
import { readHidden } from './hidden-input.ts';

const VALUE = 'the-hidden-value';
let daemon: TestDaemon;
beforeEach(async () => {
  daemon = await new TestDaemon().start();
});
afterEach(() => daemon.stop());

function cli(argv: readonly string[], terminal: TestTerminal = {}): Promise<TestRun> {
  const environment = { socket: daemon.socket };
  return new TestConsole({ cwd: daemon.folder, stdin: VALUE, ...terminal, environment }).run(...argv);
}
const bodyOf = (route: string): unknown => (sample.routes[route] as TestAnswer).body;
const sent = (): unknown => JSON.parse(daemon.requests.at(-1)?.body ?? '');
const set = (...options: string[]): Promise<TestRun> => cli(['secrets', 'set', 'weather', ...options]);

describe('chainbot secrets', () => {
  test('set sends what was typed, and says nothing of it', async () => {
    expect(await set()).toEqual({ code: 0, out: 'weather has a new value, version 2\n', err: '' });
    expect(sent()).toEqual({ value: VALUE });
    expect(daemon.requests.at(-1)).toMatchObject({ method: 'PUT', path: '/secrets/weather' });
    daemon.on('PUT /secrets/weather', { status: 201, body: bodyOf('PUT /secrets/weather') });
    const { out } = await set('--json');
    expect(JSON.parse(out)).toEqual(bodyOf('PUT /secrets/weather'));
    expect((await set()).out).toBe('weather stored\n');
  });

  test.each([
    [['--type', 'text'], { type: 'text' }],
    [['--type', 'bearer', '--host', 'a.org,b.org'], { type: 'bearer', hosts: ['a.org', 'b.org'] }],
    [
      ['--type', 'basic', '--user', 'ada', '--host', 'a.org'],
      { type: 'basic', username: 'ada', hosts: ['a.org'] },
    ],
    [
      ['--type', 'header', '--header', 'X-Key', '--host', 'a.org'],
      { type: 'header', header: 'X-Key', hosts: ['a.org'] },
    ],
    [
      ['--type', 'query', '--parameter', 'k', '--host', 'a.org'],
      { type: 'query', parameter: 'k', hosts: ['a.org'] },
    ],
  ])('%j', async (options, kind) => {
    expect((await set(...options)).code).toBe(0);
    expect(sent()).toEqual({ value: VALUE, kind });
  });

  test.each([
    ['--host', 'a.org'],
    ['--type', 'bearer'],
    ['--type', 'basic', '--host', 'a.org'],
    ['--type', 'text', '--host', 'a.org'],
    ['--type', 'bearer', '--host', 'a.org', '--user', 'ada'],
    ['--type', 'dragon'],
    ['the-value-on-the-command-line'],
  ])('%s %s %s %s is wrong usage', async (...options) => {
    const { code, out, err } = await set(...options);
    expect({ code, out, asked: daemon.requests.length }).toEqual({ code: 2, out: '', asked: 0 });
    expect(err).not.toBe('');
  });

  test('list, remove, rotate', async () => {
    const { out } = await cli(['secrets', 'list'], { columns: 120 });
    expect(out).toMatch(/shelly +basic +admin at 192\.168\.1\.20 +2 .* its root key is not here/);
    expect(out).toMatch(/telegram +text +1 /);
    expect(out).toMatch(/weather +query +\?appid for api\.openweathermap\.org +2/);
    expect((await cli(['secrets', 'remove', 'weather'])).out).toBe('weather removed\n');
    expect((await cli(['secrets', 'remove', 'nobody'])).code).toBe(4);
    expect((await cli(['secrets', 'rotate'])).out).toBe(
      '2 secrets wrapped with root key 00112233aabbccdd (file)\n',
    );
    daemon.on('GET /secrets', { body: { secrets: [], key: null } });
    expect((await cli(['secrets', 'list'])).err).toContain('chainbot secrets set NAME');
  });

  test.each([
    [['secrets', 'list'], 'GET /secrets'],
    [['secrets', 'rotate'], 'POST /secrets/rotate'],
  ])('%j --json', async (argv, route) => {
    expect(JSON.parse((await cli([...argv, '--json'])).out)).toEqual(bodyOf(route));
  });

  test('remove --json, and the names for completion', async () => {
    const { out } = await cli(['secrets', 'remove', 'weather', '--json']);
    expect(JSON.parse(out)).toEqual({ name: 'weather', removed: true });
    expect((await cli(['complete', 'secret-name'])).out).toContain('weather\tquery\n');
  });
});

describe('readHidden', () => {
  const said: string[] = [];
  const asking = { write: (text: string) => void said.push(text) };
  const terminal = (...typed: (string | Buffer)[]) => {
    const modes: boolean[] = [];
    const input = Object.assign(PassThrough.from(typed.map((one) => Buffer.from(one))), {
      isTTY: true,
      setRawMode: (on: boolean) => void modes.push(on),
    });
    return { input, modes };
  };
  beforeEach(() => {
    said.length = 0;
  });

  test('a line that is typed is not shown; corrections count', async () => {
    const { input, modes } = terminal(
      'wrong\u0015',
      'a',
      'x\u007f',
      Buffer.from([0xc3]),
      Buffer.from([0xa4]),
      'b\r',
      'more',
    );
    expect(await readHidden(input, asking, 'Value: ', 100)).toBe('aäb');
    expect(said).toEqual(['Value: ', '\n']);
    expect(modes).toEqual([true, false]);
  });

  test('Ctrl-C is an interruption, the end of the input an answer', async () => {
    const broken = terminal('abc\u0003');
    await expect(readHidden(broken.input, asking, '', 100)).rejects.toMatchObject({ by: 'person' });
    expect(broken.modes).toEqual([true, false]);
    expect(await readHidden(terminal('abc').input, asking, '', 100)).toBe('abc');
    expect(await readHidden(terminal('ab\u0004').input, asking, '', 100)).toBe('ab');
  });

  test('a pipe is read to its end, without one line break', async () => {
    expect(await readHidden(PassThrough.from([Buffer.from('a\nb\r\n')]), asking, 'Value: ', 100)).toBe(
      'a\nb',
    );
    expect(said).toEqual([]);
    await expect(readHidden(PassThrough.from([Buffer.alloc(9)]), asking, '', 8)).rejects.toMatchObject({
      code: 'cli.input_too_large',
    });
    await expect(readHidden(terminal('x'.repeat(9)).input, asking, '', 8)).rejects.toMatchObject({
      code: 'cli.input_too_large',
    });
  });
});
