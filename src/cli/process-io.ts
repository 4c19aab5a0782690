import { systemClock } from '#core/clock.ts';
import { TerminalError } from '#core/errors.ts';
import { readEnvironment } from './environment.ts';
import { EXIT } from './exit-codes.ts';
import { readHidden } from './hidden-input.ts';
import { type CliIo, Interruption, type Output } from './io.ts';
import { readAll } from './read-all.ts';

type Stream = NodeJS.WriteStream & { readonly fd: number };

/** The real world: this process's streams, environment and signals. */
export function processIo(): CliIo {
  const interrupt = new AbortController();
  process.once('SIGINT', () => interrupt.abort(new Interruption('person')));
  process.once('SIGTERM', () => interrupt.abort(new Interruption('person')));
  const onGone = (error: NodeJS.ErrnoException): void => {
    interrupt.abort(error.code === 'EPIPE' ? new Interruption('pipe') : outputFailed(error));
  };
  return {
    stdout: output(process.stdout, onGone),
    stderr: output(process.stderr, onGone),
    readStdin: (limit) => readAll(process.stdin, limit),
    readHidden: (question, limit) => readHidden(process.stdin, process.stderr, question, limit),
    environment: readEnvironment(),
    cwd: process.cwd(),
    clock: systemClock,
    interrupted: interrupt.signal,
  };
}

// A full disk may be noticed when the command has already ended well: the status is set at the very end.
function outputFailed(error: NodeJS.ErrnoException): TerminalError {
  process.once('exit', () => {
    process.exitCode = EXIT.failed;
  });
  process.stderr.write(`chainbot: cannot write the output: ${error.message}\n`);
  return new TerminalError('failed', 'output.failed', 'the output is not complete', { cause: error });
}

/** A process stream as an {@link Output}. After `head` has seen enough (EPIPE) it writes nothing more. */
export function output(stream: Stream, onGone: (error: NodeJS.ErrnoException) => void): Output {
  let gone = false;
  stream.on('error', (error: NodeJS.ErrnoException) => {
    gone = true;
    onGone(error);
  });
  return {
    write(text) {
      if (!gone) stream.write(text);
    },
    isTTY: stream.isTTY === true,
    get columns() {
      return stream.isTTY ? stream.columns : undefined;
    },
  };
}
