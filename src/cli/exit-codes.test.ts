import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { RetryableError, TerminalError } from '#core/errors.ts';
import { TestConsole, type TestRun } from '../../tests/cli/test-console.ts';
import { TestDaemon } from '../../tests/cli/test-daemon.ts';
import { EXIT, EXIT_MEANINGS, exitCodeOf } from './exit-codes.ts';

describe('against a daemon', () => {
  let daemon: TestDaemon;
  beforeEach(async () => {
    daemon = await new TestDaemon().start();
  });
  afterEach(() => daemon.stop());

  const list = (): Promise<TestRun> =>
    new TestConsole({ environment: { socket: daemon.socket } }).run('workflows', 'list');

  test.each([
    [401, EXIT.notAllowed],
    [403, EXIT.notAllowed],
    [404, EXIT.notFound],
    [400, EXIT.refused],
    [409, EXIT.refused],
    [410, EXIT.refused],
    [413, EXIT.refused],
    [422, EXIT.refused],
    [429, EXIT.later],
    [503, EXIT.later],
    [500, EXIT.failed],
  ])('an answer of %i exits %i with the reason and the hint', async (status, code) => {
    daemon.refuse('GET /workflows', { status, code: 'some.code', detail: 'the reason', hint: 'the mend' });
    expect(await list()).toEqual({
      code,
      out: '',
      err: 'chainbot: the reason (some.code)\n  hint: the mend\n',
    });
  });

  test('an answer that is not the daemon’s exits 3', async () => {
    daemon.on('GET /workflows', { status: 502, body: 'Bad gateway' });
    expect((await list()).code).toBe(EXIT.unreachable);
  });

  test('a token goes with --url', async () => {
    const url = await daemon.startTcp();
    const { code } = await new TestConsole().run('token', 'list', '--url', url, '--token', 't0p');
    expect(code).toBe(EXIT.ok);
    expect(daemon.requests.at(-1)?.headers.authorization).toBe('Bearer t0p');
    await new TestConsole({ environment: { url, token: 'env' } }).run('token', 'list');
    expect(daemon.requests.at(-1)?.headers.authorization).toBe('Bearer env');
  });
});

test('no daemon exits 3 and says how to start it', async () => {
  const { code, err } = await new TestConsole().run('status', '--socket', '/nowhere/chainbot.sock');
  expect(code).toBe(EXIT.unreachable);
  expect(err).toContain('/nowhere/chainbot.sock');
  expect(err).toMatch(/scripts\/run or systemctl start chainbot/);
  expect(err).toContain('because --socket says so');
});

test.each([
  [['nonsense']],
  [['runs']],
  [['runs', 'list', '--limit', 'many']],
  [['runs', 'list', '--limit', '0']],
  [['runs', 'list', '--status', 'odd']],
  [['runs', 'show']],
  [['runs', 'show', 'a', 'b']],
  [['run', 'x', '--timeout', 'soon']],
  [['run', 'x', '--input', '{broken']],
  [['run', 'x', '--input', '@/nowhere.json']],
  [['events', '--since', '-1']],
  [['token', 'create']],
  [['completion', 'tcsh']],
  [['status', '--url', 'ftp://x']],
  [['status', '--url', 'http://x', '--socket', '/y']],
  [['status', '--socket', `/${'x'.repeat(120)}`]],
])('%j is wrong usage: 2, said on standard error only', async (argv) => {
  const { code, out, err } = await new TestConsole().run(...argv);
  expect({ code, out }).toEqual({ code: EXIT.usage, out: '' });
  expect(err).not.toBe('');
});

test('help is an answer: 0', async () => {
  for (const argv of [
    ['--help'],
    ['runs', '--help'],
    ['runs', 'list', '-h'],
    ['help'],
    ['help', 'runs', 'list'],
  ]) {
    const { code, out, err } = await new TestConsole().run(...argv);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toMatch(/^Usage: chainbot/);
  }
});

test('each error has its status, and each status its meaning', () => {
  expect(exitCodeOf(new RetryableError('cli.timeout', ''))).toBe(EXIT.later);
  expect(exitCodeOf(new RetryableError('client.timeout', ''))).toBe(EXIT.later);
  expect(exitCodeOf(new TerminalError('forbidden', 'client.forbidden', ''))).toBe(EXIT.notAllowed);
  expect(EXIT_MEANINGS.map(({ code }) => code)).toEqual(Object.values(EXIT));
});

test('a fault of the command itself is not blamed on anybody', async () => {
  const screen = new TestConsole();
  const io = { ...screen.io, readStdin: () => Promise.reject(new Error('boom')) };
  const { runCli } = await import('./run-cli.ts');
  expect(await runCli(['workflows', 'add', '-'], io)).toBe(EXIT.failed);
  expect(screen.err).toContain('boom');
  expect(screen.err).toContain('report it');
});
