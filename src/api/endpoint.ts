import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import type { z } from 'zod';
import type { Actor } from '#core/actor.ts';

/** What goes with a request from the node server to a handler. */
export interface Bindings {
  readonly incoming: IncomingMessage;
  readonly outgoing: ServerResponse;
  /** Who asks; set by the gate before anything is routed. */
  actor?: Actor;
}

/** A checked request. */
export interface Call<P, Q, B> {
  readonly actor: Actor;
  readonly params: P;
  readonly query: Q;
  readonly body: B;
  readonly headers: IncomingHttpHeaders;
  readonly incoming: IncomingMessage;
  readonly outgoing: ServerResponse;
}

/** A body that is JSON of this shape. `optional`: none at all counts as `{}`. */
export interface JsonBody<B> {
  readonly kind: 'json';
  readonly schema: z.ZodType<B>;
  readonly optional?: boolean;
  /** No answer repeats anything of it, whatever is wrong with it. */
  readonly isSecret?: boolean;
}

/** A body that the domain reads itself, so that it can name lines and columns. */
export interface TextBody {
  readonly kind: 'text';
  /** Media types and how they look in the OpenAPI document; any type (and none) where it is so written. */
  readonly types: Readonly<Record<string, z.ZodType>>;
  /** Bytes, where it takes less than other bodies. */
  readonly limit?: number;
}

export interface TextContent {
  /** The media type without parameters, lower case. */
  readonly type: string;
  readonly text: string;
}

export interface AnswerSpec {
  readonly description: string;
  readonly schema?: z.ZodType;
  readonly contentType?: string;
  /** Another form of the same answer, as text. */
  readonly also?: string;
}

/**
 * One route: what it takes, what it answers and what it does. The router, the checks and the OpenAPI document
 * all read this one thing.
 */
export interface Endpoint<P = unknown, Q = unknown, B = unknown> {
  readonly method: 'get' | 'post' | 'put' | 'delete';
  /** Below /api/chainbot, `{name}` for parameters. */
  readonly path: string;
  readonly tag: string;
  readonly summary: string;
  readonly params?: z.ZodType<P>;
  readonly query?: z.ZodType<Q>;
  readonly headers?: z.ZodObject;
  readonly body?: JsonBody<B> | TextBody;
  readonly answers: Readonly<Record<number, AnswerSpec>>;
  /** Needs no token. */
  readonly open?: boolean;
  handle(call: Call<P, Q, B>): Response | Promise<Response>;
}

/** Types a route's handler by its schemas, then forgets them so that routes fit in one list. */
export function endpoint<P = undefined, Q = undefined, B = undefined>(route: Endpoint<P, Q, B>): Endpoint {
  return route as unknown as Endpoint;
}
