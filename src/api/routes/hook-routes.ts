import { z } from 'zod';
import type { HooksPort } from '#workflows/trigger-port.ts';
import { json } from '../answer.ts';
import { hookAnswerSchema, hookParams } from '../contract/trigger.ts';
import { type Call, type Endpoint, endpoint, type TextContent } from '../endpoint.ts';

/** What a hook takes at most, in bytes; less when `api.body_limit` is less. */
const HOOK_BODY = 256 * 1024;

type HookCall = Call<z.infer<typeof hookParams>, undefined, TextContent | undefined>;

/** The doors for other programs: no bearer token of ours, but a proof of their own that the trigger checks. */
export function hookRoutes(hooks: HooksPort): readonly Endpoint[] {
  return (['post', 'put', 'get'] as const).map((method) =>
    endpoint<z.infer<typeof hookParams>, undefined, TextContent | undefined>({
      method,
      path: '/hooks/{name}',
      tag: 'hooks',
      summary: 'Start what waits for this webhook',
      open: true,
      params: hookParams,
      ...(method === 'get' ? {} : { body: { kind: 'text', types: { '*/*': z.string() }, limit: HOOK_BODY } }),
      answers: { 202: { description: 'What it started is on disk', schema: hookAnswerSchema } },
      handle: (call) => deliver(hooks, call),
    }),
  );
}

async function deliver(hooks: HooksPort, call: HookCall): Promise<Response> {
  const { params, headers, body, incoming } = call;
  const at = incoming.url?.indexOf('?') ?? -1;
  const query = Object.fromEntries(new URLSearchParams(at < 0 ? '' : incoming.url?.slice(at)));
  const { id, duplicate } = await hooks.deliver({
    name: params.name,
    // As it came: a HEAD is routed like a GET, and starts nothing.
    method: incoming.method ?? '',
    headers,
    query,
    body: body?.text ?? '',
  });
  return json({ id, duplicate }, 202);
}
