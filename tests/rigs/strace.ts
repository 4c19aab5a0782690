import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { setTimeout as pause } from 'node:timers/promises';

export const STRACE = 'strace';

/** Whether this machine lets one process meddle with another's calls. */
export const canTrace = spawnSync(STRACE, ['-o', '/dev/null', 'true']).status === 0;

/** Options to start a program with: every fsync takes so much longer (milliseconds). */
export const SLOW_FSYNC = (ms: number): string[] => [
  '-f',
  '-e',
  'trace=fsync,fdatasync',
  '-e',
  `inject=fsync,fdatasync:delay_enter=${ms * 1000}`,
  '-o',
  '/dev/null',
];

/** Makes calls of a running process fail until it is disposed of: `inject` is strace's, without `inject=`. */
export async function failing(pid: number, calls: string, fault: string): Promise<AsyncDisposable> {
  const options = ['-f', '-p', String(pid), '-e', `trace=${calls}`, '-e', `inject=${calls}:${fault}`];
  const tracer = spawn(STRACE, [...options, '-o', '/dev/null'], { stdio: ['ignore', 'ignore', 'pipe'] });
  await attached(tracer);
  return {
    async [Symbol.asyncDispose]() {
      const gone = new Promise((resolve) => tracer.once('exit', resolve));
      tracer.kill('SIGINT');
      await gone;
    },
  };
}

async function attached(tracer: ChildProcess): Promise<void> {
  let said = '';
  tracer.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  for (let waited = 0; !said.includes('attached'); waited += 10) {
    if (tracer.exitCode !== null || waited > 10_000) throw new Error(`strace did not attach: ${said}`);
    await pause(10);
  }
  await pause(50); // the other threads of the process follow the first
}
