import { z } from 'zod';
import { stepFields } from '#core/step-fields.ts';
import type { StepType } from '../port.ts';

const fields = stepFields(
  z.strictObject({
    message: z.string().min(1).max(10_000),
    level: z.enum(['debug', 'info', 'warn', 'error']).default('info'),
    fields: z.record(z.string().max(63), z.json()).default({}),
  }),
);

const OUTPUT = {
  type: 'object',
  properties: { level: { type: 'string' }, message: { type: 'string' }, fields: { type: 'object' } },
  required: ['level', 'message', 'fields'],
  additionalProperties: false,
} as const;

/**
 * `log`: a line in the daemon's log, with the ids of run and step. `fields` stand below one name, so that they
 * cannot pass for the log's own. The line is the output.
 */
export const logStep: StepType = {
  type: 'log',
  check: fields.check,
  schema: fields.schema,
  output: OUTPUT,
  effect: 'none',
  onInterrupt: () => 'retry',
  run: async (given, context) => {
    const line = fields.parse(given);
    context.log[line.level]({ fields: line.fields }, line.message);
    return line;
  },
};
