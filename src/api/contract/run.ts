import { z } from 'zod';
import { errorRecordSchema } from './error-record.ts';
import { actor, jsonValue, limit, time } from './json-value.ts';

export const RUN_STATUSES = [
  'queued',
  'running',
  'waiting',
  'paused',
  'completed',
  'failed',
  'cancelled',
] as const;
export const RUN_VERBS = ['cancel', 'pause', 'resume', 'retry', 'signal'] as const;
const STEP_STATUSES = ['running', 'waiting', 'completed', 'failed', 'skipped', 'cancelled'] as const;

export const runStatusSchema = z.enum(RUN_STATUSES).meta({ id: 'RunStatus' });

export const runParams = z.object({
  id: z.string().min(1).max(100).meta({ description: "The run's id." }),
});

export const startRunBody = z
  .strictObject({
    input: jsonValue.optional(),
    version: z.number().int().min(1).optional().meta({ description: 'Absent: the newest.' }),
  })
  .meta({ id: 'StartRun' });

/** RFC draft-ietf-httpapi-idempotency-key-header: a quoted string; a bare token is taken too. */
export const startRunHeaders = z.object({
  'idempotency-key': z.string().max(257).optional().meta({
    description: 'At most 255 characters. The same key and input answer with the same run for 24 h.',
  }),
});

export const signalBody = z
  .strictObject({
    name: z.string().min(1).max(200),
    payload: jsonValue.optional(),
  })
  .meta({ id: 'Signal' });

export const runsQuery = z.strictObject({
  workflow: z.string().min(1).max(200).optional(),
  status: z
    .string()
    .max(200)
    .optional()
    .meta({ description: 'One or more run statuses with commas between: `queued,running`.' }),
  limit: limit(500, 50),
  cursor: z.string().max(500).optional().meta({ description: '`next` of the page before.' }),
});

export const runSummarySchema = z
  .object({
    id: z.string(),
    workflow: z.string(),
    version: z.number().int(),
    status: runStatusSchema,
    actor,
    trigger: z.looseObject({}),
    created_at: time,
    started_at: time.nullable(),
    ended_at: time.nullable(),
    error: z.union([errorRecordSchema, z.null()]),
  })
  .meta({ id: 'RunSummary' });

export const stepSchema = z
  .object({
    path: z
      .string()
      .meta({ description: '`each/2/tell`: ids of the containers, with the iteration or branch between.' }),
    id: z.string(),
    type: z.string(),
    status: z.enum(STEP_STATUSES),
    attempts: z.number().int(),
    output: jsonValue,
    error: z.union([errorRecordSchema, z.null()]),
    history: z
      .array(z.object({ attempt: z.number().int(), at: time, error: errorRecordSchema }))
      .meta({ description: 'Failed attempts before the last: when and why.' }),
    started_at: time,
    ended_at: time.nullable(),
  })
  .meta({ id: 'Step' });

export const runSchema = runSummarySchema
  .extend({
    input: jsonValue,
    output: jsonValue,
    verbs: z.array(z.enum(RUN_VERBS)).meta({ description: 'What may be done to it now.' }),
    steps: z.array(stepSchema),
  })
  .meta({ id: 'Run' });

export const runListSchema = z
  .object({ runs: z.array(runSummarySchema), next: z.string().nullable() })
  .meta({ id: 'RunList' });

export type RunStatusAnswer = z.infer<typeof runStatusSchema>;
export type RunVerbAnswer = (typeof RUN_VERBS)[number];
export type StepAnswer = z.infer<typeof stepSchema>;
export type RunSummaryAnswer = z.infer<typeof runSummarySchema>;
export type RunAnswer = z.infer<typeof runSchema>;
export type RunList = z.infer<typeof runListSchema>;
