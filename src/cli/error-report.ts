import { existsSync } from 'node:fs';
import { ChainbotError, type Fault } from '#core/errors.ts';
import { EXIT, type ExitCode, exitCodeOf } from './exit-codes.ts';
import { SYSTEM_SOCKET, type Target } from './target.ts';
import type { Screen } from './view/screen.ts';
import { printable } from './view/text.ts';

const MOST_FAULTS = 50;

/**
 * Says on standard error what is wrong, where, and what to do about it, and gives the exit status for it.
 * `source` is the name of the input that the faults' lines count in.
 */
export function reportError(
  error: unknown,
  screen: Screen,
  target: Target | undefined,
  source?: string | undefined,
): ExitCode {
  const title = screen.paintNote('red', 'chainbot:');
  if (!(error instanceof ChainbotError)) {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    screen.note(`${title} ${text}`);
    screen.note('  This is a fault of the command itself; please report it.');
    return EXIT.failed;
  }
  screen.note(`${title} ${printable(error.message)} ${screen.paintNote('dim', `(${error.code})`)}`);
  for (const fault of error.faults.slice(0, MOST_FAULTS)) noteFault(fault, screen, source);
  if (error.faults.length > MOST_FAULTS) screen.note(`  and ${error.faults.length - MOST_FAULTS} more`);
  const isSaid = error.faults.slice(0, MOST_FAULTS).some(({ hint }) => hint === error.hint);
  if (error.hint !== undefined && !isSaid) noteHint(error.hint, screen, '  ');
  const code = exitCodeOf(error);
  if (code === EXIT.unreachable) noteOtherDaemon(target, screen);
  return code;
}

function noteFault(fault: Fault, screen: Screen, source: string | undefined): void {
  const line = fault.line === undefined ? '' : `:${fault.line}:${fault.column ?? 1}`;
  const place = source === undefined ? line.slice(1) : `${source}${line}`;
  const where = [place, printable(fault.path)].filter((part) => part !== '').join(' ');
  screen.note(`  ${screen.paintNote('bold', where)}: ${printable(fault.message)}`);
  if (fault.hint !== undefined) noteHint(fault.hint, screen, '    ');
}

function noteHint(hint: string, screen: Screen, indent: string): void {
  screen.note(`${indent}${screen.paintNote('cyan', 'hint:')} ${printable(hint)}`);
}

/** A stopped daemon in the checkout never means that the installed one is spoken to; but say that it is there. */
function noteOtherDaemon(target: Target | undefined, screen: Screen): void {
  if (target?.kind !== 'socket') return;
  screen.note(`  Looked there because ${target.from}.`);
  if (target.path !== SYSTEM_SOCKET && existsSync(SYSTEM_SOCKET)) {
    noteHint(`The installed daemon's socket is there: --socket ${SYSTEM_SOCKET}`, screen, '  ');
  }
}
