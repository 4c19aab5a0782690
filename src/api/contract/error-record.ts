import { z } from 'zod';

/** An error in a journal: what went wrong in a step or a run. */
export const errorRecordSchema = z
  .looseObject({
    code: z.string(),
    message: z.string(),
    hint: z.string().optional(),
    retryable: z.boolean(),
  })
  .meta({ id: 'ErrorRecord' });

export type ErrorRecordAnswer = z.infer<typeof errorRecordSchema>;
