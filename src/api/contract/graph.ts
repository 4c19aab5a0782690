import { z } from 'zod';
import { runParams, runStatusSchema, stepSchema } from './run.ts';

export const graphQuery = z.strictObject({
  format: z.enum(['json', 'mermaid']).default('json'),
  version: z.coerce.number().int().min(1).optional().meta({ description: 'Absent: the newest.' }),
});

export const runGraphQuery = graphQuery.omit({ version: true });

export const stepParams = runParams.extend({
  path: z.string().min(1).max(1000).meta({ description: 'Of the step, percent-encoded: `each%2F2%2Ftell`.' }),
});

const stepStatus = stepSchema.shape.status;

const nodeSchema = z.object({
  id: z.string().meta({ description: 'The id of the step, or `(start)` or `(end)`.' }),
  type: z.string(),
  name: z.string().optional(),
  parent: z.string().optional().meta({ description: 'The step it lies in.' }),
  part: z.string().optional().meta({ description: 'In which part of that: `then`, `left`, `on_error`.' }),
  state: z
    .object({
      status: stepStatus,
      counts: z.partialRecord(stepStatus, z.number().int()),
      attempts: z.number().int(),
    })
    .optional()
    .meta({ description: 'In the graph of a run, when it has begun; loops begin a step several times.' }),
});

const edgeSchema = z.object({
  from: z.string(),
  to: z.string(),
  label: z.string().optional(),
  kind: z.enum(['next', 'error', 'undo', 'back']).meta({
    description: 'error: taken when `from` fails; undo: when the run fails later; back: the next round.',
  }),
});

export const graphSchema = z
  .object({
    workflow: z.string(),
    version: z.number().int(),
    run: z.object({ id: z.string(), status: runStatusSchema }).optional(),
    nodes: z.array(nodeSchema),
    edges: z.array(edgeSchema),
  })
  .meta({ id: 'WorkflowGraph' });

export type GraphAnswer = z.infer<typeof graphSchema>;
