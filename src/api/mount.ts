import { createRoute, type OpenAPIHono } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { z } from 'zod';
import { TerminalError } from '#core/errors.ts';
import { API_BASE } from './contract/api-base.ts';
import { PROBLEM_TYPE, problemSchema } from './contract/problem.ts';
import type { Bindings, Call, Endpoint, JsonBody, TextBody, TextContent } from './endpoint.ts';
import { parsed } from './parsed.ts';
import { readBody } from './read-body.ts';
import { readJson } from './read-json.ts';

export type ApiEnv = { Bindings: Bindings };
export type ApiApp = OpenAPIHono<ApiEnv>;

const ANY_TYPE = '*/*';

/**
 * Puts a route into the router and into the OpenAPI document. The checks are done here and not by the
 * library's validators: those read the body twice over and build an answer per check, about 25 µs a request.
 */
export function mount(app: ApiApp, route: Endpoint, bodyLimit: number): void {
  app.openAPIRegistry.registerPath(createRoute(documented(route)));
  const path = API_BASE + route.path.replaceAll(/\{(\w+)\}/g, ':$1');
  const { body } = route;
  if (body) {
    app.on(route.method.toUpperCase(), path, async (c) => {
      const call = checked(route, c);
      const limit = body.kind === 'text' ? Math.min(body.limit ?? bodyLimit, bodyLimit) : bodyLimit;
      const text = await readBody(call.incoming, limit);
      const content = body.kind === 'json' ? jsonOf(body, call, text) : textOf(body, call, text);
      return route.handle({ ...call, body: content });
    });
  } else app.on(route.method.toUpperCase(), path, (c) => route.handle(checked(route, c)));
}

function checked(route: Endpoint, c: Context<ApiEnv>): Call<unknown, unknown, unknown> {
  const { incoming, outgoing, actor } = c.env;
  if (actor === undefined && !route.open) throw new Error('a route was reached past the gate');
  return {
    actor: actor ?? { kind: 'system', id: 'anonymous' },
    params: route.params ? parsed(route.params, c.req.param()) : undefined,
    query: route.query ? parsed(route.query, c.req.query()) : undefined,
    body: undefined,
    headers: incoming.headers,
    incoming,
    outgoing,
  };
}

function jsonOf(body: JsonBody<unknown>, call: Call<unknown, unknown, unknown>, text: string): unknown {
  if (text === '' && body.optional) return parsed(body.schema, {});
  const type = mediaType(call.headers['content-type']);
  if (type !== 'application/json' && !type.endsWith('+json')) throw wrongType(type, ['application/json']);
  return parsed(body.schema, readJson(text, body.isSecret));
}

function textOf(body: TextBody, call: Call<unknown, unknown, unknown>, text: string): TextContent {
  const type = mediaType(call.headers['content-type']);
  const isTaken = Object.hasOwn(body.types, type) || Object.hasOwn(body.types, ANY_TYPE);
  if (!isTaken) throw wrongType(type, Object.keys(body.types));
  return { type, text };
}

function mediaType(header: string | undefined): string {
  if (header === undefined || header === 'application/json') return header ?? '';
  return (header.split(';', 1)[0] as string).trim().toLowerCase();
}

function wrongType(type: string, wanted: readonly string[]): TerminalError {
  const what = type === '' ? 'the body has no content type' : `"${type.slice(0, 100)}" is not taken here`;
  return new TerminalError('invalid', 'request.media_type', what, {
    hint: `Send it with Content-Type: ${wanted.join(' or ')}.`,
  });
}

function documented(route: Endpoint): Parameters<typeof createRoute>[0] {
  const { params, query, headers, body } = route;
  const request = {
    ...(params ? { params } : {}),
    ...(query ? { query } : {}),
    ...(headers ? { headers } : {}),
    ...(body ? { body: documentedBody(body) } : {}),
  };
  return {
    method: route.method,
    path: API_BASE + route.path,
    tags: [route.tag],
    summary: route.summary,
    ...(route.open ? { security: [] } : {}),
    request: request as NonNullable<Parameters<typeof createRoute>[0]['request']>,
    responses: documentedAnswers(route),
  };
}

function documentedBody(body: JsonBody<unknown> | TextBody): object {
  if (body.kind === 'json') {
    return { required: !body.optional, content: { 'application/json': { schema: body.schema } } };
  }
  const types = Object.entries(body.types).map(([type, schema]) => [type, { schema }]);
  return { required: true, content: Object.fromEntries(types) };
}

function documentedAnswers(route: Endpoint): Parameters<typeof createRoute>[0]['responses'] {
  const answers = Object.entries(route.answers).map(([status, answer]) => {
    const { description, schema, contentType = 'application/json', also } = answer;
    if (!schema) return [status, { description }];
    const other = also === undefined ? {} : { [also]: { schema: z.string() } };
    return [status, { description, content: { [contentType]: { schema }, ...other } }];
  });
  const problems = {
    description: 'A problem (RFC 9457)',
    content: { [PROBLEM_TYPE]: { schema: problemSchema } },
  };
  return { ...Object.fromEntries(answers), default: problems };
}
