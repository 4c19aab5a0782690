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
export const RUN_VERBS = [
  'cancel',
  'pause',
  'resume',
  'retry',
  'signal',
  'fork',
  'migrate',
  'delete',
] as const;
export const PRIORITIES = ['low', 'normal', 'high'] as const;
const STEP_STATUSES = ['running', 'waiting', 'completed', 'failed', 'skipped', 'cancelled'] as const;

export const runStatusSchema = z.enum(RUN_STATUSES).meta({ id: 'RunStatus' });

export const runParams = z.object({
  id: z.string().min(1).max(100).meta({ description: "The run's id." }),
});

export const startRunBody = z
  .strictObject({
    input: jsonValue.optional(),
    version: z.number().int().min(1).optional().meta({ description: 'Absent: the newest.' }),
    priority: z
      .enum(PRIORITIES)
      .optional()
      .meta({ description: "Who goes first where runs queue. Absent: the workflow's." }),
    start_at: z.iso
      .datetime({ offset: true })
      .optional()
      .meta({ description: 'Begin at this time: it is kept on disk until then.' }),
    in: z
      .union([z.string().max(40), z.number().min(0)])
      .optional()
      .meta({ description: 'Begin after this long (`10m`, or seconds), whatever the wall clock does.' }),
  })
  .meta({ id: 'StartRun' });

export const forkBody = z
  .strictObject({
    step: z
      .string()
      .min(1)
      .max(2000)
      .optional()
      .meta({ description: 'The path of the step that is to run again. Absent: from the beginning.' }),
    input: jsonValue.optional().meta({ description: 'Absent: the input it had.' }),
    version: z.number().int().min(1).optional().meta({ description: 'Absent: the version it has.' }),
  })
  .meta({ id: 'ForkRun' });

export const migrateBody = z
  .strictObject({
    version: z.number().int().min(1).optional().meta({ description: 'Absent: the newest.' }),
  })
  .meta({ id: 'MigrateRun' });

export const cancelQuery = z.strictObject({
  now: z
    .enum(['true', 'false'])
    .optional()
    .meta({ description: 'true: without undos and finally steps, also when they have begun.' }),
});

export const BULK_VERBS = ['cancel', 'retry', 'delete', 'migrate'] as const;

/** Of `workflow` and `status` at least one. */
export const bulkBody = z
  .strictObject({
    verb: z.enum(BULK_VERBS),
    workflow: z.string().min(1).max(200).optional(),
    status: z.array(z.enum(RUN_STATUSES)).max(RUN_STATUSES.length).optional(),
    version: z.number().int().min(1).optional().meta({ description: 'Of `migrate`. Absent: the newest.' }),
    limit: z.number().int().min(1).max(1000).default(100),
  })
  .meta({ id: 'BulkRuns' });

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

export const runQuery = z.strictObject({
  logs: z
    .enum(['true', 'false'])
    .default('false')
    .meta({ description: 'true: with the lines that steps logged.' }),
});

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
    priority: z.enum(PRIORITIES),
    start_at: time.nullable().meta({ description: 'Of a run that was started for later.' }),
    forked_from: z.string().nullable().meta({ description: 'The run whose first part it has.' }),
    created_at: time,
    started_at: time.nullable(),
    ended_at: time.nullable(),
    error: z.union([errorRecordSchema, z.null()]),
  })
  .meta({ id: 'RunSummary' });

const stepLineSchema = z.object({
  at: time,
  level: z.enum(['info', 'warn', 'error']),
  message: z.string(),
  fields: z.record(z.string(), z.string()).optional(),
});

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
    logs: z
      .array(stepLineSchema)
      .optional()
      .meta({ description: 'With `logs=true`: what it logged, the newest 50 lines.' }),
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

export const bulkSchema = z
  .object({
    results: z.array(
      z.object({
        id: z.string(),
        workflow: z.string(),
        status: runStatusSchema
          .nullable()
          .meta({ description: 'Afterwards; null when it is deleted or was refused.' }),
        error: z.union([errorRecordSchema, z.null()]),
      }),
    ),
    more: z.boolean().meta({ description: 'There are more such runs: ask again.' }),
  })
  .meta({ id: 'BulkAnswer' });

export const runVerbsSchema = z
  .object({ verbs: z.record(z.enum(RUN_VERBS), z.array(runStatusSchema)) })
  .meta({ id: 'RunVerbs', description: 'Which verb is possible in which states.' });

export type RunStatusAnswer = z.infer<typeof runStatusSchema>;
export type RunVerbAnswer = (typeof RUN_VERBS)[number];
export type StepAnswer = z.infer<typeof stepSchema>;
export type RunSummaryAnswer = z.infer<typeof runSummarySchema>;
export type RunAnswer = z.infer<typeof runSchema>;
export type RunList = z.infer<typeof runListSchema>;
export type RunPriorityAnswer = (typeof PRIORITIES)[number];
export type BulkVerbAnswer = (typeof BULK_VERBS)[number];
export type BulkAnswer = z.infer<typeof bulkSchema>;
export type RunVerbsAnswer = z.infer<typeof runVerbsSchema>;
