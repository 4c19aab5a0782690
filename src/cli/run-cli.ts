import type { Command, CommanderError } from 'commander';
import type { ApiClient } from '#api/client.ts';
import type { ChainbotError } from '#core/errors.ts';
import type { Invoke } from './commands/invoke.ts';
import { reportError } from './error-report.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import { type CliIo, Interruption } from './io.ts';
import { buildProgram, commonOptionsOf } from './program.ts';
import type { Action, Session } from './session.ts';
import { findTarget, type Target, targetText } from './target.ts';
import { VERSION } from './version.ts';
import { Progress } from './view/progress.ts';
import { Screen } from './view/screen.ts';

/** For terminals that do not say how wide they are, and for help that goes into a file. */
const HELP_WIDTH = 100;

/**
 * Runs one command line (without the program's name) and resolves with the exit status of exit-codes.ts.
 * Never throws for what a person or the daemon did, and never ends the process: whoever calls owns that.
 */
export async function runCli(argv: readonly string[], io: CliIo): Promise<number> {
  let outcome: ExitCode = EXIT.ok;
  const invoke: Invoke = async (command, action) => {
    outcome = await runAction(command, action, io);
  };
  const program = buildProgram(invoke, VERSION);
  connectOutput(program, io);
  try {
    await program.parseAsync(plainHelp(argv), { from: 'user' });
    return outcome;
  } catch (error) {
    if (isCommanderError(error)) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    throw error;
  }
}

/** `chainbot help runs list` is what many type first: the same as `chainbot runs list --help`. */
function plainHelp(argv: readonly string[]): readonly string[] {
  return argv[0] === 'help' ? [...argv.slice(1).filter((word) => !word.startsWith('-')), '--help'] : argv;
}

async function runAction(command: Command, action: Action, io: CliIo): Promise<ExitCode> {
  const options = commonOptionsOf(command);
  const screen = new Screen(io, options.color !== false);
  const progress = new Progress(io);
  let target: Target | undefined;
  let client: Promise<ApiClient> | undefined;
  let interrupted: Parameters<Session['onInterrupt']>[0] = {};
  try {
    const found = findTarget(options, io.environment, io.cwd, import.meta.dirname);
    target = found;
    const session = {
      io,
      screen,
      progress,
      json: options.json === true,
      target: targetText(found),
      api: () => (client ??= import('./connect.ts').then(({ connect }) => connect(found))),
      fail: (error: ChainbotError, source: string) => reportError(error, screen, found, source),
      onInterrupt: (end: typeof interrupted) => {
        interrupted = end;
      },
    };
    return (await untilInterrupted(action(session), io.interrupted)) ?? EXIT.ok;
  } catch (error) {
    progress.stop();
    if (!(error instanceof Interruption)) return reportError(error, screen, target);
    if (error.by === 'pipe') return interrupted.readerGone ?? EXIT.interrupted;
    if (interrupted.note !== undefined) screen.note(interrupted.note);
    return EXIT.interrupted;
  } finally {
    (await client)?.close();
  }
}

/** Ctrl-C must end any command at once, also one whose request hangs. */
async function untilInterrupted<T>(work: Promise<T>, interrupted: AbortSignal): Promise<T> {
  const cut = Promise.withResolvers<never>();
  const onAbort = (): void => cut.reject(interrupted.reason);
  if (interrupted.aborted) onAbort();
  interrupted.addEventListener('abort', onAbort, { once: true });
  work.catch(() => {}); // What is left of it after Ctrl-C fails unheard.
  try {
    return await Promise.race([work, cut.promise]);
  } finally {
    interrupted.removeEventListener('abort', onAbort);
  }
}

function connectOutput(command: Command, io: CliIo): void {
  command.exitOverride().configureOutput({
    writeOut: (text) => io.stdout.write(text),
    writeErr: (text) => io.stderr.write(text),
    getOutHelpWidth: () => io.stdout.columns ?? HELP_WIDTH,
    getErrHelpWidth: () => io.stderr.columns ?? HELP_WIDTH,
    getOutHasColors: () => io.stdout.isTTY && !io.environment.noColor,
    getErrHasColors: () => io.stderr.isTTY && !io.environment.noColor,
  });
  for (const sub of command.commands) connectOutput(sub, io);
}

function isCommanderError(error: unknown): error is CommanderError {
  return error instanceof Error && String((error as { code?: unknown }).code).startsWith('commander.');
}
