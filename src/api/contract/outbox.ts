import { z } from 'zod';
import { errorRecordSchema } from './error-record.ts';
import { limit, time } from './json-value.ts';

const status = z.enum(['queued', 'sent', 'failed']);

export const emailParams = z.object({ id: z.string().min(1).max(100) });
export const outboxQuery = z.strictObject({ limit: limit(500, 50), status: status.optional() });

export const emailSchema = z
  .object({
    id: z.string(),
    run: z.string().nullable(),
    to: z.array(z.string()).meta({ description: 'Everybody it is for, copies too.' }),
    subject: z.string(),
    status,
    attempts: z.int(),
    next_at: time.nullable().meta({ description: 'When it is tried next, while it is queued.' }),
    accepted: z.array(z.string()).meta({ description: 'For whom the mail server took it.' }),
    rejected: z.array(z.string()).meta({ description: 'For whom it never will.' }),
    response: z.string().nullable().meta({ description: "The server's words." }),
    error: errorRecordSchema.nullable().meta({ description: 'Why it was not taken, the last time.' }),
    created_at: time,
    ended_at: time.nullable(),
  })
  .meta({ id: 'Email' });

export const outboxSchema = z.object({ emails: z.array(emailSchema) }).meta({ id: 'Outbox' });

export type EmailAnswer = z.infer<typeof emailSchema>;
export type OutboxAnswer = z.infer<typeof outboxSchema>;
export type EmailStatus = z.infer<typeof status>;
