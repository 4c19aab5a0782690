import { z } from 'zod';
import { stepFields } from '#core/step-fields.ts';
import type { StepType } from '#workflows/port.ts';
import type { DevicesPort } from '../port.ts';

const fields = stepFields(z.strictObject({ device: z.string().min(1).max(64) }));

const OUTPUT = {
  type: 'object',
  properties: {
    value: {},
    unit: { type: ['string', 'null'] },
    quality: { enum: ['good', 'stale', 'fault'] },
    at: { type: 'string', format: 'date-time' },
  },
  required: ['value', 'unit', 'quality', 'at'],
  additionalProperties: false,
} as const;

/** `device_read`: reads a device now. Output: `{value, unit, quality, at}`, `at` in ISO 8601. */
export function deviceReadStep(devices: Pick<DevicesPort, 'read'>): StepType {
  return {
    type: 'device_read',
    check: fields.check,
    schema: fields.schema,
    output: OUTPUT,
    effect: 'read',
    // Only the case can say what a sensor sees.
    pretend: () => undefined,
    onInterrupt: () => 'retry',
    async run(given, context) {
      const { device } = fields.parse(given);
      const { value, unit, quality, at } = await devices.read(device, context.signal);
      return { value, unit: unit ?? null, quality, at: new Date(at).toISOString() };
    },
  };
}
