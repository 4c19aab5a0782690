import { Readable } from 'node:stream';
import type { HistoryPort, OutputText, WorkflowGraph } from '#workflows/history-port.ts';
import { jsonText, ok, text } from '../answer.ts';
import { graphQuery, graphSchema, runGraphQuery, stepParams } from '../contract/graph.ts';
import { jsonValue } from '../contract/json-value.ts';
import { runParams } from '../contract/run.ts';
import { workflowParams } from '../contract/workflow.ts';
import { type Endpoint, endpoint } from '../endpoint.ts';
import { mermaid } from '../wire/mermaid.ts';

const tag = 'history';
const graphAnswers = {
  200: {
    description: 'Nodes and edges, or a Mermaid flowchart',
    schema: graphSchema,
    also: 'text/vnd.mermaid',
  },
};
const outputAnswers = { 200: { description: 'The output, however large', schema: jsonValue } };

/** What a run was: its outputs, also those in files, and its graph. */
export function historyRoutes(history: HistoryPort): readonly Endpoint[] {
  return [...graphRoutes(history), ...outputRoutes(history)];
}

function graphRoutes(history: HistoryPort): Endpoint[] {
  return [
    endpoint({
      method: 'get',
      path: '/workflows/{name}/graph',
      tag,
      summary: 'Show the steps of a workflow as a graph',
      params: workflowParams,
      query: graphQuery,
      answers: graphAnswers,
      handle: ({ params, query }) => graph(history.graph(params.name, query.version), query.format),
    }),
    endpoint({
      method: 'get',
      path: '/runs/{id}/graph',
      tag,
      summary: 'Show where a run is in the graph of its workflow',
      params: runParams,
      query: runGraphQuery,
      answers: graphAnswers,
      handle: ({ params, query }) => graph(history.runGraph(params.id), query.format),
    }),
  ];
}

function outputRoutes(history: HistoryPort): Endpoint[] {
  return [
    endpoint({
      method: 'get',
      path: '/runs/{id}/output',
      tag,
      summary: 'The whole output of a run',
      params: runParams,
      answers: outputAnswers,
      handle: async ({ params }) => output(await history.output(params.id)),
    }),
    endpoint({
      method: 'get',
      path: '/runs/{id}/steps/{path}/output',
      tag,
      summary: 'The whole output of a step',
      params: stepParams,
      answers: outputAnswers,
      handle: async ({ params }) => output(await history.output(params.id, params.path)),
    }),
  ];
}

function graph(value: WorkflowGraph, format: 'json' | 'mermaid'): Response {
  return format === 'json' ? ok(value) : text(mermaid(value), 'text/vnd.mermaid; charset=utf-8');
}

/** A file is passed on as it is read. */
function output(value: OutputText): Response {
  if ('text' in value) return jsonText(value.text);
  const body = Readable.toWeb(Readable.from(value.content, { objectMode: false })) as ReadableStream;
  return new Response(body, {
    headers: {
      'content-type': 'application/json; charset=utf-8',
      'content-length': String(value.bytes),
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      etag: `"${value.sha256}"`,
    },
  });
}
