import { z } from 'zod';
import { TerminalError } from '#core/errors.ts';
import type { Json, JsonObject } from '#core/json.ts';

/** What a trial is given, and what it is to show. The shape of `--expect` files and of `chainbot runs export`. */

const name = z.string().min(1).max(300);
const object = z.record(z.string(), z.json());
const duration = z.union([z.string(), z.number()]);

const failure = z.strictObject({
  code: z.string().max(100).default('trial.failed'),
  message: z.string().max(2000).default('the case says that this fails'),
  retryable: z.boolean().default(false),
});

/** What a step or a workflow answers once. */
const answer = z.union([z.strictObject({ output: z.json() }), z.strictObject({ error: failure })], {
  error: 'must be {output: …} or {error: {code, message, retryable}}, or a list of these',
});
const answers = z.union([answer, z.array(answer).min(1).max(1000)], {
  error: 'must be {output: …} or {error: {code, message, retryable}}, or a list of these',
});

const scalar = z.union([z.boolean(), z.number(), z.string(), z.strictObject({ fault: z.string() })], {
  error: 'must be a value, {fault: …}, or a list of these',
});

const given = z.strictObject({
  /** What `device_read` reads: a value, or one after the other; the last one stays. */
  devices: z.record(name, z.union([scalar, z.array(scalar).min(1).max(10_000)])).default({}),
  /** Answers of steps, by path (`each/0/fetch`) or id. */
  steps: z.record(name, answers).default({}),
  /** Answers of workflows that run_workflow starts; others run for real when they are stored. */
  workflows: z.record(name, answers).default({}),
  /** Without `after` each comes when nothing else is left to do but to let time pass. */
  signals: z
    .array(z.strictObject({ name, payload: z.json().default(null), after: duration.optional() }))
    .max(1000)
    .default([]),
  /** Answers of people, by the path or the id of the approval. */
  approvals: z
    .array(
      z.strictObject({
        step: name,
        approve: z.boolean(),
        comment: z.string().nullable().default(null),
        after: duration.optional(),
      }),
    )
    .max(1000)
    .default([]),
  events: z
    .array(
      z.strictObject({
        type: name,
        subject: z.string().max(300).default(''),
        data: object.default({}),
        after: duration.optional(),
      }),
    )
    .max(1000)
    .default([]),
});

const expected = z.strictObject({
  status: z.enum(['completed', 'failed', 'cancelled', 'waiting', 'paused']).optional(),
  output: z.json().optional(),
  /** Parts of the error. */
  error: object.optional(),
  /** Parts of each effect, in their order; all of them. */
  effects: z.array(object).max(5000).optional(),
});

export const trialCaseShape = z.strictObject({
  /** Where it was exported from; for people. */
  workflow: z.string().optional(),
  version: z.number().optional(),
  description: z.string().optional(),
  /** The definition's text, when the case carries it. */
  definition: z.string().optional(),
  input: z.json().optional(),
  trigger: object.optional(),
  /** When it begins, ISO 8601; else now. */
  at: z.iso.datetime({ offset: true }).optional(),
  given: given.prefault({}),
  expect: expected.optional(),
});

export type TrialCase = z.infer<typeof trialCaseShape>;
export type Given = TrialCase['given'];
export type Answer = z.infer<typeof answer>;
export type DeviceAnswer = z.infer<typeof scalar>;
export type Expected = z.infer<typeof expected>;

/** @throws TerminalError `trial.case_invalid` with every fault */
export function readTrialCase(value: Json): TrialCase {
  const result = trialCaseShape.safeParse(value);
  if (result.success) return result.data;
  const faults = result.error.issues.map(({ path, message }) => ({
    path: path.map(String).join('.'),
    message,
  }));
  const first = faults[0] as { path: string; message: string };
  throw new TerminalError('invalid', 'trial.case_invalid', `the case: ${first.path}: ${first.message}`, {
    hint: 'A case has input, trigger, at, given and expect; see docs/testing-workflows.md.',
    faults,
  });
}

/** Something that a step would have done to the world. */
export interface Effect {
  /** Milliseconds since the run began. */
  readonly at: number;
  /** The step's path; those of runs it started have the workflow before: `other:tell`. */
  readonly step: string;
  readonly type: string;
  readonly attempt: number;
  readonly fields: JsonObject;
  /** The case made it fail. */
  readonly failed?: boolean | undefined;
}
