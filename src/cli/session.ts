import type { ApiClient } from '#api/client.ts';
import type { ChainbotError } from '#core/errors.ts';
import type { ExitCode } from './exit-codes.ts';
import type { CliIo } from './io.ts';
import type { Progress } from './view/progress.ts';
import type { Screen } from './view/screen.ts';

/** What one command has in its hands while it runs. */
export interface Session {
  readonly io: CliIo;
  readonly screen: Screen;
  readonly progress: Progress;
  /** --json: print the API's answer and nothing else on standard output. */
  readonly json: boolean;
  /** The daemon meant, in words: the socket's path or the address. */
  readonly target: string;
  /** The daemon's client, made (and its module loaded) at the first call. Reaches nothing by itself. */
  api(): Promise<ApiClient>;
  /** Says an error whose faults have their lines in `source`, and gives the exit status for it. */
  fail(error: ChainbotError, source: string): ExitCode;
  /** What to tell a person who presses Ctrl-C from now on, and the exit status when the reader of the output goes. */
  onInterrupt(end: { readonly note?: string; readonly readerGone?: ExitCode }): void;
}

/** What a command does; without an answer it ended well. */
// biome-ignore lint/suspicious/noConfusingVoidType: an action that simply returns is the usual case
export type Action = (session: Session) => Promise<ExitCode | void>;
