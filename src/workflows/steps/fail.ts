import { z } from 'zod';
import { RetryableError, TerminalError } from '#core/errors.ts';
import { stepFields } from '#core/step-fields.ts';
import type { StepType } from '../port.ts';

const CODE = 'must be small letters, digits, _ and -, with dots between, such as order.rejected';

const fields = stepFields(
  z.strictObject({
    code: z
      .string()
      .regex(/^(?=.{1,64}$)[a-z][a-z0-9_-]*(\.[a-z0-9][a-z0-9_-]*)*$/, { error: CODE })
      .default('step.fail'),
    message: z.string().min(1).max(2000),
    hint: z.string().min(1).max(2000).optional(),
    retryable: z.boolean().default(false),
  }),
);

/** `fail`: fails with an error of one's own. A retryable one is tried again by the step's own `retry`. */
export const failStep: StepType = {
  type: 'fail',
  check: fields.check,
  schema: fields.schema,
  output: { type: 'null' },
  effect: 'none',
  onInterrupt: () => 'retry',
  run: async (given) => {
    const { code, message, hint, retryable } = fields.parse(given);
    throw retryable
      ? new RetryableError(code, message, { hint })
      : new TerminalError('failed', code, message, { hint });
  },
};
