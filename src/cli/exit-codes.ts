import { type ChainbotError, type RefusalKind, RetryableError, TerminalError } from '#core/errors.ts';

/**
 * What the exit status of every command means. Scripts may trust these numbers: they are part of the
 * interface, documented in docs/cli.md from this table, and never change their meaning.
 */
export const EXIT = Object.freeze({
  ok: 0,
  failed: 1,
  usage: 2,
  unreachable: 3,
  notFound: 4,
  refused: 5,
  notAllowed: 6,
  later: 7,
  interrupted: 130,
});

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** The table for people, in the order of the numbers. */
export const EXIT_MEANINGS: readonly { readonly code: ExitCode; readonly meaning: string }[] = Object.freeze([
  { code: EXIT.ok, meaning: 'Done. With --wait or --follow: the run completed.' },
  {
    code: EXIT.failed,
    meaning: 'A negative answer: the run failed or was cancelled, the daemon is not well or failed at it.',
  },
  { code: EXIT.usage, meaning: 'The command line is wrong: unknown command or option, unreadable value.' },
  { code: EXIT.unreachable, meaning: 'The daemon cannot be reached.' },
  { code: EXIT.notFound, meaning: 'There is no such workflow, run, device or token.' },
  {
    code: EXIT.refused,
    meaning: 'The daemon refused it: the input is invalid or the state does not allow it.',
  },
  { code: EXIT.notAllowed, meaning: 'The token is missing, wrong, or may not do this.' },
  {
    code: EXIT.later,
    meaning: 'Not now: the daemon or a device is busy or degraded, or --timeout is over. Try again later.',
  },
  { code: EXIT.interrupted, meaning: 'Interrupted with Ctrl-C. What was started goes on.' },
]);

const EXIT_OF_KIND: Readonly<Record<RefusalKind, ExitCode>> = {
  invalid: EXIT.refused,
  unauthenticated: EXIT.notAllowed,
  forbidden: EXIT.notAllowed,
  not_found: EXIT.notFound,
  conflict: EXIT.refused,
  gone: EXIT.refused,
  too_large: EXIT.refused,
  unprocessable: EXIT.refused,
  failed: EXIT.failed,
};

const EXIT_OF_CODE: Readonly<Record<string, ExitCode>> = {
  'client.unreachable': EXIT.unreachable,
  'client.not_chainbot': EXIT.unreachable,
};

/** The exit status for an error; `cli.*` errors were found on the command line itself. */
export function exitCodeOf(error: ChainbotError): ExitCode {
  const byCode = EXIT_OF_CODE[error.code];
  if (byCode !== undefined) return byCode;
  if (error instanceof RetryableError) return EXIT.later;
  if (error.code.startsWith('cli.')) return EXIT.usage;
  return error instanceof TerminalError ? EXIT_OF_KIND[error.kind] : EXIT.failed;
}
