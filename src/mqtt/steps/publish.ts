import { z } from 'zod';
import { type Json, toJsonText } from '#core/json.ts';
import { stepFields } from '#core/step-fields.ts';
import type { StepType } from '#workflows/port.ts';
import type { PublishPort } from '../port.ts';
import { topicFault } from '../topics.ts';

const LONGEST_KEY = 256;

const FIELDS = z.strictObject({
  topic: z.string().check((context) => {
    const fault = topicFault(context.value);
    if (fault) context.issues.push({ code: 'custom', message: fault, input: context.value });
  }),
  payload: z.unknown().optional(),
  qos: z.literal([0, 1, 2]).default(1),
  retain: z.boolean().default(false),
  key: z.string().min(1).max(LONGEST_KEY).optional(),
});

const OUTPUT = {
  type: 'object',
  properties: { topic: { type: 'string' }, bytes: { type: 'integer' } },
  required: ['topic', 'bytes'],
  additionalProperties: false,
} as const;

/**
 * `publish`: sends a message to the broker; the output is `{topic, bytes}` after the broker has taken it. An
 * object, list, number, boolean or null becomes JSON text, a string goes as it is, nothing is an empty message.
 *
 * `key` (or, without one, the step's own idempotency key) travels as the MQTT 5 user property
 * `idempotency-key`. If the power went while it was under way it is sent again only when that does no harm:
 * with a `key` that receivers know it by, or retained, where the last one counts.
 */
export function publishStep(publisher: PublishPort): StepType {
  const fields = stepFields(FIELDS);
  return {
    type: 'publish',
    check: (written) => fields.check(written),
    schema: fields.schema,
    output: OUTPUT,
    effect: 'write',
    pretend: ({ topic, payload }) => ({
      topic: topic as Json,
      bytes: Buffer.byteLength(payloadText(payload)),
    }),
    onInterrupt: ({ key, retain }) => (key !== undefined || retain === true ? 'retry' : 'fail'),
    async run(evaluated, context) {
      const { topic, payload, qos, retain, key = context.idempotencyKey } = fields.parse(evaluated);
      const text = payloadText(payload as Json | undefined);
      await publisher.publish(topic, text, { qos, retain, key }, context.signal);
      return { topic, bytes: Buffer.byteLength(text) };
    },
  };
}

function payloadText(payload: Json | undefined): string {
  if (payload === undefined) return '';
  return typeof payload === 'string' ? payload : toJsonText(payload);
}
