import type { CloudEventAnswer } from '#api/contract/event.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import type { Session } from '../session.ts';
import { printable } from '../view/text.ts';
import { brief, clockTime, localTime } from '../view/values.ts';

export interface EventsOptions {
  readonly follow?: boolean;
  readonly type?: readonly string[];
  readonly subject?: string;
  readonly since?: number;
  readonly limit: number;
}

export async function events(session: Session, options: EventsOptions): Promise<ExitCode> {
  const filter = { types: options.type, subject: options.subject, after: options.since };
  if (options.follow) return follow(session, filter);
  const page = await (await session.api()).events({ ...filter, limit: options.limit });
  if (session.json) session.screen.json(page);
  else {
    for (const event of page.events) printEvent(event, session, localTime(event.time));
    if (page.events.length === 0) session.screen.note('There are no such events.');
  }
  return EXIT.ok;
}

interface Filter {
  readonly types: readonly string[] | undefined;
  readonly subject: string | undefined;
  readonly after: number | undefined;
}

async function follow(session: Session, filter: Filter): Promise<ExitCode> {
  const { screen, json, io } = session;
  const signal = io.interrupted;
  // `| head` has seen enough: for what never ends by itself that is a good end.
  session.onInterrupt({ readerGone: EXIT.ok });
  let opened = false;
  for await (const frame of (await session.api()).follow({ ...filter, signal })) {
    if (frame.kind === 'open') opened = true;
    else if (frame.kind === 'event') {
      if (json) screen.jsonLine(frame.event);
      else printEvent(frame.event, session, clockTime(frame.event.time));
    } else if (!opened) throw frame.error;
    else screen.note(screen.paintNote('yellow', `${frame.error.message}; waiting for it`));
  }
  return EXIT.interrupted;
}

function printEvent(event: CloudEventAnswer, { screen }: Session, time: string): void {
  screen.parts(
    ['dim', String(event.seq).padStart(6)],
    ['dim', time],
    ['bold', printable(event.type)],
    [undefined, printable(event.subject ?? '')],
    [undefined, printable(event.actor)],
    [undefined, brief(event.data)],
  );
}
