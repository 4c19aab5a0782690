import { z } from 'zod';
import { time } from './json-value.ts';

/** How well the daemon is. Scores run from 0.0 to 1.0; the module's is the weighted sum of its parts'. */
export const healthSchema = z
  .object({
    status: z.enum(['ok', 'degraded', 'failed']),
    score: z.number(),
    parts: z.array(
      z.object({
        name: z.string(),
        score: z.number(),
        weight: z.number(),
        reasons: z.array(z.string()),
        remedies: z.array(z.string()),
      }),
    ),
  })
  .meta({ id: 'Health' });

/** May the wall clock be believed? Schedules wait while it is held. */
export const clockSchema = z
  .object({
    state: z.enum(['held', 'trusted', 'estimated']),
    source: z.string().nullable().meta({ description: 'Who says that it is right.' }),
  })
  .meta({ id: 'Clock' });

export const infoSchema = z
  .object({
    name: z.literal('chainbot'),
    version: z.string(),
    device_id: z.string(),
    started_at: time,
    pid: z.number().int(),
    node: z.string(),
    api: z.object({
      url: z.string().nullable().meta({ description: '`http://127.0.0.1:8000`' }),
      socket: z.string().nullable(),
    }),
    mqtt: z
      .object({
        mode: z.enum(['embedded', 'external']),
        connected: z.boolean(),
        url: z.string(),
        base_topic: z.string(),
        backlog: z.number().int().meta({ description: 'Events that the broker has not taken yet.' }),
      })
      .nullable(),
    clock: clockSchema,
    database: z.object({ path: z.string(), schema_version: z.number().int() }),
  })
  .meta({ id: 'Info' });

export type HealthAnswer = z.infer<typeof healthSchema>;
export type ClockAnswer = z.infer<typeof clockSchema>;
export type InfoAnswer = z.infer<typeof infoSchema>;
