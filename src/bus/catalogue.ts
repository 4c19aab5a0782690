import { z } from 'zod';

/**
 * Every event ChainBot writes: its type (past tense; dots become slashes in MQTT topics), what it means and
 * the shape of its data. docs/events.md is generated from this; a test checks the log of a whole appliance
 * against it.
 */
const run = z.object({ run: z.string(), workflow: z.string(), version: z.number() });
const step = z.object({ run: z.string(), path: z.string(), type: z.string(), attempt: z.number() });
const error = z
  .object({ code: z.string(), message: z.string(), hint: z.string().optional(), retryable: z.boolean() })
  .loose();
const approval = z.object({ id: z.string(), run: z.string(), workflow: z.string(), path: z.string() });
const workflow = z.object({ name: z.string(), version: z.number() });
const email = z.object({
  id: z.string(),
  run: z.string().nullable(),
  to: z.array(z.string()),
  subject: z.string(),
});
const value = z.union([z.boolean(), z.number(), z.string(), z.null()]);

export const catalogue = {
  'chainbot.module.ready': {
    description: 'The daemon is up: every part has started.',
    data: z.object({
      version: z.string(),
      device: z.string(),
      recovered_runs: z.number(),
      clean_stop: z.boolean(),
    }),
  },
  'chainbot.module.stopping': {
    description: 'The daemon was asked to stop.',
    data: z.object({ reason: z.string() }),
  },
  'chainbot.module.health': {
    description: 'The health score changed by 0.05 or more, or its status changed.',
    data: z.object({ score: z.number(), status: z.string(), reasons: z.array(z.string()) }),
  },
  'chainbot.time.trusted': {
    description: 'The clock is known to be right: schedules go by it.',
    data: z.object({ source: z.string() }),
  },
  'chainbot.time.estimated': {
    description: 'Nobody has set the clock for as long as `time.hold`: schedules go by it all the same.',
    data: z.object({ held_ms: z.number() }),
  },
  'chainbot.workflow.saved': { description: 'A new version of a workflow was stored.', data: workflow },
  'chainbot.workflow.removed': { description: 'A workflow was taken out of use.', data: workflow },
  'chainbot.workflow.queued': { description: 'A run waits for others of its workflow to end.', data: run },
  'chainbot.workflow.scheduled': {
    description: 'A run was started for later.',
    data: run.extend({ start_at: z.string() }),
  },
  'chainbot.workflow.started': { description: 'A run began.', data: run },
  'chainbot.workflow.completed': {
    description: 'A run ended well.',
    data: run.extend({ duration_ms: z.number() }),
  },
  'chainbot.workflow.failed': {
    description: 'A run ended with an error.',
    data: run.extend({ duration_ms: z.number(), error }),
  },
  'chainbot.workflow.cancelled': {
    description: 'A run was cancelled.',
    data: run.extend({ duration_ms: z.number(), reason: z.string() }),
  },
  'chainbot.workflow.paused': { description: 'A run was paused: no further step begins.', data: run },
  'chainbot.workflow.resumed': { description: 'A paused run goes on.', data: run },
  'chainbot.workflow.retried': {
    description: 'A failed or cancelled run was started again where it stopped.',
    data: run,
  },
  'chainbot.workflow.forked': {
    description:
      'A run was made of the first part of another: it goes on before `step` (null: from the start).',
    data: run.extend({ from: z.string(), step: z.string().nullable() }),
  },
  'chainbot.workflow.migrated': {
    description: 'A run was moved to another version of its workflow; `from` is the one it had.',
    data: run.extend({ from: z.number() }),
  },
  'chainbot.workflow.deleted': { description: 'An ended run was deleted, with its steps.', data: run },
  'chainbot.workflow.recovered': {
    description: 'A run that was under way when the daemon ended goes on; its interrupted steps are named.',
    data: run.extend({ interrupted: z.array(z.string()) }),
  },
  'chainbot.workflow.signalled': {
    description: 'A run was sent a signal.',
    data: run.extend({ name: z.string() }),
  },
  'chainbot.workflow.skipped': {
    description: 'A trigger did not start a run.',
    data: z.object({ workflow: z.string(), trigger: z.string(), reason: z.string() }),
  },
  'chainbot.step.completed': {
    description: 'A step ended well.',
    data: step.extend({ duration_ms: z.number() }),
  },
  'chainbot.step.failed': {
    description: 'A step failed for good.',
    data: step.extend({ duration_ms: z.number(), error }),
  },
  'chainbot.step.retrying': {
    description: 'A step failed and will be tried again.',
    data: step.extend({ error, retry_in_ms: z.number() }),
  },
  'chainbot.step.skipped': { description: 'A step did not run.', data: step.extend({ reason: z.string() }) },
  'chainbot.step.waiting': {
    description: 'A step waits for a time, a signal or an event.',
    data: step.extend({ for: z.string() }),
  },
  'chainbot.approval.requested': {
    description: 'A step asks a person; `deadline` as the clock saw it then.',
    data: approval.extend({
      version: z.number(),
      title: z.string(),
      body: z.string(),
      roles: z.array(z.string()).nullable(),
      deadline: z.string().nullable(),
    }),
  },
  'chainbot.approval.answered': {
    description: 'A person approved or rejected; the actor is who.',
    data: approval.extend({ approved: z.boolean(), comment: z.string().nullable() }),
  },
  'chainbot.approval.expired': {
    description: 'Nobody answered in time; without a default the step fails.',
    data: approval.extend({ default: z.enum(['approve', 'reject']).nullable() }),
  },
  'chainbot.device.changed': {
    description: 'A device reported another value.',
    data: z.object({
      device: z.string(),
      value,
      previous: value,
      quality: z.string(),
      unit: z.string().optional(),
    }),
  },
  'chainbot.device.written': {
    description: 'A device was told a value.',
    data: z.object({
      device: z.string(),
      value,
      key: z.string().optional(),
      pulse_ms: z.number().optional(),
      reason: z.string().optional(),
    }),
  },
  'chainbot.device.fault': {
    description: 'A device could not be read or written.',
    data: z.object({ device: z.string(), message: z.string() }),
  },
  'chainbot.token.created': {
    description: 'An API token was made.',
    data: z.object({ id: z.string(), name: z.string() }),
  },
  'chainbot.token.revoked': {
    description: 'An API token was revoked.',
    data: z.object({ id: z.string(), name: z.string() }),
  },
  'chainbot.secret.stored': {
    description: 'A secret was stored, or its next version. The value is nowhere but in the vault.',
    data: z.object({ name: z.string(), version: z.number(), type: z.string() }),
  },
  'chainbot.secret.removed': { description: 'A secret was removed.', data: z.object({ name: z.string() }) },
  'chainbot.vault.rotated': {
    description: 'Every secret was wrapped with another root key.',
    data: z.object({ key: z.string(), source: z.string(), secrets: z.number() }),
  },
  'chainbot.notification.created': {
    description: 'A person is to be told something.',
    data: z.object({
      id: z.string(),
      severity: z.string(),
      title: z.string(),
      body: z.string(),
      targets: z.array(z.string()),
    }),
  },
  'chainbot.notification.acknowledged': {
    description: 'A person has seen a notification.',
    data: z.object({ id: z.string() }),
  },
  'chainbot.email.queued': { description: 'An e-mail waits for the mail server to take it.', data: email },
  'chainbot.email.sent': {
    description: 'The mail server has taken an e-mail.',
    data: email.extend({
      accepted: z.array(z.string()),
      rejected: z.array(z.string()),
      response: z.string(),
    }),
  },
  'chainbot.email.failed': {
    description: 'An e-mail was refused, given up, or withdrawn by a person.',
    data: email.extend({ error: error.nullable() }),
  },
  'chainbot.log.gap': {
    description: 'A reader of the log fell so far behind that events were dropped (both ends included).',
    data: z.object({ cursor: z.string(), from: z.number(), to: z.number() }),
  },
  'chainbot.mqtt.clash': {
    description: 'Another device uses the same MQTT base topic.',
    data: z.object({ base_topic: z.string(), other: z.string() }),
  },
} as const satisfies Record<string, { readonly description: string; readonly data: z.ZodType }>;

export type EventType = keyof typeof catalogue;
export type EventData<T extends EventType> = z.input<(typeof catalogue)[T]['data']>;

/** docs/events.md. */
export function eventReference(): string {
  const sections = Object.entries(catalogue).map(([type, { description, data }]) => {
    const schema = JSON.stringify(z.toJSONSchema(data, { io: 'input' }), null, 2);
    return `## ${type}\n\n${description}\n\nTopic: \`${type.replaceAll('.', '/')}\`\n\n\`\`\`json\n${schema}\n\`\`\`\n`;
  });
  const head = [
    '# Events',
    '',
    'Generated from src/bus/catalogue.ts. Every event is a CloudEvent (1.0) with the extensions `actor`',
    '(who did it, `kind:id`), `seq` (its place in the log) and `epoch` (a new one after a restore).',
    '`chainbot` at the start of a topic is `mqtt.base_topic`.',
    '',
    '',
  ].join('\n');
  return head + sections.join('\n');
}
