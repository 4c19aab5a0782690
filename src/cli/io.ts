import type { Clock } from '#core/clock.ts';
import type { Environment } from './environment.ts';

/** One of the two streams a command writes to. */
export interface Output {
  write(text: string): void;
  readonly isTTY: boolean;
  /** Characters per line, when it is a terminal that says so. */
  readonly columns: number | undefined;
}

/** Everything a command sees of the world besides the daemon; tests give their own. */
export interface CliIo {
  readonly stdout: Output;
  readonly stderr: Output;
  /** Reads standard input to its end. @throws TerminalError `cli.input_too_large` beyond `limit` bytes */
  readStdin(limit: number): Promise<string>;
  /**
   * Standard input to its end, without the line break there; on a terminal one line that is asked for and not
   * shown. @throws TerminalError `cli.input_too_large` beyond `limit` bytes
   */
  readHidden(question: string, limit: number): Promise<string>;
  readonly environment: Environment;
  readonly cwd: string;
  readonly clock: Clock;
  /** Aborts with an {@link Interruption} on Ctrl-C and when the reader of the output has gone, else with what failed. */
  readonly interrupted: AbortSignal;
}

/** Why a command was told to stop. */
export class Interruption extends Error {
  readonly by: 'person' | 'pipe';

  constructor(by: 'person' | 'pipe') {
    super(by === 'person' ? 'interrupted' : 'the reader of the output has gone');
    this.name = 'Interruption';
    this.by = by;
  }
}
