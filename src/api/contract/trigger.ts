import { z } from 'zod';
import { time } from './json-value.ts';
import { clockSchema } from './module.ts';

export const triggerSchema = z
  .object({
    workflow: z.string(),
    index: z.number().int().meta({ description: "Its place in the definition's triggers, from 0." }),
    type: z.string(),
    definition: z.looseObject({ type: z.string() }),
    enabled: z.boolean(),
    next: time.nullable().meta({ description: 'When it fires next, where that is known.' }),
    last_fired: time.nullable(),
    held: z.string().nullable().meta({ description: 'Why it can not fire now.' }),
    pending_until: time.nullable().meta({ description: 'It waits out its debounce.' }),
  })
  .meta({ id: 'Trigger' });

export const triggerListSchema = z
  .object({ clock: clockSchema, triggers: z.array(triggerSchema) })
  .meta({ id: 'TriggerList' });

export const hookParams = z.object({
  name: z
    .string()
    .min(1)
    .max(63)
    .meta({ description: "The trigger's `name`, or the workflow's where it has none." }),
});

export const hookAnswerSchema = z
  .object({
    id: z.string().meta({ description: 'Of the delivery: the same again starts nothing.' }),
    duplicate: z.boolean(),
  })
  .meta({ id: 'HookAnswer' });

export type TriggerAnswer = z.infer<typeof triggerSchema>;
export type TriggerList = z.infer<typeof triggerListSchema>;
export type HookAnswer = z.infer<typeof hookAnswerSchema>;
