import { z } from 'zod';
import { parseDuration } from '#core/duration.ts';
import { stepFields } from '#core/step-fields.ts';
import type { StepType } from '#workflows/port.ts';
import type { DevicesPort } from '../port.ts';

const pulse = z.union([z.string(), z.number()]).superRefine((text, context) => {
  try {
    parseDuration(text);
  } catch {
    context.addIssue({ code: 'custom', message: 'is not a duration: write 10s, 5m or 1h30m' });
  }
});

const fields = stepFields(
  z.strictObject({
    device: z.string().min(1).max(64),
    value: z.union([z.boolean(), z.number(), z.string()], 'must be true, false, a number or text'),
    pulse_for: pulse.optional(),
  }),
);

const OUTPUT = {
  type: 'object',
  properties: { value: {}, at: { type: 'string', format: 'date-time' } },
  required: ['value', 'at'],
  additionalProperties: false,
} as const;

/**
 * `device_write`: sets a device; with `pulse_for` it goes back to its safe value by itself after that long.
 * Output: `{value, at}` as reported afterwards. Setting is done again after a power cut, a pulse is not.
 */
export function deviceWriteStep(devices: Pick<DevicesPort, 'write'>): StepType {
  return {
    type: 'device_write',
    check: fields.check,
    schema: fields.schema,
    output: OUTPUT,
    effect: 'write',
    pretend: ({ value }) => ({ value: value ?? null, at: '2026-01-01T00:00:00.000Z' }),
    onInterrupt: (given) => (given.pulse_for === undefined ? 'retry' : 'fail'),
    async run(given, context) {
      const { device, value, pulse_for } = fields.parse(given);
      const write = {
        value,
        actor: context.actor,
        key: context.idempotencyKey,
        pulseMs: pulse_for === undefined ? undefined : parseDuration(pulse_for),
      };
      const reading = await devices.write(device, write, context.signal);
      return { value: reading.value, at: new Date(reading.at).toISOString() };
    },
  };
}
