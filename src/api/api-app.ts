import type { IncomingMessage, ServerResponse } from 'node:http';
import { getRequestListener } from '@hono/node-server';
import { OpenAPIHono } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { ChainbotError, TerminalError } from '#core/errors.ts';
import type { Log } from '#core/log.ts';
import { problem } from './answer.ts';
import { API_BASE } from './contract/api-base.ts';
import type { Bindings, Endpoint } from './endpoint.ts';
import type { Gate } from './gate.ts';
import type { HttpCounters } from './http-counters.ts';
import { type ApiApp, type ApiEnv, mount } from './mount.ts';

export type NodeListener = (incoming: IncomingMessage, outgoing: ServerResponse) => Promise<void>;

const METHODS = ['GET', 'POST', 'PUT', 'DELETE'] as const;

/** The router with every route in it; no middleware, so that hono calls each handler directly. */
export function buildApp(routes: readonly Endpoint[], bodyLimit: number, log: Log): ApiApp {
  const app: ApiApp = new OpenAPIHono<ApiEnv>();
  for (const route of routes) mount(app, route, bodyLimit);
  app.notFound((c) => problem(...notRouted(app, c)));
  app.onError((error, c) => problem(known(error, log, c.req.method, c.req.path)));
  return app;
}

/** The OpenAPI 3.1 document as text. */
export function openapiText(app: ApiApp, version: string): string {
  app.openAPIRegistry.registerComponent('securitySchemes', 'token', { type: 'http', scheme: 'bearer' });
  const document = app.getOpenAPI31Document({
    openapi: '3.1.0',
    info: {
      title: 'ChainBot',
      version,
      description: 'Durable workflows and devices. Errors are RFC 9457 problems with a stable `code`.',
      license: { name: 'MIT' },
    },
    servers: [{ url: '/' }],
    security: [{ token: [] }],
  });
  return JSON.stringify(document);
}

/** The app behind a gate, as node's servers want it. */
export function nodeListener(app: ApiApp, gate: Gate, counters: HttpCounters, log: Log): NodeListener {
  const answer = (request: Request, bindings: Bindings): Response | Promise<Response> => {
    try {
      const actor = gate(bindings.incoming);
      if (actor) bindings.actor = actor;
    } catch (error) {
      return counters.count(problem(known(error, log, request.method, bindings.incoming.url)));
    }
    const response = app.fetch(request, bindings);
    if (response instanceof Promise) return response.then((settled) => counters.count(settled));
    return counters.count(response);
  };
  return getRequestListener((request, bindings) => answer(request, bindings as Bindings), {
    hostname: 'localhost',
    // Node itself reads and drops what a handler left of a body, within its requestTimeout.
    autoCleanupIncoming: false,
    errorHandler: (error) => counters.count(problem(malformedTarget(error))),
  });
}

/** A ChainbotError as it is; anything else is a fault of ours, logged here and shown to nobody. */
export function known(error: unknown, log: Log, method: string, path: string | undefined): ChainbotError {
  if (error instanceof ChainbotError) return error;
  log.error({ err: error, method, path }, 'a request failed');
  return new TerminalError('failed', 'internal', 'something went wrong inside the daemon', {
    hint: "Look at the daemon's log: journalctl -u chainbot.",
    cause: error,
  });
}

function malformedTarget(error: unknown): TerminalError {
  return new TerminalError('invalid', 'request.malformed', 'the path or the Host header can not be read', {
    cause: error,
  });
}

function notRouted(app: ApiApp, c: Context<ApiEnv>): [TerminalError, Record<string, string>] {
  const allowed = METHODS.filter((method) => app.router.match(method, c.req.path)[0].length > 0);
  const path = c.req.path.slice(0, 200);
  if (allowed.length === 0) {
    const hint = `The API is below ${API_BASE}; ${API_BASE}/openapi.json lists it.`;
    return [new TerminalError('not_found', 'request.not_found', `there is no ${path}`, { hint }), {}];
  }
  const message = `${c.req.method} does not go with ${path}`;
  const allow = allowed.flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : [method])).join(', ');
  return [new TerminalError('invalid', 'request.method', message, { hint: `Use ${allow}.` }), { allow }];
}
