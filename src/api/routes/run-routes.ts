import { TerminalError } from '#core/errors.ts';
import type { RunStatus, RunSummary, RunsPort } from '#workflows/port.ts';
import { json, ok } from '../answer.ts';
import { API_BASE } from '../contract/api-base.ts';
import {
  RUN_STATUSES,
  runListSchema,
  runParams,
  runSchema,
  runSummarySchema,
  runsQuery,
  signalBody,
  startRunBody,
  startRunHeaders,
} from '../contract/run.ts';
import { workflowParams } from '../contract/workflow.ts';
import { type Endpoint, endpoint } from '../endpoint.ts';
import { parseIdempotencyKey } from '../idempotency-key.ts';
import { runAnswer, runSummaryAnswer } from '../wire/run-answer.ts';

const tag = 'runs';
const accepted = { description: 'The run afterwards', schema: runSummarySchema };

export function runRoutes(runs: RunsPort): readonly Endpoint[] {
  return [
    startRoute(runs),
    listRoute(runs),
    showRoute(runs),
    verbRoute('cancel', 'Stop a run; what is under way is aborted', (id, actor) => runs.cancel(id, actor)),
    verbRoute('pause', 'Hold a run after the step that is under way', (id, actor) => runs.pause(id, actor)),
    verbRoute('resume', 'Let a paused run go on', (id, actor) => runs.resume(id, actor)),
    verbRoute('retry', 'Start a failed or cancelled run again where it stopped', (id, actor) =>
      runs.retry(id, actor),
    ),
    signalRoute(runs),
  ];
}

function startRoute(runs: RunsPort): Endpoint {
  return endpoint({
    method: 'post',
    path: '/workflows/{name}/runs',
    tag,
    summary: 'Start a run; the answer comes when it is on disk',
    params: workflowParams,
    headers: startRunHeaders,
    body: { kind: 'json', schema: startRunBody, optional: true },
    answers: { 202: { description: 'It will run, whatever happens to the power', schema: runSummarySchema } },
    async handle({ params, body, headers, actor }) {
      const key = parseIdempotencyKey(headers['idempotency-key'] as string | undefined);
      const run = await runs.start({
        workflow: params.name,
        version: body.version,
        input: body.input,
        actor,
        idempotencyKey: key,
      });
      const location = `${API_BASE}/runs/${run.id}`;
      const replayed = run.replayed ? { 'idempotency-replayed': 'true' } : {};
      return json(runSummaryAnswer(run), 202, { location, ...replayed });
    },
  });
}

function listRoute(runs: RunsPort): Endpoint {
  return endpoint({
    method: 'get',
    path: '/runs',
    tag,
    summary: 'List runs, newest first',
    query: runsQuery,
    answers: { 200: { description: 'A page of runs', schema: runListSchema } },
    handle({ query }) {
      const { workflow, cursor, limit } = query;
      const page = runs.list({ workflow, cursor, limit, status: statusesOf(query.status) });
      return ok({ runs: page.runs.map(runSummaryAnswer), next: page.next });
    },
  });
}

function showRoute(runs: RunsPort): Endpoint {
  return endpoint({
    method: 'get',
    path: '/runs/{id}',
    tag,
    summary: 'Show a run with its steps',
    params: runParams,
    answers: { 200: { description: 'The run', schema: runSchema } },
    handle: ({ params }) => ok(runAnswer(runs.get(params.id))),
  });
}

type Verb = (id: string, actor: Parameters<RunsPort['cancel']>[1]) => Promise<RunSummary>;

function verbRoute(name: string, summary: string, verb: Verb): Endpoint {
  return endpoint({
    method: 'post',
    path: `/runs/{id}/${name}`,
    tag,
    summary,
    params: runParams,
    answers: { 200: accepted },
    handle: async ({ params, actor }) => ok(runSummaryAnswer(await verb(params.id, actor))),
  });
}

function signalRoute(runs: RunsPort): Endpoint {
  return endpoint({
    method: 'post',
    path: '/runs/{id}/signal',
    tag,
    summary: 'Wake a wait for this signal; one that comes before its wait is kept',
    params: runParams,
    body: { kind: 'json', schema: signalBody },
    answers: { 200: accepted },
    async handle({ params, body, actor }) {
      const run = await runs.signal(params.id, body.name, body.payload ?? null, actor);
      return ok(runSummaryAnswer(run));
    },
  });
}

function statusesOf(text: string | undefined): readonly RunStatus[] | undefined {
  if (text === undefined || text === '') return undefined;
  return text.split(',').map((word) => {
    const status = word.trim();
    if ((RUN_STATUSES as readonly string[]).includes(status)) return status as RunStatus;
    throw new TerminalError('invalid', 'request.invalid', `"${status}" is not a run status`, {
      faults: [{ path: 'status', message: `"${status}" is not a run status` }],
      hint: `One or more of ${RUN_STATUSES.join(', ')}, with commas between.`,
    });
  });
}
