import type { TokensPort } from '#identity/port.ts';
import { done, json, ok } from '../answer.ts';
import { createTokenBody, newTokenSchema, tokenListSchema, tokenParams } from '../contract/token.ts';
import { type Endpoint, endpoint } from '../endpoint.ts';
import type { LiveStreams } from '../live-streams.ts';
import { rfc3339, rfc3339OrNull } from '../wire/rfc3339.ts';

const tag = 'tokens';

export function tokenRoutes(tokens: TokensPort, streams: Pick<LiveStreams, 'endOf'>): readonly Endpoint[] {
  return [
    endpoint({
      method: 'post',
      path: '/tokens',
      tag,
      summary: 'Make a token; it is shown this once',
      body: { kind: 'json', schema: createTokenBody },
      answers: { 201: { description: 'The token', schema: newTokenSchema } },
      handle: async ({ body, actor }) => json(await tokens.create(body.name, actor), 201),
    }),
    endpoint({
      method: 'get',
      path: '/tokens',
      tag,
      summary: 'List the tokens in use, without their secrets',
      answers: { 200: { description: 'Every token', schema: tokenListSchema } },
      handle() {
        const list = tokens.list().map(({ id, name, createdAt, lastUsedAt }) => ({
          id,
          name,
          created_at: rfc3339(createdAt),
          last_used_at: rfc3339OrNull(lastUsedAt),
        }));
        return ok({ tokens: list });
      },
    }),
    endpoint({
      method: 'delete',
      path: '/tokens/{id}',
      tag,
      summary: 'Revoke a token',
      params: tokenParams,
      answers: { 204: { description: 'It opens nothing any more' } },
      async handle({ params, actor }) {
        await tokens.revoke(params.id, actor);
        streams.endOf({ kind: 'token', id: params.id });
        return done();
      },
    }),
  ];
}
