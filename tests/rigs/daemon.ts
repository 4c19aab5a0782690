import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ApiClient } from '#api/client.ts';
import { ROOT, type Site } from './site.ts';

export interface DaemonOptions {
  /** Runs dist/main.js instead of src/main.ts. */
  readonly bundle?: boolean;
  /** What stands before `node`, such as strace with its options. */
  readonly under?: readonly string[];
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** How long it may take until it is ready, milliseconds. */
  readonly patienceMs?: number;
}

/** How a process ended. */
export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly output: string;
}

interface Ready {
  readonly url: string | null;
  readonly socket: string;
  readonly mqtt: string;
}

const LONGEST_LOG = 2_000_000;

/** The daemon as a real process, on a site that outlives it. */
export class Daemon implements AsyncDisposable {
  readonly site: Site;
  readonly api: ApiClient;
  readonly ended: Promise<Ended>;
  readonly #child: ChildProcess;
  readonly #ready = Promise.withResolvers<Ready>();
  #where: Ready | undefined;
  #log = '';
  #line = '';

  constructor(site: Site, options: DaemonOptions = {}) {
    const { under = [], bundle, args = [], env = {} } = options;
    this.site = site;
    this.api = new ApiClient({ socketPath: site.socket });
    const entry = join(ROOT, bundle ? 'dist/main.js' : 'src/main.ts');
    const command = [...under, process.execPath, entry, '--config', site.configFile, ...args];
    this.#child = spawn(command[0] as string, command.slice(1), {
      env: { ...ownEnvironment(), ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => this.#hear(text));
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => this.#keep(text));
    this.#ready.promise.catch(() => undefined);
    this.ended = new Promise((resolve) => {
      this.#child.once('error', (error) => this.#keep(String(error)));
      this.#child.once('close', (code, signal) => {
        this.api.close();
        this.#ready.reject(new Error(`the daemon ended with ${code ?? signal}:\n${this.log}`));
        resolve({ code, signal, output: this.log });
      });
    });
  }

  /** Starts one and waits until it is ready. */
  static async start(site: Site, options: DaemonOptions = {}): Promise<Daemon> {
    const daemon = new Daemon(site, options);
    await daemon.ready(options.patienceMs);
    return daemon;
  }

  /** Where it is; resolves once it says that it is ready. */
  async ready(patienceMs = 20_000): Promise<Ready> {
    const late = setTimeout(
      () => this.#ready.reject(new Error(`the daemon was not ready in ${patienceMs} ms:\n${this.log}`)),
      patienceMs,
    );
    try {
      this.#where = await this.#ready.promise;
      return this.#where;
    } finally {
      clearTimeout(late);
    }
  }

  get log(): string {
    return this.#log;
  }

  get url(): string {
    return this.#where?.url as string;
  }

  get mqttUrl(): string {
    return this.#where?.mqtt as string;
  }

  /** The daemon's own process, which is not the child's when it runs under another program. */
  get pid(): number {
    return Number(readFileSync(join(this.site.dataDir, 'daemon.pid'), 'utf8'));
  }

  /** kill -9, and waits until it is gone. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.ended;
  }

  /** Asks it to stop and waits for the end. */
  async stop(signal: 'SIGINT' | 'SIGTERM' = 'SIGINT'): Promise<Ended> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const under = this.#child.spawnfile !== process.execPath;
      if (under) process.kill(this.pid, signal);
      else this.#child.kill(signal);
    }
    return this.ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const late = setTimeout(() => this.#child.kill('SIGKILL'), 8000);
    await this.stop().catch(() => this.kill());
    clearTimeout(late);
  }

  #hear(text: string): void {
    this.#keep(text);
    const lines = (this.#line + text).split('\n');
    this.#line = lines.pop() ?? '';
    for (const line of lines) {
      if (line.includes('ChainBot is ready') && line.startsWith('{')) {
        this.#ready.resolve(JSON.parse(line) as Ready);
      }
    }
  }

  #keep(text: string): void {
    this.#log = (this.#log + text).slice(-LONGEST_LOG);
  }
}

/** A development machine's own settings must not reach the daemon of a test. */
function ownEnvironment(): NodeJS.ProcessEnv {
  const entries = Object.entries(process.env).filter(
    ([name]) => !name.startsWith('ALEX_OS_') && !name.startsWith('VITEST') && name !== 'NODE_OPTIONS',
  );
  return Object.fromEntries(entries);
}
