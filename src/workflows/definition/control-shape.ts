import { z } from 'zod';

/** The own fields of the steps that the engine itself walks, as they are written. */

const condition = z.union([z.string(), z.boolean()], { error: 'must be a condition' });
const steps = z.array(z.unknown(), { error: 'must be a list of steps' });
const duration = z.union([z.string(), z.number()], { error: 'must be a duration such as 10s or 5m' });
const whole = (least: number, most: number) =>
  z
    .int({ error: `must be a whole number from ${least} to ${most}` })
    .min(least)
    .max(most);

export const MOST_ITERATIONS = 10_000;
const DEFAULT_ITERATIONS = 100;

// biome-ignore lint/suspicious/noThenProperty: the definition's own word; nobody awaits a shape.
export const conditionShape = z.strictObject({ if: condition, then: steps, else: steps.optional() });

export const loopShape = z.strictObject({
  for_each: z.union([z.string(), z.array(z.unknown())], { error: 'must be a list' }).optional(),
  times: z.union([z.string(), whole(0, MOST_ITERATIONS)]).optional(),
  while: condition.optional(),
  max: whole(1, MOST_ITERATIONS).default(DEFAULT_ITERATIONS),
  as: z
    .string()
    .regex(/^[A-Za-z_][A-Za-z0-9_]{0,62}$/, { error: 'must be a name: letters, digits and _' })
    .optional(),
  steps,
});

export const parallelShape = z.strictObject({
  branches: z.record(z.string(), steps),
  wait: z
    .union([z.enum(['all', 'any']), z.int().min(1)], { error: 'must be all, any or a number' })
    .default('all'),
});

export const waitShape = z.strictObject({
  for: duration.optional(),
  until: z
    .union([z.string(), z.number()], { error: 'must be a time such as 2026-05-01T08:00:00+02:00' })
    .optional(),
  signal: z.string().min(1).optional(),
  event: z.string().optional(),
  where: condition.optional(),
  default: z.json().optional(),
});

export const runWorkflowShape = z.strictObject({
  workflow: z.string().min(1),
  input: z.json().optional(),
  wait: z.boolean().default(true),
});

/** Types of steps that no registered step type may take. */
export const CONTROL_TYPES: readonly string[] = ['condition', 'loop', 'parallel', 'wait', 'run_workflow'];
