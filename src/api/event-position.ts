import type { EventLogPort } from '#bus/port.ts';
import { TerminalError } from '#core/errors.ts';

/** What a reader says about where it was. */
export interface WantedPosition {
  /** A sequence number; 0 is the oldest kept. */
  readonly after?: number | undefined;
  /** The epoch that `after` is of, when the reader knows it. */
  readonly epoch?: string | undefined;
}

type LogBounds = Pick<EventLogPort, 'epoch' | 'head' | 'tail'>;

/**
 * The sequence number after which a reader goes on; from now on when it does not say.
 * @throws TerminalError `events.gone` when the log can not give what follows without a gap
 */
export function startPosition(log: LogBounds, wanted: WantedPosition): number {
  const { after, epoch } = wanted;
  const head = log.head();
  const tail = log.tail();
  if (epoch !== undefined && epoch !== log.epoch)
    throw gone(log, `the log is of another epoch than ${epoch}`);
  if (after === undefined) return head;
  if (after > head) throw gone(log, `the log ends at ${head}, before ${after}`);
  // Who names an epoch was there: for them 0 is a position like others.
  if (after === 0 && epoch === undefined) return tail - 1;
  if (after < tail - 1) throw gone(log, `the log begins at ${tail}, after ${after}`);
  return after;
}

/**
 * Reads a Last-Event-ID, `<epoch>-<seq>`.
 * @throws TerminalError `request.invalid`
 */
export function parseEventId(id: string): Required<WantedPosition> {
  const match = /^(.{1,100})-(\d{1,15})$/.exec(id);
  if (match) return { epoch: match[1], after: Number(match[2]) };
  throw new TerminalError('invalid', 'request.invalid', 'the Last-Event-ID is not an id of this log', {
    faults: [{ path: 'Last-Event-ID', message: 'is not `<epoch>-<seq>`' }],
    hint: 'Leave it away to follow from now on.',
  });
}

/** For a reader that the log has left behind. */
export function gone(log: LogBounds, message: string): TerminalError {
  const head = log.head();
  return new TerminalError('gone', 'events.gone', message, {
    hint: `Read the state anew, then follow after ${head}; the oldest event kept is ${log.tail()}.`,
    extra: { head, tail: log.tail(), epoch: log.epoch },
  });
}
