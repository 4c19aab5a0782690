import type { RunAnswer, RunPriorityAnswer, RunSummaryAnswer } from '#api/contract/run.ts';
import { deadline } from '../deadline.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { readJson } from '../input.ts';
import { followEvents, followSteps } from '../run-follower.ts';
import type { Session } from '../session.ts';
import { printable } from '../view/text.ts';
import { errorLines } from '../view/trace.ts';
import { brief, localTime, took } from '../view/values.ts';

export interface RunOptions {
  readonly input?: string;
  readonly version?: number;
  readonly follow?: boolean;
  readonly wait?: boolean;
  readonly idempotencyKey?: string;
  readonly priority?: RunPriorityAnswer;
  /** RFC 3339. */
  readonly at?: string;
  /** Milliseconds. */
  readonly in?: number;
  /** Milliseconds. */
  readonly timeout?: number;
}

/**
 * Starts a run. Without --wait or --follow standard output has the run's id and nothing else, so that
 * `id=$(chainbot run NAME)` works.
 */
export async function run(session: Session, name: string, options: RunOptions): Promise<ExitCode> {
  const { screen, json } = session;
  const input =
    options.input === undefined ? undefined : await readJson(options.input, '--input', session.io);
  const api = await session.api();
  const before = options.follow && json ? (await api.events({ limit: 1 })).head : 0;
  const started = await session.progress.during(
    `starting ${name}`,
    api.startRun(name, {
      ...{ input, version: options.version, idempotencyKey: options.idempotencyKey },
      ...{ priority: options.priority, start_at: options.at },
      in: options.in === undefined ? undefined : options.in / 1000,
    }),
  );
  if (!options.follow && !options.wait) {
    if (json) screen.json(started);
    else announce(started, session);
    return EXIT.ok;
  }
  if (!json) screen.line(started.id);
  return options.follow
    ? follow(session, started.id, options.timeout, before)
    : wait(session, started, options.timeout);
}

function announce(started: RunSummaryAnswer, { screen, io }: Session): void {
  screen.line(started.id);
  if (io.stdout.isTTY)
    screen.note(screen.paintNote('dim', `${stateOf(started)}; chainbot runs follow ${started.id}`));
}

function stateOf({ status, start_at }: RunSummaryAnswer): string {
  return start_at === null ? status : `begins ${localTime(start_at)}`;
}

async function wait(
  session: Session,
  started: RunSummaryAnswer,
  timeoutMs: number | undefined,
): Promise<ExitCode> {
  session.onInterrupt({ note: goingOn(started.id) });
  using limit = deadline(session.io, timeoutMs, started.id);
  const api = await session.api();
  const waiting = api.waitForRun(started.id, limit.signal);
  const ended = await session.progress.during(`waiting for ${started.workflow}`, waiting);
  if (session.json) session.screen.json(ended);
  else printEnd(ended, session);
  return exitOf(ended);
}

/**
 * Shows a run as it happens until it ends. With --json each event is a line, then the finished run is the last;
 * `after` is where in the log to begin.
 */
export async function follow(
  session: Session,
  id: string,
  timeoutMs: number | undefined,
  after: number,
): Promise<ExitCode> {
  session.onInterrupt({ note: goingOn(id) });
  using limit = deadline(session.io, timeoutMs, id);
  if (session.json) {
    const ended = await followEvents(session, id, after, limit.signal);
    session.screen.jsonLine(ended);
    return exitOf(ended);
  }
  try {
    const ended = await followSteps(session, id, limit.signal);
    printEnd(ended, session);
    return exitOf(ended);
  } finally {
    session.progress.stop();
  }
}

function goingOn(id: string): string {
  return `Stopped looking; the run goes on. Look again: chainbot runs follow ${id}\nStop the run: chainbot runs cancel ${id}`;
}

function exitOf(run: RunAnswer): ExitCode {
  return run.status === 'completed' ? EXIT.ok : EXIT.failed;
}

/** How a run ended, and with what. */
function printEnd(run: RunAnswer, { screen, io }: Session): void {
  const duration = took(run.started_at, run.ended_at, io.clock.now());
  screen.line(`${screen.status(run.status)} ${printable(run.workflow)} version ${run.version}, ${duration}`);
  if (run.status === 'completed' && run.output !== null)
    screen.line(`  ${screen.fitted(brief(run.output), 2)}`);
  if (run.error !== null) for (const line of errorLines(run.error, '  ', screen)) screen.line(line);
}
