import type { Environment } from '#cli/environment.ts';
import type { CliIo, Interruption } from '#cli/io.ts';
import { runCli } from '#cli/run-cli.ts';
import { systemClock } from '#core/clock.ts';

export interface TestTerminal {
  /** Cells per line; absent: not a terminal. */
  readonly columns?: number;
  readonly stdin?: string;
  readonly environment?: Partial<Environment>;
  readonly cwd?: string;
}

export interface TestRun {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** For the tests of src/cli: runs a command line with everything it says kept. */
export class TestConsole {
  out = '';
  err = '';
  readonly #interrupt = new AbortController();
  readonly io: CliIo;

  constructor(terminal: TestTerminal = {}) {
    const isTTY = terminal.columns !== undefined;
    const output = (keep: (text: string) => void) => ({ write: keep, isTTY, columns: terminal.columns });
    this.io = {
      stdout: output((text) => {
        this.out += text;
      }),
      stderr: output((text) => {
        this.err += text;
      }),
      readStdin: async () => terminal.stdin ?? '',
      readHidden: async () => terminal.stdin ?? '',
      environment: {
        socket: undefined,
        dataDir: undefined,
        url: undefined,
        token: undefined,
        noColor: true,
        unicode: true,
        ...terminal.environment,
      },
      cwd: terminal.cwd ?? '/',
      clock: systemClock,
      interrupted: this.#interrupt.signal,
    };
  }

  interrupt(by: Interruption): void {
    this.#interrupt.abort(by);
  }

  async run(...argv: string[]): Promise<TestRun> {
    const code = await runCli(argv, this.io);
    return { code, out: this.out, err: this.err };
  }
}
