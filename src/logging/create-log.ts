import { type DestinationStream, pino } from 'pino';
import { isColorSupported, build as prettyStream } from 'pino-pretty';
import type { Log } from '#core/log.ts';
import { redactFields, redactText } from '#core/redact.ts';

export interface LogOptions {
  readonly level: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'silent';
  /** Lines for people; `auto` when standard output is a terminal. */
  readonly pretty: boolean | 'auto';
  /** Where lines go; standard output by default. */
  readonly destination?: DestinationStream | undefined;
}

/**
 * The daemon's log: one JSON object per line for journald (`time` in Unix milliseconds, `level` by name), or
 * coloured lines in a terminal. Lines are written before the call returns, so that the last one before a
 * crash is there.
 */
export function createLog({ level, pretty, destination }: LogOptions): Log {
  const forPeople = pretty === 'auto' ? process.stdout.isTTY === true : pretty;
  const stream = forPeople
    ? peoplesStream(destination)
    : (destination ?? pino.destination({ dest: 1, sync: true }));
  const logger = pino(
    {
      level,
      base: null, // journald knows the process and the host
      formatters: { level: (label) => ({ level: label }), log: redactFields },
      serializers: { err: (plain: unknown) => plain }, // redactFields has made it plain
      hooks: {
        logMethod(args, method) {
          const [fields, message] = args as unknown as [object, string | undefined];
          method.call(this, fields, message === undefined ? message : redactText(message));
        },
      },
    },
    stream,
  );
  // Loggers inherit from the one they were made by, so this holds for every generation.
  const child = logger.child;
  return Object.assign(logger, {
    child(this: typeof logger, fields: object): Log {
      return child.call(this, redactFields({ ...fields }));
    },
  });
}

/** pino-pretty in this thread: a worker would lose the last lines before a crash. */
function peoplesStream(destination: DestinationStream | undefined): DestinationStream {
  return prettyStream({
    colorize: destination === undefined && isColorSupported,
    translateTime: 'SYS:HH:MM:ss.l',
    ignore: 'pid,hostname',
    singleLine: true,
    sync: true,
    destination: (destination as NodeJS.WritableStream | undefined) ?? 1,
  });
}
