import { z } from 'zod';
import type { WorkflowsPort } from '#workflows/runs-port.ts';
import { done, json, ok } from '../answer.ts';
import {
  definitionSchema,
  diffQuery,
  rollbackBody,
  savedWorkflowSchema,
  workflowDiffSchema,
  workflowListSchema,
  workflowParams,
  workflowQuery,
  workflowSchema,
  workflowVersionsSchema,
} from '../contract/workflow.ts';
import { type Endpoint, endpoint, type TextContent } from '../endpoint.ts';
import { rfc3339 } from '../wire/rfc3339.ts';
import { workflowAnswer, workflowSummaryAnswer } from '../wire/workflow-answer.ts';

const tag = 'workflows';
const yamlText = z.string().meta({ description: 'The definition as YAML.' });

export function workflowRoutes(workflows: WorkflowsPort): readonly Endpoint[] {
  return [
    saveRoute(workflows),
    ...readRoutes(workflows),
    diffRoute(workflows),
    rollbackRoute(workflows),
    removeRoute(workflows),
  ];
}

function saveRoute(workflows: WorkflowsPort): Endpoint {
  return endpoint<undefined, undefined, TextContent>({
    method: 'post',
    path: '/workflows',
    tag,
    summary: 'Store a definition as the next version of a workflow',
    body: {
      kind: 'text',
      types: {
        'application/json': definitionSchema,
        'application/yaml': yamlText,
        'application/x-yaml': yamlText,
        'text/yaml': yamlText,
      },
    },
    answers: {
      201: { description: 'Stored', schema: savedWorkflowSchema },
      200: { description: 'This is its newest version already', schema: savedWorkflowSchema },
    },
    async handle({ body, actor }) {
      const type = body.type === 'application/json' ? 'json' : 'yaml';
      const { id, name, version, created } = await workflows.save(body.text, type, actor);
      return json({ id, name, version }, created ? 201 : 200);
    },
  });
}

function readRoutes(workflows: WorkflowsPort): readonly Endpoint[] {
  return [
    endpoint({
      method: 'get',
      path: '/workflows',
      tag,
      summary: 'List the workflows in use',
      answers: { 200: { description: 'Every workflow, its newest version', schema: workflowListSchema } },
      handle: () => ok({ workflows: workflows.list().map(workflowSummaryAnswer) }),
    }),
    endpoint({
      method: 'get',
      path: '/workflows/{name}',
      tag,
      summary: 'Show a workflow with its definition and source',
      params: workflowParams,
      query: workflowQuery,
      answers: { 200: { description: 'The workflow', schema: workflowSchema } },
      handle: ({ params, query }) => ok(workflowAnswer(workflows.get(params.name, query.version))),
    }),
    endpoint({
      method: 'get',
      path: '/workflows/{name}/versions',
      tag,
      summary: "List a workflow's versions",
      params: workflowParams,
      answers: { 200: { description: 'Its versions', schema: workflowVersionsSchema } },
      handle({ params }) {
        const versions = workflows.versions(params.name);
        return ok({
          versions: versions.map(({ version, createdAt, actor }) => ({
            version,
            created_at: rfc3339(createdAt),
            actor,
          })),
        });
      },
    }),
  ];
}

function diffRoute(workflows: WorkflowsPort): Endpoint {
  return endpoint({
    method: 'get',
    path: '/workflows/{name}/diff',
    tag,
    summary: 'What is different between two versions, step by step',
    params: workflowParams,
    query: diffQuery,
    answers: { 200: { description: 'The changes', schema: workflowDiffSchema } },
    handle({ params: { name }, query: { from, to } }) {
      return ok({ name, from, to, changes: workflows.diff(name, from, to) });
    },
  });
}

function rollbackRoute(workflows: WorkflowsPort): Endpoint {
  return endpoint({
    method: 'post',
    path: '/workflows/{name}/rollback',
    tag,
    summary: 'Store the text of an earlier version as the next one',
    params: workflowParams,
    body: { kind: 'json', schema: rollbackBody },
    answers: {
      201: { description: 'Stored', schema: savedWorkflowSchema },
      200: { description: 'This is its newest version already', schema: savedWorkflowSchema },
    },
    async handle({ params, body, actor }) {
      const { id, name, version, created } = await workflows.rollback(params.name, body.version, actor);
      return json({ id, name, version }, created ? 201 : 200);
    },
  });
}

function removeRoute(workflows: WorkflowsPort): Endpoint {
  return endpoint({
    method: 'delete',
    path: '/workflows/{name}',
    tag,
    summary: 'Take a workflow out of use; its runs and versions stay',
    params: workflowParams,
    answers: { 204: { description: 'Done' } },
    async handle({ params, actor }) {
      await workflows.remove(params.name, actor);
      return done();
    },
  });
}
