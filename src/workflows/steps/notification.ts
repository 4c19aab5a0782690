import { z } from 'zod';
import { eventRow } from '#bus/event-row.ts';
import { actorText } from '#core/actor.ts';
import { TerminalError } from '#core/errors.ts';
import { idFrom } from '#core/ids.ts';
import { stepFields } from '#core/step-fields.ts';
import type { ReaderPort, WriterPort } from '#store/port.ts';
import { Unit } from '#store/unit.ts';
import { insertNotification, notificationById, openNotificationByKey } from '../notifications-table.ts';
import type { StepContext, StepType } from '../port.ts';

const fields = stepFields(
  z.strictObject({
    title: z.string().min(1).max(200),
    body: z.string().max(4000).default(''),
    severity: z.enum(['info', 'warning', 'error', 'critical']).default('info'),
    key: z.string().min(1).max(200).optional(),
  }),
);

type Fields = ReturnType<typeof fields.parse>;

const OUTPUT = {
  type: 'object',
  properties: { id: { type: 'string' }, created: { type: 'boolean' } },
  required: ['id', 'created'],
  additionalProperties: false,
} as const;

/**
 * `notification`: tells the people of this appliance something. Output: `{id, created}`; `created` is false
 * when an unacknowledged notification has the same `key`, or when this step had already made its own.
 */
export function notificationStep(reader: ReaderPort, writer: WriterPort): StepType {
  return {
    type: 'notification',
    check: fields.check,
    schema: fields.schema,
    output: OUTPUT,
    effect: 'write',
    pretend: () => ({ id: '00000000-0000-8000-8000-000000000000', created: true }),
    onInterrupt: () => 'retry',
    async run(given, context) {
      const told = fields.parse(given);
      const id = idFrom(context.idempotencyKey);
      const known = standing(reader, id, told.key);
      if (known !== undefined) return { id: known, created: false };
      try {
        await writer.commit(unitOf(id, told, context));
        return { id, created: true };
      } catch (error) {
        const other = isDuplicate(error) ? standing(reader, id, told.key) : undefined;
        if (other === undefined) throw error;
        return { id: other, created: false };
      }
    },
  };
}

function standing(reader: ReaderPort, id: string, key: string | undefined): string | undefined {
  const own = reader.get(notificationById, { id });
  if (own) return own.id;
  return key === undefined ? undefined : reader.get(openNotificationByKey, { key })?.id;
}

function unitOf(id: string, { title, body, severity, key }: Fields, context: StepContext): Unit {
  const at = context.clock.now();
  const row = { id, key: key ?? null, severity, title, body, run: context.runId, targets: '["panel"]', at };
  const data = { id, severity, title, body };
  const actor = actorText(context.actor);
  return new Unit()
    .add(insertNotification, row, 1)
    .event(eventRow('chainbot.notification.created', `notification/${id}`, actor, data, at));
}

/** Somebody was faster: the unique id or the unique open key refused ours. */
function isDuplicate(error: unknown): boolean {
  return error instanceof TerminalError && error.code === 'store.constraint';
}
