import { z } from 'zod';
import { jsonValue, limit, time } from './json-value.ts';

export const deviceParams = z.object({
  id: z.string().min(1).max(200).meta({ description: "The device's id." }),
});

const deviceValue = z.union([z.boolean(), z.number(), z.string().max(1000)]);
const quality = z.enum(['good', 'stale', 'fault']);

export const deviceSchema = z
  .object({
    id: z.string(),
    name: z.string(),
    driver: z.string(),
    kind: z.enum(['sensor', 'binary_sensor', 'switch', 'button']),
    unit: z.string().nullable().meta({ description: 'UCUM: `Cel`, `%`; null for booleans.' }),
    area: z.string().nullable(),
    writable: z.boolean(),
    safe: deviceValue.nullable().meta({ description: 'Where it goes when nobody minds it.' }),
    reported: deviceValue.nullable(),
    reported_at: time.nullable(),
    quality,
    desired: deviceValue.nullable(),
  })
  .meta({ id: 'Device' });

export const deviceListSchema = z.object({ devices: z.array(deviceSchema) }).meta({ id: 'DeviceList' });

export const readingSchema = z
  .object({
    device: z.string(),
    value: deviceValue,
    quality,
    at: time,
    unit: z.string().nullable(),
  })
  .meta({ id: 'Reading' });

export const deviceWriteBody = z
  .strictObject({
    value: deviceValue,
    pulse_for: z
      .union([z.string().max(50), z.number()])
      .optional()
      .meta({
        description: 'Then back to its safe value after this duration: `5s`, `10m`, seconds as a number.',
      }),
  })
  .meta({ id: 'DeviceWrite' });

export const simulateBody = z.strictObject({ value: jsonValue }).meta({ id: 'Simulate' });

export const historyQuery = z.strictObject({
  from: z.iso
    .datetime({ offset: true })
    .optional()
    .meta({ description: 'RFC 3339; absent: 24 h before `to`.' }),
  to: z.iso.datetime({ offset: true }).optional().meta({ description: 'RFC 3339; absent: now.' }),
  limit: limit(10_000, 1000),
});

export const historySchema = z
  .object({
    device: z.string(),
    from: time,
    to: time,
    readings: z
      .array(z.object({ at: time, value: z.union([z.number(), z.string()]), quality: z.string() }))
      .meta({ description: 'Newest first; true is 1.' }),
  })
  .meta({ id: 'History' });

export type DeviceAnswer = z.infer<typeof deviceSchema>;
export type DeviceList = z.infer<typeof deviceListSchema>;
export type ReadingAnswer = z.infer<typeof readingSchema>;
export type DeviceWriteBody = z.infer<typeof deviceWriteBody>;
export type HistoryAnswer = z.infer<typeof historySchema>;
