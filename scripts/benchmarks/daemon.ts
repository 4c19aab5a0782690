import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Load, LoadResult } from './load.ts';

const ROOT = resolve(import.meta.dirname, '../..');

/** The bundled daemon as a process, as it runs on a Pi: own data directory, free ports. */
export class Daemon {
  readonly directory = mkdtempSync(join(tmpdir(), 'chainbot-bench-daemon-'));
  #process: ChildProcess | undefined;
  port = 0;

  /** Starts it; resolves with the milliseconds from spawn to the first answer of /health/… over the socket. */
  async start(): Promise<number> {
    const began = performance.now();
    const env = {
      ...process.env,
      ALEX_OS_CHAINBOT_DATA_DIR: this.directory,
      ALEX_OS_CHAINBOT_PORT: '0',
      ALEX_OS_CHAINBOT_MQTT__EMBEDDED__PORT: '0',
      ALEX_OS_CHAINBOT_LOG__PRETTY: 'false',
      ALEX_OS_CHAINBOT_STORAGE__ALLOW_VOLATILE: 'true',
      MALLOC_ARENA_MAX: '2',
    };
    const args = [
      '--max-semi-space-size=4',
      join(ROOT, 'dist/main.js'),
      '--config',
      join(ROOT, 'config/greenhouse.yaml'),
    ];
    const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'inherit'] });
    this.#process = child;
    this.port = await new Promise<number>((found, reject) => {
      child.once('exit', (code) => reject(new Error(`the daemon ended with ${code}`)));
      let text = '';
      child.stdout?.on('data', (chunk: Buffer) => {
        text = (text + chunk.toString()).slice(-20_000);
        const port = /"port":(\d+).*ChainBot is ready/.exec(text);
        if (port) found(Number(port[1]));
      });
    });
    await this.get('/api/chainbot/health');
    return performance.now() - began;
  }

  /** An answer's JSON over the unix socket, which needs no token. */
  get<T>(path: string, method = 'GET', body?: string, type = 'application/json'): Promise<T> {
    const socketPath = join(this.directory, 'chainbot.sock');
    return new Promise((found, reject) => {
      const headers = body === undefined ? {} : { 'content-type': type };
      const outgoing = request({ socketPath, path, method, headers }, (answer) => {
        let text = '';
        answer.setEncoding('utf8').on('data', (chunk: string) => {
          text += chunk;
        });
        answer.on('end', () => found((text.startsWith('{') ? JSON.parse(text) : text) as T));
      });
      outgoing.on('error', reject).end(body);
    });
  }

  /** Resident memory, bytes. */
  rss(): number {
    const status = readFileSync(`/proc/${this.#process?.pid}/status`, 'utf8');
    return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? 0) * 1024;
  }

  async metric(name: string): Promise<number> {
    const text = await this.get<string>('/api/chainbot/metrics');
    return Number(new RegExp(`^chainbot_${name} (\\S+)$`, 'm').exec(text)?.[1] ?? Number.NaN);
  }

  async stop(): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (child && child.exitCode === null) {
      const ended = new Promise((done) => child.once('exit', done));
      child.kill('SIGTERM');
      await ended;
    }
  }

  async remove(): Promise<void> {
    await this.stop();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** Runs the load generator in a process of its own. */
export function load(what: Load): Promise<LoadResult> {
  return new Promise((found, reject) => {
    execFile(
      process.execPath,
      [join(import.meta.dirname, 'load.ts'), JSON.stringify(what)],
      (error, stdout) => {
        if (error) reject(error);
        else found(JSON.parse(stdout) as LoadResult);
      },
    );
  });
}
