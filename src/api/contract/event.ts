import { z } from 'zod';
import { actor, jsonValue, limit, time } from './json-value.ts';
import { problemSchema } from './problem.ts';

/** CloudEvents 1.0 in structured JSON, with the log's extension attributes seq, epoch and actor. */
export const cloudEventSchema = z
  .object({
    specversion: z.literal('1.0'),
    id: z.string().meta({ description: '`<epoch>-<seq>`, unique for ever; also the SSE id.' }),
    source: z.string(),
    type: z.string(),
    subject: z.string().optional(),
    time,
    datacontenttype: z.literal('application/json'),
    data: z.record(z.string(), jsonValue),
    actor,
    seq: z.number().int(),
    epoch: z.string(),
  })
  .meta({ id: 'CloudEvent' });

export const eventsQuery = z.strictObject({
  after: z.coerce.number().int().min(0).optional().meta({
    description:
      'Events after this sequence number, oldest first; 0 is the oldest kept. Absent: the newest page, or for a stream from now on.',
  }),
  before: z.coerce
    .number()
    .int()
    .min(1)
    .optional()
    .meta({ description: 'The page before this one. Not for streams.' }),
  limit: limit(1000, 100),
  type: z
    .string()
    .max(1000)
    .optional()
    .meta({ description: 'Types with commas between; a trailing `*` is a prefix: `chainbot.workflow.*`.' }),
  subject: z.string().max(300).optional().meta({ description: '`run/0192…`, `device/pump`.' }),
});

export const eventPageSchema = z
  .object({
    events: z.array(cloudEventSchema).meta({ description: 'Oldest first.' }),
    next: z.number().int().meta({ description: '`after` of the next page.' }),
    head: z.number().int().meta({ description: 'The last sequence number written.' }),
    tail: z.number().int().meta({ description: 'The first one still kept.' }),
    epoch: z.string(),
  })
  .meta({ id: 'EventPage' });

/** What a WebSocket client sends once, after it connected. */
export const subscribeSchema = z
  .strictObject({
    type: z.literal('subscribe'),
    after: z.number().int().min(0).nullable().optional(),
    epoch: z
      .string()
      .max(100)
      .optional()
      .meta({ description: "The epoch that `after` is of; another one is answered with 'gone'." }),
    types: z.array(z.string().min(1).max(200)).max(50).optional(),
    subject: z.string().max(300).optional(),
  })
  .meta({ id: 'Subscribe' });

/** What the WebSocket server sends. */
export const serverFrameSchema = z
  .discriminatedUnion('type', [
    z.object({ type: z.literal('subscribed'), after: z.number().int(), epoch: z.string() }),
    z.object({ type: z.literal('event'), event: cloudEventSchema }),
    z.object({ type: z.literal('error'), problem: problemSchema }),
  ])
  .meta({ id: 'ServerFrame' });

export type CloudEventAnswer = z.infer<typeof cloudEventSchema>;
export type EventPage = z.infer<typeof eventPageSchema>;
export type Subscribe = z.infer<typeof subscribeSchema>;
export type ServerFrame = z.infer<typeof serverFrameSchema>;
