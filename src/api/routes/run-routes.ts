import { parseDuration } from '#core/duration.ts';
import { TerminalError } from '#core/errors.ts';
import type { HistoryPort } from '#workflows/history-port.ts';
import type { RunStatus, RunSummary, RunsPort } from '#workflows/runs-port.ts';
import { done, json, ok, okAgain } from '../answer.ts';
import { API_BASE } from '../contract/api-base.ts';
import {
  bulkBody,
  bulkSchema,
  cancelQuery,
  forkBody,
  migrateBody,
  RUN_STATUSES,
  runListSchema,
  runParams,
  runQuery,
  runSchema,
  runSummarySchema,
  runsQuery,
  runVerbsSchema,
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

/** `history` has what steps logged. */
export function runRoutes(runs: RunsPort, history?: Pick<HistoryPort, 'logs'>): readonly Endpoint[] {
  return [
    startRoute(runs),
    listRoute(runs),
    ...manyRoutes(runs),
    showRoute(runs, history),
    cancelRoute(runs),
    verbRoute('pause', 'Hold a run after the step that is under way', (id, actor) => runs.pause(id, actor)),
    verbRoute('resume', 'Let a paused run go on', (id, actor) => runs.resume(id, actor)),
    verbRoute('retry', 'Start a failed or cancelled run again where it stopped', (id, actor) =>
      runs.retry(id, actor),
    ),
    signalRoute(runs),
    ...changeRoutes(runs),
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
        priority: body.priority,
        startAt: body.start_at === undefined ? undefined : Date.parse(body.start_at),
        startInMs: body.in === undefined ? undefined : parseDuration(body.in),
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

function showRoute(runs: RunsPort, history: Pick<HistoryPort, 'logs'> | undefined): Endpoint {
  return endpoint({
    method: 'get',
    path: '/runs/{id}',
    tag,
    summary: 'Show a run with its steps',
    params: runParams,
    query: runQuery,
    answers: { 200: { description: 'The run', schema: runSchema } },
    handle: ({ params, query }) => {
      const run = runs.get(params.id);
      return query.logs === 'true' ? ok(runAnswer(run, history?.logs(params.id))) : okAgain(run, runAnswer);
    },
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

function cancelRoute(runs: RunsPort): Endpoint {
  return endpoint({
    method: 'post',
    path: '/runs/{id}/cancel',
    tag,
    summary: 'Stop a run; what is under way is aborted, then its undos and finally steps run',
    params: runParams,
    query: cancelQuery,
    answers: { 200: accepted },
    handle: async ({ params, query, actor }) =>
      ok(runSummaryAnswer(await runs.cancel(params.id, actor, { now: query.now === 'true' }))),
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

/** Forking, moving and deleting: what is done to a run as a whole. */
function changeRoutes(runs: RunsPort): readonly Endpoint[] {
  return [
    endpoint({
      method: 'post',
      path: '/runs/{id}/fork',
      tag,
      summary: 'Start a new run with the journal of this one up to before a step',
      params: runParams,
      body: { kind: 'json', schema: forkBody, optional: true },
      answers: { 202: { description: 'The new run', schema: runSummarySchema } },
      async handle({ params, body, actor }) {
        const run = await runs.fork(params.id, body, actor);
        return json(runSummaryAnswer(run), 202, { location: `${API_BASE}/runs/${run.id}` });
      },
    }),
    endpoint({
      method: 'post',
      path: '/runs/{id}/migrate',
      tag,
      summary: 'Move a run that queues, waits or is paused to another version of its workflow',
      params: runParams,
      body: { kind: 'json', schema: migrateBody, optional: true },
      answers: { 200: accepted },
      handle: async ({ params, body, actor }) =>
        ok(runSummaryAnswer(await runs.migrate(params.id, body.version, actor))),
    }),
    endpoint({
      method: 'delete',
      path: '/runs/{id}',
      tag,
      summary: 'Delete an ended run with its steps',
      params: runParams,
      answers: { 204: { description: 'Done' } },
      async handle({ params, actor }) {
        await runs.delete(params.id, actor);
        return done();
      },
    }),
  ];
}

function manyRoutes(runs: RunsPort): readonly Endpoint[] {
  return [
    endpoint({
      method: 'get',
      path: '/runs/verbs',
      tag,
      summary: 'Which verb is possible in which states of a run',
      answers: { 200: { description: 'The one table that decides', schema: runVerbsSchema } },
      handle: () => ok({ verbs: runs.verbs() }),
    }),
    endpoint({
      method: 'post',
      path: '/runs/bulk',
      tag,
      summary: 'One verb for many runs, each with its own answer',
      body: { kind: 'json', schema: bulkBody },
      answers: { 200: { description: 'What came of each, the newest run first', schema: bulkSchema } },
      handle: async ({ body, actor }) => ok(await runs.bulk(body, actor)),
    }),
  ];
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
