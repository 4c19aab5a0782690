import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { RUN_ID, sample } from '../../tests/cli/samples.ts';
import { TestDaemon } from '../../tests/cli/test-daemon.ts';
import { output, processIo } from './process-io.ts';
import { readAll } from './read-all.ts';

const MAIN = join(import.meta.dirname, 'main.ts');
let daemon: TestDaemon;
beforeAll(async () => {
  daemon = await new TestDaemon().start();
});
afterAll(() => daemon.stop());

function start(...argv: string[]) {
  const env = { PATH: process.env.PATH, ALEX_OS_CHAINBOT_SOCKET: daemon.socket };
  const child = spawn(process.execPath, [MAIN, ...argv], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const said = { out: '', err: '' };
  child.stdout.on('data', (chunk) => {
    said.out += chunk;
  });
  child.stderr.on('data', (chunk) => {
    said.err += chunk;
  });
  return { child, said, ended: once(child, 'close') as Promise<[number | null, string | null]> };
}

describe('the process', () => {
  test('has a shebang and is executable', () => {
    const { status, stdout } = spawnSync(MAIN, ['--version'], {
      env: { PATH: `${join(process.execPath, '..')}:${process.env.PATH}` },
      encoding: 'utf8',
    });
    expect({ status, stdout }).toEqual({ status: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) });
  });

  test('--help loads neither the client nor zod nor a table', () => {
    const trace = `import { registerHooks } from 'node:module';
      registerHooks({ load(url, context, next) { process.stderr.write(url + '\\n'); return next(url, context); } });`;
    const preload = `data:text/javascript,${encodeURIComponent(trace)}`;
    const { status, stdout, stderr } = spawnSync(process.execPath, ['--import', preload, MAIN, '--help'], {
      encoding: 'utf8',
    });
    expect(status).toBe(0);
    expect(stdout).toContain('Usage: chainbot');
    expect(stderr).toContain('commander');
    expect(stderr).not.toMatch(/api\/client|\/zod\/|\/yaml\//);
  });

  test('Ctrl-C while following: 130, the run goes on, and nothing lingers', async () => {
    const run = sample.run({ status: 'running', ended_at: null });
    daemon.on(`GET /runs/${RUN_ID}`, { body: run });
    const { child, said, ended } = start('runs', 'follow', RUN_ID);
    await vi.waitFor(() => expect(daemon.streams).toBe(1), { timeout: 5000 });
    await vi.waitFor(() => expect(said.out).toContain('read'), { timeout: 5000 });
    child.kill('SIGINT');
    expect(await ended).toEqual([130, null]);
    expect(said.err).toContain('the run goes on');
    await vi.waitFor(() => expect(daemon.streams).toBe(0));
  });

  test('| head ends a stream quietly', async () => {
    const { child, said, ended } = start('events', '--follow');
    await vi.waitFor(() => expect(daemon.streams).toBe(1), { timeout: 5000 });
    child.stdout.destroy();
    daemon.emit('chainbot.device.changed', 'device/fan');
    daemon.emit('chainbot.device.changed', 'device/fan');
    expect(await ended).toEqual([0, null]);
    expect(said.err).toBe('');
  });

  test('a full disk is an error, not silence', () => {
    const script = `"${process.execPath}" "${MAIN}" completion bash > /dev/full`;
    const { status, stderr } = spawnSync('bash', ['-c', script], { encoding: 'utf8' });
    expect(status).toBe(1);
    expect(stderr).toContain('ENOSPC');
  });

  test('| head of a long list ends quietly too', () => {
    const script = `"${process.execPath}" "${MAIN}" completion bash | head -n1; echo "\${PIPESTATUS[0]}"`;
    const { stdout, stderr } = spawnSync('bash', ['-c', script], { encoding: 'utf8' });
    expect(stdout).toMatch(/^# bash completion.*\n0\n$/);
    expect(stderr).toBe('');
  });
});

describe('processIo', () => {
  test('is this process', () => {
    const io = processIo();
    expect(io.cwd).toBe(process.cwd());
    expect(io.interrupted.aborted).toBe(false);
    expect(io.stdout.columns === undefined).toBe(!io.stdout.isTTY);
  });

  test('after the reader has gone nothing is written; another fault is told', () => {
    const stream = new PassThrough() as unknown as NodeJS.WriteStream & { fd: number };
    const gone = vi.fn();
    const out = output(stream, gone);
    out.write('a');
    stream.emit('error', Object.assign(new Error('gone'), { code: 'EPIPE' }));
    out.write('b');
    expect(String(stream.read())).toBe('a');
    expect(gone).toHaveBeenCalledOnce();
  });

  test('readAll joins characters that were cut apart, and is bounded', async () => {
    const bytes = Buffer.from('€');
    async function* parts() {
      yield bytes.subarray(0, 1);
      yield bytes.subarray(1);
    }
    expect(await readAll(parts(), 3)).toBe('€');
    await expect(readAll(parts(), 2)).rejects.toMatchObject({ code: 'cli.input_too_large' });
  });
});
