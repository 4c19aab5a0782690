import { z } from 'zod';
import { parseDuration } from '#core/duration.ts';

/**
 * What a person declares about a device in `devices:`. The hardware room turns it into a live device; it
 * knows no zod, and config knows no driver beyond what is written here.
 */

/** Which simulated quantities make sense for which kind of device. */
const QUANTITIES = {
  sensor: ['temperature', 'humidity', 'soil_moisture'],
  binary_sensor: ['contact'],
  switch: ['fan', 'pump'],
  button: ['button'],
} as const satisfies Record<string, readonly string[]>;

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
    every: duration().optional().describe('How often a sensor reports.'),
  })
  .describe('How the simulator plays this device.');

const declaredDevice = z
  .strictObject({
    name: z.string().min(1).max(100).describe('What people call it.'),
    driver: z.literal('simulator').describe('What talks to it.'),
    kind: z.enum(['sensor', 'binary_sensor', 'switch', 'button']).describe('What it can do.'),
    unit: z.string().min(1).max(20).optional().describe('UCUM unit of a sensor: Cel, %, lx …'),
    area: z.string().min(1).max(100).optional().describe('Where it stands.'),
    safe: z
      .union([z.boolean(), z.number()])
      .optional()
      .describe('Where a switch goes when nobody minds it; off unless written.'),
    min: z.number().optional().describe('The lowest believable reading.'),
    max: z.number().optional().describe('The highest believable reading.'),
    simulate: simulate.optional(),
  })
  .superRefine((device, context) => {
    for (const [path, message] of contradictionsOf(device)) {
      context.addIssue({ code: 'custom', path: [...path], message });
    }
  });

type Contradiction = readonly [path: readonly string[], message: string];

function* contradictionsOf(device: {
  kind: keyof typeof QUANTITIES;
  safe?: unknown;
  min?: number | undefined;
  max?: number | undefined;
  simulate?: { quantity: string; initial?: number | boolean | undefined } | undefined;
}): Generator<Contradiction> {
  const { kind, min, max, simulate: sim } = device;
  if (min !== undefined && max !== undefined && min >= max) {
    yield [['min'], `min (${min}) must be below max (${max})`];
  }
  if (kind !== 'sensor' && (min !== undefined || max !== undefined)) {
    yield [[min === undefined ? 'max' : 'min'], `a ${kind} has no range: take min and max away`];
  }
  if (kind !== 'switch' && device.safe !== undefined) {
    yield [['safe'], `only a switch has a safe state, and this is a ${kind}: take it away`];
  }
  if (sim === undefined) return;
  const fitting: readonly string[] = QUANTITIES[kind];
  if (!fitting.includes(sim.quantity)) {
    yield [['simulate', 'quantity'], `a ${kind} can simulate: ${fitting.join(', ')}`];
  }
  if (sim.initial !== undefined && (typeof sim.initial === 'number') !== (kind === 'sensor')) {
    yield [['simulate', 'initial'], kind === 'sensor' ? 'must be a number' : 'must be true or false'];
  }
}

/** `devices:`, id → declaration. An id is part of topics, URLs and expressions, so it is plain. */
export const declaredDevices = z.record(
  z
    .string()
    .regex(/^[a-z][a-z0-9_]{0,62}$/, 'a device id is lower-case letters, digits and _, at most 63 of them'),
  declaredDevice,
);

export type DeclaredDevice = z.output<typeof declaredDevice>;
