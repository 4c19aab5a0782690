import { z } from 'zod';
import { eventRow } from '#bus/event-row.ts';
import { actorText } from '#core/actor.ts';
import { type ErrorRecord, errorRecord, RetryableError, TerminalError } from '#core/errors.ts';
import { idFrom } from '#core/ids.ts';
import type { Json, JsonObject } from '#core/json.ts';
import { type FieldFault, stepFields } from '#core/step-fields.ts';
import type { ReaderPort, WriterPort } from '#store/port.ts';
import { Unit } from '#store/unit.ts';
import { hasExpression } from '../expressions/scan.ts';
import { NotificationChannels, type NotificationTarget, PANEL, readTarget } from '../notification-targets.ts';
import { insertNotification, notificationById, openNotificationByKey } from '../notifications-table.ts';
import type { Notice, StepContext, StepType } from '../port.ts';

const MOST_TARGETS = 20;

const target = z.union(
  [z.string().min(1), z.record(z.string(), z.json())],
  'must be a target or {target: option}',
);

const fields = stepFields(
  z.strictObject({
    title: z.string().min(1).max(200),
    body: z.string().max(4000).default(''),
    severity: z.enum(['info', 'warning', 'error', 'critical']).default('info'),
    key: z.string().min(1).max(200).optional(),
    targets: z.array(target).min(1).max(MOST_TARGETS).default([PANEL]),
  }),
);

type Fields = ReturnType<typeof fields.parse>;

const texts = { type: 'array', items: { type: 'string' } } as const;
const OUTPUT = {
  type: 'object',
  properties: {
    id: { type: 'string' },
    created: { type: 'boolean' },
    delivered: texts,
    failed: { type: 'array', items: { type: 'object' } },
  },
  required: ['id', 'created', 'delivered', 'failed'],
  additionalProperties: false,
} as const;

/**
 * `notification`: tells the people of this appliance something. Output: `{id, created, delivered, failed}`.
 * `created` is false when another unacknowledged notification has the same `key`; then nothing is delivered. It
 * is kept before it is delivered anywhere, and the step fails only when no target took it.
 */
export function notificationStep(
  reader: ReaderPort,
  writer: WriterPort,
  channels: NotificationChannels = new NotificationChannels(),
): StepType {
  return {
    type: 'notification',
    check: (written) => [...fields.check(written), ...targetFaults(written.targets, channels)],
    schema: fields.schema,
    output: OUTPUT,
    effect: 'write',
    pretend: () => ({
      id: '00000000-0000-8000-8000-000000000000',
      created: true,
      delivered: [PANEL],
      failed: [],
    }),
    onInterrupt: () => 'retry',
    async run(given, context) {
      const told = fields.parse(given);
      const targets = targetsOf(told.targets, channels);
      const notice = noticeOf(told, context);
      const standing = await keep(notice, targets, context, reader, writer);
      if (standing !== notice.id) return { id: standing, created: false, delivered: [], failed: [] };
      return { id: notice.id, created: true, ...(await deliver(notice, targets, context, channels)) };
    },
  };
}

function targetFaults(written: Json | undefined, channels: NotificationChannels): FieldFault[] {
  if (!Array.isArray(written)) return [];
  return written.flatMap((one: Json, index) => {
    if (hasExpression(JSON.stringify(one))) return [];
    const fault = channels.fault(one);
    return fault ? [{ path: `targets.${index}`, ...fault }] : [];
  });
}

function targetsOf(given: Fields['targets'], channels: NotificationChannels): NotificationTarget[] {
  return given.map((one) => {
    const fault = channels.fault(one);
    const read = readTarget(one);
    if (read && !fault) return read;
    throw new TerminalError(
      'unprocessable',
      'notification.target_invalid',
      fault?.message ?? 'is no target',
      {
        hint: fault?.hint,
      },
    );
  });
}

function noticeOf({ title, body, severity, key }: Fields, context: StepContext): Notice {
  const id = idFrom(context.idempotencyKey);
  return { id, severity, title, body, key: key ?? null, run: context.runId, at: context.clock.now() };
}

/** Writes it down, unless it is there already. The id of the one that stands: this one, or one with its key. */
async function keep(
  notice: Notice,
  targets: readonly NotificationTarget[],
  context: StepContext,
  reader: ReaderPort,
  writer: WriterPort,
): Promise<string> {
  const known = standing(reader, notice);
  if (known !== undefined) return known;
  try {
    await writer.commit(unitOf(notice, targets, context));
    return notice.id;
  } catch (error) {
    const other = isDuplicate(error) ? standing(reader, notice) : undefined;
    if (other === undefined) throw error;
    return other;
  }
}

function standing(reader: ReaderPort, { id, key }: Notice): string | undefined {
  const own = reader.get(notificationById, { id });
  if (own) return own.id;
  return key === null ? undefined : reader.get(openNotificationByKey, { key })?.id;
}

function unitOf(notice: Notice, targets: readonly NotificationTarget[], context: StepContext): Unit {
  const { id, severity, title, body, at } = notice;
  const names = [...new Set(targets.map(({ name }) => name))];
  const actor = actorText(context.actor);
  return new Unit()
    .add(insertNotification, { ...notice, targets: JSON.stringify(names) }, 1)
    .event(
      eventRow(
        'chainbot.notification.created',
        `notification/${id}`,
        actor,
        { id, severity, title, body, targets: names },
        at,
      ),
    );
}

/** Somebody was faster: the unique id or the unique open key refused ours. */
function isDuplicate(error: unknown): boolean {
  return error instanceof TerminalError && error.code === 'store.constraint';
}

interface Deliveries {
  readonly delivered: readonly string[];
  readonly failed: readonly JsonObject[];
}

/** To every target, whatever the others did. @throws RetryableError `notification.undelivered` when none took it */
async function deliver(
  notice: Notice,
  targets: readonly NotificationTarget[],
  { signal, log }: StepContext,
  channels: NotificationChannels,
): Promise<Deliveries> {
  const results = await Promise.allSettled(
    targets.map(({ name, option }, index) =>
      channels.get(name)?.deliver(notice, option, `${notice.id}/${index}`, signal),
    ),
  );
  signal.throwIfAborted();
  const delivered: string[] = [];
  const failed: (ErrorRecord & { readonly target: string })[] = [];
  for (const [index, { name }] of targets.entries()) {
    const result = results[index] as PromiseSettledResult<void>;
    if (result.status === 'fulfilled') delivered.push(name);
    else failed.push({ target: name, ...errorRecord(result.reason) });
  }
  if (failed.length > 0) log.warn({ failed }, 'a notification did not reach all its targets');
  if (delivered.length === 0) throw undelivered(failed);
  return { delivered, failed: failed as readonly JsonObject[] };
}

function undelivered(failed: readonly (ErrorRecord & { readonly target: string })[]): Error {
  const message = `no target took it: ${failed.map((one) => `${one.target}: ${one.message}`).join('; ')}`;
  const hint = failed[0]?.hint;
  return failed.some((one) => one.retryable)
    ? new RetryableError('notification.undelivered', message, { hint })
    : new TerminalError('failed', 'notification.undelivered', message, { hint });
}
