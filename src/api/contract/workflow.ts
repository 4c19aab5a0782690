import { z } from 'zod';
import { actor, jsonValue, time } from './json-value.ts';

export const workflowParams = z.object({
  name: z.string().min(1).max(200).meta({ description: "The workflow's name." }),
});

export const workflowQuery = z.strictObject({
  version: z.coerce.number().int().min(1).optional().meta({ description: 'Absent: the newest.' }),
});

/** The definition as an object; the daemon checks it and names every fault with its line and column. */
export const definitionSchema = z
  .looseObject({ name: z.string(), steps: z.array(z.looseObject({ id: z.string(), type: z.string() })) })
  .meta({
    id: 'WorkflowDefinition',
    description: 'See docs/workflows.md for steps, triggers and expressions.',
  });

export const savedWorkflowSchema = z
  .object({ id: z.string(), name: z.string(), version: z.number().int() })
  .meta({ id: 'SavedWorkflow' });

export const workflowSummarySchema = z
  .object({
    id: z.string(),
    name: z.string(),
    version: z.number().int(),
    description: z.string().nullable(),
    triggers: z.array(z.looseObject({ type: z.string() })),
    created_at: time,
    updated_at: time,
  })
  .meta({ id: 'WorkflowSummary' });

export const workflowSchema = workflowSummarySchema
  .extend({
    definition: jsonValue.meta({ description: 'The definition, normalised.' }),
    source: z.string().meta({ description: 'The text as it was given, comments and all.' }),
    source_type: z.enum(['yaml', 'json']),
  })
  .meta({ id: 'Workflow' });

export const workflowListSchema = z
  .object({ workflows: z.array(workflowSummarySchema) })
  .meta({ id: 'WorkflowList' });

export const workflowVersionsSchema = z
  .object({ versions: z.array(z.object({ version: z.number().int(), created_at: time, actor })) })
  .meta({ id: 'WorkflowVersions' });

const version = z.coerce.number().int().min(1);

export const diffQuery = z.strictObject({ from: version, to: version });

export const rollbackBody = z
  .strictObject({ version: z.number().int().min(1) })
  .meta({ id: 'RollbackWorkflow' });

export const workflowDiffSchema = z
  .object({
    name: z.string(),
    from: z.number().int(),
    to: z.number().int(),
    changes: z.array(
      z.object({
        kind: z.enum(['added', 'removed', 'changed', 'moved']),
        step: z.string().nullable().meta({ description: 'null: a field of the workflow itself.' }),
        at: z.string().meta({ description: 'The list of steps it stands in, or the field.' }),
        fields: z.array(z.object({ field: z.string(), before: jsonValue, after: jsonValue })),
      }),
    ),
  })
  .meta({ id: 'WorkflowDiff' });

export type WorkflowDiff = z.infer<typeof workflowDiffSchema>;
export type SavedWorkflow = z.infer<typeof savedWorkflowSchema>;
export type WorkflowSummaryAnswer = z.infer<typeof workflowSummarySchema>;
export type WorkflowAnswer = z.infer<typeof workflowSchema>;
export type WorkflowList = z.infer<typeof workflowListSchema>;
export type WorkflowVersions = z.infer<typeof workflowVersionsSchema>;
