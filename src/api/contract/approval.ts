import { z } from 'zod';
import { limit, time } from './json-value.ts';

export const approvalParams = z.object({ id: z.string().min(1).max(100) });

export const approvalsQuery = z.strictObject({
  status: z
    .enum(['open', 'all'])
    .default('open')
    .meta({ description: 'open: those that wait for an answer, oldest first; all: newest first.' }),
  limit: limit(500, 50),
});

export const answerBody = z
  .strictObject({ comment: z.string().max(2000).optional() })
  .meta({ id: 'ApprovalAnswerRequest' });

export const approvalSchema = z
  .object({
    id: z.string(),
    run: z.string(),
    workflow: z.string(),
    path: z.string().meta({ description: 'The step that asks.' }),
    title: z.string(),
    body: z.string(),
    roles: z.array(z.string()).nullable().meta({ description: 'Who may answer; null: anyone.' }),
    status: z
      .enum(['open', 'approved', 'rejected', 'expired', 'withdrawn'])
      .meta({ description: 'withdrawn: its run ended or went on without it.' }),
    deadline: time.nullable(),
    default: z
      .enum(['approve', 'reject'])
      .nullable()
      .meta({ description: 'The answer when nobody has answered in time; null: the step fails then.' }),
    created_at: time,
    decided_at: time.nullable(),
    decided_by: z.string().nullable(),
    comment: z.string().nullable(),
  })
  .meta({ id: 'Approval' });

export const approvalListSchema = z
  .object({ approvals: z.array(approvalSchema) })
  .meta({ id: 'ApprovalList' });

export type ApprovalAnswer = z.infer<typeof approvalSchema>;
export type ApprovalList = z.infer<typeof approvalListSchema>;
