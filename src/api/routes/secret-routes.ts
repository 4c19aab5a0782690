import type { SecretSummary, VaultPort } from '#vault/port.ts';
import { done, json, ok } from '../answer.ts';
import {
  rotatedSchema,
  type SecretAnswer,
  secretListSchema,
  secretParams,
  secretSchema,
  setSecretBody,
} from '../contract/secret.ts';
import { type Endpoint, endpoint } from '../endpoint.ts';
import { rfc3339 } from '../wire/rfc3339.ts';

const tag = 'secrets';

/** Values go in and never come out. */
export function secretRoutes(vault: VaultPort): readonly Endpoint[] {
  return [setRoute(vault), ...keepRoutes(vault)];
}

function setRoute(vault: VaultPort): Endpoint {
  return endpoint({
    method: 'put',
    path: '/secrets/{name}',
    tag,
    summary: 'Store a secret, or a new value of it',
    params: secretParams,
    body: { kind: 'json', schema: setSecretBody, isSecret: true },
    answers: {
      201: { description: 'A new secret', schema: secretSchema },
      200: { description: 'Its next version; the old value is gone', schema: secretSchema },
    },
    async handle({ params, body, actor }) {
      const stored = await vault.set(params.name, body.value, body.kind, actor);
      return json(secretAnswer(stored), stored.created ? 201 : 200);
    },
  });
}

function keepRoutes(vault: VaultPort): readonly Endpoint[] {
  return [
    endpoint({
      method: 'get',
      path: '/secrets',
      tag,
      summary: 'List the secrets, without their values',
      answers: { 200: { description: 'Every secret', schema: secretListSchema } },
      handle: () => ok({ secrets: vault.list().map(secretAnswer), key: vault.key() ?? null }),
    }),
    endpoint({
      method: 'delete',
      path: '/secrets/{name}',
      tag,
      summary: 'Remove a secret; steps that use it fail from now on',
      params: secretParams,
      answers: { 204: { description: 'It is gone' } },
      async handle({ params, actor }) {
        await vault.remove(params.name, actor);
        return done();
      },
    }),
    endpoint({
      method: 'post',
      path: '/secrets/rotate',
      tag,
      summary: 'Wrap every secret with the next root key',
      answers: { 200: { description: 'All of them, at once', schema: rotatedSchema } },
      handle: async ({ actor }) => ok(await vault.rotate(actor)),
    }),
  ];
}

function secretAnswer(secret: SecretSummary): SecretAnswer {
  const { name, version, keyId, isReadable, createdAt, updatedAt } = secret;
  return {
    name,
    kind: secret.kind as SecretAnswer['kind'],
    version,
    key_id: keyId,
    readable: isReadable,
    created_at: rfc3339(createdAt),
    updated_at: rfc3339(updatedAt),
  };
}
