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

const scalar = z.union([z.string(), z.number(), z.boolean(), z.null()]);

export const switchShape = z.strictObject({
  value: z.json().optional(),
  cases: z
    .array(
      z.strictObject({
        when: z.union([scalar, z.array(scalar).min(1)], {
          error: 'must be a value, a list of values, or a condition in {{ }}',
        }),
        steps,
      }),
      { error: 'must be a list of cases, each with when and steps' },
    )
    .min(1, { error: 'a switch needs at least one case' })
    .max(100),
  default: steps.optional(),
});

export const setShape = z.strictObject({
  vars: z.record(
    z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,62}$/, { error: 'must be a name: letters, digits and _' }),
    z.json(),
    {
      error: ({ code }) =>
        code === 'invalid_key'
          ? 'must be a name: letters, digits and _'
          : 'must be a map of names and values',
    },
  ),
});

export const tryShape = z.strictObject({
  steps,
  catch: steps.optional(),
  finally: steps.optional(),
  grace: duration.default('1m'),
});

export const approvalShape = z.strictObject({
  title: z.string({ error: 'must be a text' }).min(1).max(2000),
  body: z.string({ error: 'must be a text' }).max(10_000).optional(),
  roles: z.array(z.string().min(1).max(63), { error: 'must be a list of roles' }).min(1).max(50).optional(),
  anyone: z.literal(true, { error: 'must be true, or name the roles' }).optional(),
  deadline: duration.optional(),
  default: z.enum(['approve', 'reject'], { error: 'must be approve or reject' }).optional(),
});

/** Types of steps that no registered step type may take. */
export const CONTROL_TYPES: readonly string[] = [
  ...['condition', 'switch', 'loop', 'parallel', 'try', 'wait', 'approval', 'set', 'run_workflow'],
];
