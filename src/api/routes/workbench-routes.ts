import { z } from 'zod';
import type { Json, JsonObject } from '#core/json.ts';
import type { WorkbenchPort } from '#workflows/workbench.ts';
import { ok } from '../answer.ts';
import { runParams } from '../contract/run.ts';
import {
  checkSchema,
  renderBody,
  renderedSchema,
  templateListSchema,
  templateParams,
  testBody,
  translateBody,
  translationSchema,
  trialCaseSchema,
  trialSchema,
} from '../contract/workbench.ts';
import { definitionSchema } from '../contract/workflow.ts';
import { type Endpoint, endpoint, type TextContent } from '../endpoint.ts';
import { trialAnswer } from '../wire/trial-answer.ts';

const tag = 'workbench';
const yamlText = z.string().meta({ description: 'The definition as YAML.' });

/** What helps people to write workflows; none of these changes anything. */
export function workbenchRoutes(workbench: WorkbenchPort): readonly Endpoint[] {
  return [
    checkRoute(workbench),
    testRoute(workbench),
    caseRoute(workbench),
    ...templateRoutes(workbench),
    translateRoute(workbench),
  ];
}

function checkRoute(workbench: WorkbenchPort): Endpoint {
  return endpoint<undefined, undefined, TextContent>({
    method: 'post',
    path: '/workflows/check',
    tag,
    summary: 'Say everything that is wrong or odd in a definition; nothing is stored',
    body: {
      kind: 'text',
      types: {
        'application/json': definitionSchema,
        'application/yaml': yamlText,
        'application/x-yaml': yamlText,
        'text/yaml': yamlText,
      },
    },
    answers: { 200: { description: 'What was found, also when it is wrong', schema: checkSchema } },
    handle: ({ body }) => ok(workbench.check(body.text, body.type === 'application/json' ? 'json' : 'yaml')),
  });
}

function testRoute(workbench: WorkbenchPort): Endpoint {
  return endpoint({
    method: 'post',
    path: '/workflows/test',
    tag,
    summary: 'Run a definition with its effects recorded instead of done, and time that jumps',
    body: { kind: 'json', schema: testBody },
    answers: { 200: { description: 'How it went', schema: trialSchema } },
    handle: async ({ body }) =>
      ok(trialAnswer(await workbench.test(body.source, body.source_type, (body.case ?? {}) as Json))),
  });
}

function caseRoute(workbench: WorkbenchPort): Endpoint {
  return endpoint({
    method: 'get',
    path: '/runs/{id}/case',
    tag,
    summary: 'A recorded run as a case for POST /workflows/test',
    params: runParams,
    answers: { 200: { description: 'The case', schema: trialCaseSchema } },
    handle: ({ params }) => ok(workbench.caseOf(params.id)),
  });
}

function templateRoutes(workbench: WorkbenchPort): readonly Endpoint[] {
  return [
    endpoint({
      method: 'get',
      path: '/templates',
      tag,
      summary: 'List the templates with their parameters',
      answers: { 200: { description: 'Every template', schema: templateListSchema } },
      handle: async () => ok({ templates: await workbench.templates() }),
    }),
    endpoint({
      method: 'post',
      path: '/templates/{name}',
      tag,
      summary: 'Make a definition from a template; nothing is stored',
      params: templateParams,
      body: { kind: 'json', schema: renderBody, optional: true },
      answers: { 200: { description: 'The definition as YAML', schema: renderedSchema } },
      handle: async ({ params, body }) =>
        ok({ source: await workbench.render(params.name, body.values as JsonObject) }),
    }),
  ];
}

function translateRoute(workbench: WorkbenchPort): Endpoint {
  return endpoint({
    method: 'post',
    path: '/workflows/translate',
    tag,
    summary: 'Translate a workflow of n8n or flows of Node-RED; nothing is stored',
    body: { kind: 'json', schema: translateBody },
    answers: {
      200: { description: 'Definitions as YAML, and what was not translated', schema: translationSchema },
    },
    handle: ({ body }) => ok(workbench.translate(body.from, body.file)),
  });
}
