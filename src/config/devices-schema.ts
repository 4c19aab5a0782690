import { z } from 'zod';
import { parseDuration } from '#core/duration.ts';

/**
 * The shape of what a person declares about a device in `devices:`. What makes sense together (a switch with
 * a safe state, a simulated fan that is a switch) is for the hardware room to say: see LoadOptions.checks.
 */

/** A length of time as people write it (`10s`, `5m`, `1h30m`, `2d`); a bare number means seconds. */
export const duration = () =>
  z
    .union([z.number(), z.string()])
    .refine(isDuration, 'is not a duration: write a number and a unit, like 250ms, 10s, 5m, 1h30m or 2d');

function isDuration(value: string | number): boolean {
  try {
    parseDuration(value);
    return true;
  } catch {
    return false;
  }
}

const simulate = z
  .strictObject({
    quantity: z
      .enum(['temperature', 'humidity', 'soil_moisture', 'fan', 'pump', 'button', 'contact'])
      .describe('What the simulated thing is: it decides the physics.'),
    initial: z
      .union([z.number(), z.boolean()])
      .optional()
      .describe('The value at the first start; true is on, open or pressed.'),
    every: duration().optional().describe('How often it is sampled.'),
  })
  .describe('How the simulator plays this device.');

const declaredDevice = z.strictObject({
  name: z.string().min(1).max(100).optional().describe('What people call it; the id when absent.'),
  driver: z.literal('simulator').describe('What talks to it.'),
  kind: z.enum(['sensor', 'binary_sensor', 'switch', 'button']).describe('What it can do.'),
  unit: z.string().min(1).max(20).optional().describe('UCUM unit of a sensor: Cel, %, lx …'),
  area: z.string().min(1).max(100).optional().describe('Where it stands.'),
  safe: z
    .union([z.boolean(), z.number()])
    .optional()
    .describe('Where a switch goes when nobody minds it; off when absent. A number makes it a dimmer.'),
  min: z.number().optional().describe('The lowest believable reading, or the lower end of a dimmer.'),
  max: z.number().optional().describe('The highest believable reading, or the upper end of a dimmer.'),
  simulate: simulate.optional(),
});

/** `devices:`, id → declaration. An id is part of topics, URLs and expressions, so it is plain. */
export const declaredDevices = z.record(
  z
    .string()
    .regex(/^[a-z][a-z0-9_]{0,62}$/, 'a device id is lower-case letters, digits and _, at most 63 of them'),
  declaredDevice,
);

export type DeclaredDevice = z.output<typeof declaredDevice>;
