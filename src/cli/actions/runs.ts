import type { RunStatusAnswer, RunSummaryAnswer } from '#api/contract/run.ts';
import type { ExitCode } from '../exit-codes.ts';
import { readJson } from '../input.ts';
import { findRunId } from '../run-id.ts';
import type { SteeringVerb } from '../run-status.ts';
import type { Session } from '../session.ts';
import { printGantt } from '../view/gantt.ts';
import { printable } from '../view/text.ts';
import { printTrace } from '../view/trace.ts';
import { ago, brief, localTime, took } from '../view/values.ts';
import { follow as followRun } from './run.ts';

export interface ListRunsOptions {
  readonly workflow?: string;
  readonly status?: readonly RunStatusAnswer[];
  readonly limit: number;
  readonly cursor?: string;
}

export async function list(session: Session, options: ListRunsOptions): Promise<void> {
  const { screen, json, io } = session;
  const { workflow, status, limit, cursor } = options;
  const answer = await (await session.api()).runs({ workflow, status, limit, cursor });
  if (json) return screen.json(answer);
  const now = io.clock.now();
  screen.table(
    [
      { title: 'RUN', min: 14 },
      { title: 'WORKFLOW', min: 12 },
      { title: 'STATUS', min: 11 },
      { title: 'BEGAN', min: 10, optional: true },
      { title: 'TOOK', min: 8, optional: true },
      { title: 'BY', min: 8, optional: true },
      { title: 'ERROR', min: 12, optional: true },
    ],
    answer.runs.map((run) => [
      run.id,
      `${printable(run.workflow)} v${run.version}`,
      screen.status(run.status),
      began(run, now),
      took(run.started_at, run.ended_at, now),
      brief((run.trigger.type as string | undefined) ?? run.actor),
      printable(run.error?.message ?? ''),
    ]),
    'There are no such runs. Start one: chainbot run WORKFLOW',
  );
  if (answer.next !== null)
    screen.note(screen.paintNote('dim', `There are more: --limit, or --cursor ${answer.next}`));
}

function began({ started_at, start_at, status }: RunSummaryAnswer, now: number): string {
  if (started_at !== null) return ago(started_at, now);
  return start_at !== null && status === 'queued' ? localTime(start_at) : '-';
}

export async function show(
  session: Session,
  text: string,
  options: { readonly all?: boolean; readonly logs?: boolean; readonly gantt?: boolean },
): Promise<void> {
  const api = await session.api();
  const run = await api.run(await findRunId(api, text), { logs: options.logs });
  if (session.json) return session.screen.json(run);
  if (options.gantt) return printGantt(run, session.screen, session.io.clock.now(), options.all === true);
  printTrace(run, session.screen, session.io.clock.now(), options.all === true);
}

export async function follow(
  session: Session,
  text: string,
  options: { readonly timeout?: number },
): Promise<ExitCode> {
  const id = await findRunId(await session.api(), text);
  return followRun(session, id, options.timeout, 0);
}

export async function steer(
  session: Session,
  verb: SteeringVerb,
  text: string,
  options: { readonly now?: boolean } = {},
): Promise<void> {
  const api = await session.api();
  const id = await findRunId(api, text);
  const steering = { pause: api.pauseRun, resume: api.resumeRun, retry: api.retryRun };
  const run =
    verb === 'cancel'
      ? await api.cancelRun(id, options.now ? true : undefined)
      : await steering[verb].call(api, id);
  if (session.json) return session.screen.json(run);
  session.screen.line(`${session.screen.status(run.status)}  ${printable(run.workflow)}  ${run.id}`);
}

export async function signal(
  session: Session,
  text: string,
  name: string,
  options: { readonly payload?: string },
): Promise<void> {
  const { payload } = options;
  const value = payload === undefined ? undefined : await readJson(payload, '--payload', session.io);
  const api = await session.api();
  const run = await api.signalRun(await findRunId(api, text), name, value);
  if (session.json) return session.screen.json(run);
  session.screen.line(`${printable(name)} given to ${printable(run.workflow)}  ${run.id}`);
}
