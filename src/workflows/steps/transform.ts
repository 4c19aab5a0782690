import { z } from 'zod';
import type { JsonObject } from '#core/json.ts';
import { stepFields } from '#core/step-fields.ts';
import type { StepType } from '../port.ts';

const fields = stepFields(z.strictObject({ value: z.json() }));

/** `{id: x, type: transform, value: …}`: the value, evaluated, is the output. Running it twice does no harm. */
export const transformStep: StepType = {
  type: 'transform',
  check: fields.check,
  schema: fields.schema,
  effect: 'none',
  onInterrupt: () => 'retry',
  run: async ({ value }: JsonObject) => value,
};
