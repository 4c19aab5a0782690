import { z } from 'zod';
import { time } from './json-value.ts';

export const secretParams = z.object({ name: z.string().min(1).max(100) });

const hosts = z
  .array(z.string().min(1).max(300))
  .min(1)
  .max(50)
  .meta({ description: 'Where it may be sent: `api.example.org`, `*.example.org`, `https://h:8443`.' });

export const secretKindSchema = z
  .discriminatedUnion('type', [
    z.strictObject({ type: z.literal('text') }),
    z.strictObject({ type: z.literal('bearer'), hosts }),
    z.strictObject({ type: z.literal('basic'), username: z.string().min(1).max(500), hosts }),
    z.strictObject({ type: z.literal('header'), header: z.string().min(1).max(100), hosts }),
    z.strictObject({ type: z.literal('query'), parameter: z.string().min(1).max(100), hosts }),
  ])
  .meta({
    id: 'SecretKind',
    description: '`text` is for `secret()`; the others are credentials, added to requests by their name.',
  });

export const setSecretBody = z
  .strictObject({
    value: z.string().meta({ description: 'Never shown again.', writeOnly: true }),
    kind: secretKindSchema.optional().meta({ description: 'Absent: the kind it has; a new one is a text.' }),
  })
  .meta({ id: 'SetSecret' });

const key = z.object({
  id: z.string(),
  source: z
    .enum(['systemd', 'config', 'passphrase', 'file', 'previous'])
    .meta({ description: 'Where the root key comes from.' }),
});

export const secretSchema = z
  .object({
    name: z.string(),
    kind: secretKindSchema,
    version: z.number().int().meta({ description: 'From 1; each new value is the next.' }),
    key_id: z.string().meta({ description: 'The root key that wraps it.' }),
    readable: z.boolean().meta({ description: 'False: that root key is not here.' }),
    created_at: time,
    updated_at: time,
  })
  .meta({ id: 'Secret', description: 'A secret without its value, which nothing shows.' });

export const secretListSchema = z
  .object({ secrets: z.array(secretSchema), key: key.nullable() })
  .meta({ id: 'SecretList' });

export const rotatedSchema = z
  .object({ rewrapped: z.number().int().meta({ description: 'How many secrets.' }), key })
  .meta({ id: 'RotatedVault' });

export type SecretKindAnswer = z.infer<typeof secretKindSchema>;
export type SecretAnswer = z.infer<typeof secretSchema>;
export type SecretList = z.infer<typeof secretListSchema>;
export type RotatedVault = z.infer<typeof rotatedSchema>;
