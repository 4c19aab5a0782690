import { z } from 'zod';
import type { Json } from '#core/json.ts';

/**
 * Any JSON value. It is not walked: what comes here was read by JSON.parse, so it is JSON already, and a
 * recursive schema would cost more than everything else in a request.
 */
export const jsonValue = z.unknown().meta({ description: 'Any JSON value.' }) as unknown as z.ZodType<Json>;

/** RFC 3339, UTC, milliseconds: `2026-03-01T08:15:30.250Z`. */
export const time = z.string().meta({ format: 'date-time' });

/** The whole appliance speaks of who did something as `kind:id` (`token:0192…`, `socket:local`). */
export const actor = z.string().meta({ description: 'Who did it, as `kind:id`.' });

/** `?limit=` of a list, bounded so that no answer grows without end. */
export function limit(most: number, usual: number): z.ZodType<number> {
  return z.coerce
    .number()
    .int()
    .min(1)
    .max(most)
    .default(usual)
    .meta({ description: `At most ${most}.` });
}
