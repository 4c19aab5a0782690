import { z } from 'zod';
import { time } from './json-value.ts';

export const tokenParams = z.object({ id: z.string().min(1).max(100) });

export const createTokenBody = z
  .strictObject({ name: z.string().min(1).max(200) })
  .meta({ id: 'CreateToken' });

export const newTokenSchema = z
  .object({
    id: z.string(),
    name: z.string(),
    token: z.string().meta({ description: 'Shown this once; the daemon keeps only its SHA-256.' }),
  })
  .meta({ id: 'NewToken' });

export const tokenListSchema = z
  .object({
    tokens: z.array(
      z.object({ id: z.string(), name: z.string(), created_at: time, last_used_at: time.nullable() }),
    ),
  })
  .meta({ id: 'TokenList' });

export type NewToken = z.infer<typeof newTokenSchema>;
export type TokenList = z.infer<typeof tokenListSchema>;
