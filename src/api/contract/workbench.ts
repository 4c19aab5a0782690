import { z } from 'zod';
import { errorRecordSchema } from './error-record.ts';
import { jsonValue } from './json-value.ts';
import { faultSchema } from './problem.ts';
import { runStatusSchema, stepSchema } from './run.ts';

export const checkSchema = z
  .object({
    name: z.string().nullable().meta({ description: "The workflow's name, when it can be read." }),
    ok: z.boolean().meta({ description: 'No errors; there may be warnings.' }),
    problems: z.array(faultSchema.extend({ severity: z.enum(['error', 'warning']) })),
  })
  .meta({ id: 'Check' });

export const testBody = z
  .strictObject({
    source: z.string().meta({ description: 'The definition.' }),
    source_type: z.enum(['yaml', 'json']).default('yaml'),
    case: jsonValue
      .optional()
      .meta({ description: 'input, trigger, at, given, expect: docs/testing-workflows.md.' }),
  })
  .meta({ id: 'WorkflowTest' });

const since = z.number().meta({ description: 'Milliseconds since the run began, on a clock that jumps.' });

export const trialSchema = z
  .object({
    workflow: z.string(),
    passed: z.boolean().nullable().meta({ description: 'null when the case expects nothing.' }),
    differences: z.array(
      z.object({ path: z.string(), expected: jsonValue.optional(), got: jsonValue.optional() }),
    ),
    status: runStatusSchema,
    output: jsonValue,
    error: z.union([errorRecordSchema, z.null()]),
    took_ms: since,
    effects: z.array(
      z.object({
        at_ms: since,
        step: z.string(),
        type: z.string(),
        attempt: z.number().int(),
        fields: z.looseObject({}),
        failed: z.boolean().optional(),
      }),
    ),
    steps: z.array(
      stepSchema.omit({ history: true, started_at: true, ended_at: true }).extend({
        started_ms: since,
        ended_ms: since.nullable(),
      }),
    ),
    notes: z.array(z.string()),
  })
  .meta({ id: 'Trial' });

export const trialCaseSchema = z
  .looseObject({ workflow: z.string(), version: z.number(), definition: z.string() })
  .meta({ id: 'TrialCase', description: 'A recorded run as a case for POST /workflows/test.' });

export const templateListSchema = z
  .object({
    templates: z.array(
      z.object({
        name: z.string(),
        description: z.string(),
        parameters: z.array(
          z.object({
            name: z.string(),
            type: z.string(),
            description: z.string(),
            default: z
              .union([z.string(), z.number()])
              .optional()
              .meta({ description: 'Absent: it must be given.' }),
            unit: z.string().optional(),
            choices: z.array(z.string()).optional(),
            minimum: z.number().optional(),
            maximum: z.number().optional(),
          }),
        ),
      }),
    ),
  })
  .meta({ id: 'TemplateList' });

export const templateParams = z.object({ name: z.string().min(1).max(100) });
export const renderBody = z
  .strictObject({ values: z.record(z.string(), jsonValue).default({}) })
  .meta({ id: 'TemplateValues' });
export const renderedSchema = z.object({ source: z.string() }).meta({ id: 'RenderedTemplate' });

export const translateBody = z
  .strictObject({ from: z.enum(['n8n', 'node-red']), file: jsonValue })
  .meta({ id: 'ForeignWorkflow' });

export const translationSchema = z
  .object({
    workflows: z.array(z.object({ name: z.string(), source: z.string() })),
    nodes: z.number().int(),
    translated: z.number().int().meta({ description: 'Nodes that have an equal here.' }),
    notes: z
      .array(z.object({ node: z.string(), type: z.string(), message: z.string() }))
      .meta({ description: 'What was left out, guessed, or has to be filled in.' }),
  })
  .meta({ id: 'Translation' });

export type CheckAnswer = z.infer<typeof checkSchema>;
export type TrialAnswer = z.infer<typeof trialSchema>;
export type TrialCaseAnswer = z.infer<typeof trialCaseSchema>;
export type TemplateList = z.infer<typeof templateListSchema>;
export type RenderedTemplate = z.infer<typeof renderedSchema>;
export type TranslationAnswer = z.infer<typeof translationSchema>;
export type WorkflowTestBody = z.input<typeof testBody>;
