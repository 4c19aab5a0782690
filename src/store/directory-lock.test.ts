import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { TerminalError } from '#core/errors.ts';
import { lockDirectory } from './directory-lock.ts';

let dir: string;
let children: ChildProcess[];
beforeEach(() => {
  dir = mkdtempSync(path.join(tmpdir(), 'lock-'));
  children = [];
});
afterEach(() => {
  for (const child of children) child.kill('SIGKILL');
  rmSync(dir, { recursive: true, force: true });
});

/** Another process that takes the lock and keeps it. */
async function holder(): Promise<ChildProcess> {
  const file = path.join(import.meta.dirname, 'directory-lock.ts');
  const code = `const { lockDirectory } = await import(${JSON.stringify(file)});
    globalThis.lock = lockDirectory(${JSON.stringify(dir)});
    console.log('locked');
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  await once(child.stdout as NodeJS.ReadableStream, 'data');
  return child;
}

function refusal(): TerminalError {
  try {
    lockDirectory(dir);
  } catch (error) {
    if (error instanceof TerminalError) return error;
    throw error;
  }
  throw new Error('it was given twice');
}

test('one process at a time, and the kernel gives it back after kill -9', async () => {
  const child = await holder();
  const error = refusal();
  expect(error).toMatchObject({ code: 'data_dir.locked', kind: 'conflict' });
  expect(error.message).toContain(`process id ${child.pid}`);
  expect(error.hint).toContain(`kill ${child.pid}`);

  child.kill('SIGKILL');
  await once(child, 'exit');
  const lock = lockDirectory(dir);
  expect(readFileSync(path.join(dir, 'daemon.pid'), 'utf8').trim()).toBe(String(process.pid));
  lock[Symbol.dispose]();
});

test('twice in one process is refused too; disposing gives it back, and may be done twice', () => {
  const lock = lockDirectory(dir);
  expect(refusal().message).toContain(String(process.pid));
  lock[Symbol.dispose]();
  lock[Symbol.dispose]();
  expect(existsSync(path.join(dir, 'daemon.pid'))).toBe(false);
  lockDirectory(dir)[Symbol.dispose]();
});

test('a pid file that says nothing only makes the message poorer', () => {
  using _lock = lockDirectory(dir);
  writeFileSync(path.join(dir, 'daemon.pid'), 'gibberish');
  expect(refusal().message).toContain('another daemon');
  rmSync(path.join(dir, 'daemon.pid'));
  expect(refusal().hint).toContain('Stop it first');
});

test('a place that cannot be locked says so', () => {
  dir = path.join(dir, 'absent');
  expect(refusal()).toMatchObject({
    code: 'data_dir.lock_failed',
    hint: expect.stringContaining('local filesystem'),
  });
});

test('a pid that cannot be written does not matter', async () => {
  const { mkdirSync } = await import('node:fs');
  mkdirSync(path.join(dir, 'daemon.pid'));
  const lock = lockDirectory(dir);
  expect(refusal().code).toBe('data_dir.locked');
  rmSync(path.join(dir, 'daemon.pid'), { recursive: true });
  lock[Symbol.dispose]();
});
