import { z } from 'zod';

/** The static shapes of triggers; compile-triggers.ts checks what their fields mean together. */

const duration = z.union([z.string(), z.number()], { error: 'must be a duration such as 10s, 5m or 1h30m' });
const level = z.number({ error: 'must be a number' });
const scalar = z.union([z.boolean(), z.number(), z.string()], {
  error: 'must be true, false, a number or a text',
});

/** What every trigger but `manual` may have. */
const common = {
  enabled: z.boolean().optional(),
  when: z.string().optional(),
  input: z.json().optional(),
  debounce: z
    .union([duration, z.strictObject({ for: duration, max: duration.optional() })], {
      error: 'must be a duration, or {for, max}',
    })
    .optional(),
  throttle: duration.optional(),
};

const secretName = z.string().min(1).max(200);

export const triggerShape = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('manual') }),
  z.strictObject({
    type: z.literal('schedule'),
    cron: z.string().optional(),
    every: duration.optional(),
    timezone: z.string().optional(),
    missed: z.enum(['skip', 'once', 'all'], { error: 'must be skip, once or all' }).optional(),
    limit: z.int({ error: 'must be a whole number from 1 to 1000' }).min(1).max(1000).optional(),
    ...common,
  }),
  z.strictObject({ type: z.literal('mqtt'), topic: z.string(), ...common }),
  z.strictObject({ type: z.literal('event'), event: z.string(), ...common }),
  z.strictObject({
    type: z.literal('webhook'),
    name: z.string().optional(),
    secret: secretName.optional(),
    signature: z.enum(['standard', 'github'], { error: 'must be standard or github' }).optional(),
    token: secretName.optional(),
    token_sha256: z
      .string()
      .regex(/^[0-9a-f]{64}$/, 'must be 64 hexadecimal digits, from: printf %s TOKEN | sha256sum')
      .optional(),
    methods: z
      .array(z.enum(['POST', 'PUT', 'GET'], { error: 'must be POST, PUT or GET' }))
      .min(1)
      .max(3)
      .optional(),
    headers: z
      .array(z.string().regex(/^[A-Za-z0-9-]{1,100}$/, 'is no header name'))
      .max(20)
      .optional(),
    rate: z.int({ error: 'must be a whole number from 1 to 6000' }).min(1).max(6000).optional(),
    ...common,
  }),
  z.strictObject({
    type: z.literal('device'),
    device: z.string().min(1).max(200),
    to: z.union([scalar, z.array(scalar).min(1).max(20)]).optional(),
    from: z.union([scalar, z.array(scalar).min(1).max(20)]).optional(),
    above: level.optional(),
    below: level.optional(),
    hysteresis: level.min(0, 'must not be negative').optional(),
    stale: z.literal(true, { error: 'is written as true, or left out' }).optional(),
    for: duration.optional(),
    ...common,
  }),
  z.strictObject({ type: z.literal('startup'), ...common }),
  z.strictObject({
    type: z.literal('file'),
    folder: z.string().min(1).max(500),
    pattern: z.string().min(1).max(100).optional(),
    settle: duration.optional(),
    ...common,
  }),
  z.strictObject({
    type: z.literal('run'),
    workflow: z.string(),
    status: z
      .array(
        z.enum(['completed', 'failed', 'cancelled'], { error: 'must be completed, failed or cancelled' }),
      )
      .min(1)
      .max(3)
      .optional(),
    ...common,
  }),
]);

export const TRIGGER_TYPES: readonly string[] = triggerShape.options.map((option) => option.shape.type.value);
