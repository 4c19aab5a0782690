import { z } from 'zod';

/** One thing that is wrong in an input. `line` and `column` count from 1. */
export const faultSchema = z
  .object({
    path: z.string().meta({ description: 'Where: `steps/2/url`, `input.limit`, `Idempotency-Key`.' }),
    message: z.string(),
    hint: z.string().optional(),
    line: z.number().int().optional(),
    column: z.number().int().optional(),
  })
  .meta({ id: 'Fault' });

/** RFC 9457 problem details; `code` is the stable name that programs branch on. */
export const problemSchema = z
  .object({
    type: z.string().meta({ description: '`urn:chainbot:error:<code>`' }),
    title: z.string(),
    status: z.number().int(),
    code: z.string(),
    detail: z.string(),
    hint: z.string().optional().meta({ description: 'What the owner can do about it.' }),
    faults: z.array(faultSchema).optional(),
  })
  .meta({ id: 'Problem' });

export type Problem = z.infer<typeof problemSchema>;

export const PROBLEM_TYPE = 'application/problem+json';

/** `workflow.not_found` → `urn:chainbot:error:workflow.not_found`. */
export function problemUri(code: string): string {
  return `urn:chainbot:error:${code}`;
}
