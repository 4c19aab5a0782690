import { z } from 'zod';
import { TerminalError } from '#core/errors.ts';
import { bareAddress } from '#core/mail-address.ts';
import { stepFields } from '#core/step-fields.ts';
import type { MailAttachment, MailPort } from '#outbound/port.ts';
import type { StepType } from '../port.ts';
import { type SiteFiles, typeOf } from './site-files.ts';

const MOST_RECIPIENTS = 50;
const MOST_ATTACHMENTS = 20;
/** Bytes of all attachments; many mail servers take 20 to 25 MB, and base64 makes a third more. */
const MOST_ATTACHED = 10 * 1024 * 1024;
const LONGEST_TEXT = 1_000_000;
/** The outbox gives up by itself, long before. */
const PATIENCE_MS = 30 * 86_400_000;

const address = z
  .string()
  .refine(
    (text) => bareAddress(text) !== undefined,
    'is not an e-mail address: ann@example.org or Ann <ann@example.org>',
  );
const addresses = z
  .union([address, z.array(address).max(MOST_RECIPIENTS)], 'must be an e-mail address or a list of them')
  .transform((given) => (Array.isArray(given) ? given : [given]));
const name = z
  .string()
  .min(1)
  .max(200)
  .regex(/^[^/\\\p{Cc}]+$/u, 'must be a plain file name');

const attachment = z.union(
  [
    z.strictObject({ file: z.string().min(1).max(1000), name: name.optional() }),
    z.strictObject({ name, text: z.string().max(LONGEST_TEXT) }),
    z.strictObject({ name, base64: z.base64().max(2 * MOST_ATTACHED) }),
  ],
  'must be {file}, {name, text} or {name, base64}',
);

const fields = stepFields(
  z.strictObject({
    to: addresses,
    cc: addresses.default([]),
    bcc: addresses.default([]),
    from: address.optional(),
    reply_to: address.optional(),
    subject: z
      .string()
      .min(1)
      .max(500)
      .regex(/^\P{Cc}*$/u, 'must be one line'),
    text: z.string().max(LONGEST_TEXT).default(''),
    html: z.string().max(LONGEST_TEXT).optional(),
    attachments: z.array(attachment).max(MOST_ATTACHMENTS).default([]),
    wait: z.boolean().default(true),
  }),
);

const OUTPUT = {
  type: 'object',
  properties: {
    id: { type: 'string' },
    message_id: { type: 'string' },
    accepted: { type: 'array', items: { type: 'string' } },
    rejected: { type: 'array', items: { type: 'string' } },
  },
  required: ['id', 'message_id', 'accepted', 'rejected'],
  additionalProperties: false,
} as const;

/**
 * `email`: hands a message to the outbox, which keeps it until the mail server has taken it. Output: `{id,
 * message_id, accepted, rejected}`, the addresses for which the server took it; with `wait: false` the step ends
 * as soon as the message is on disk, and both lists are empty.
 */
export function emailStep(mail: MailPort, files: SiteFiles): StepType {
  return {
    type: 'email',
    check: fields.check,
    schema: fields.schema,
    output: OUTPUT,
    effect: 'write',
    pretend: ({ to }) => ({
      id: '00000000-0000-8000-8000-000000000000',
      message_id: '<00000000-0000-8000-8000-000000000000@example.org>',
      accepted: Array.isArray(to) ? to : [to ?? ''],
      rejected: [],
    }),
    onInterrupt: () => 'retry',
    attemptMs: PATIENCE_MS,
    async run(given, context) {
      const { to, cc, bcc, from, reply_to, subject, text, html, attachments, wait } = fields.parse(given);
      if (to.length + cc.length + bcc.length === 0) throw nobody();
      const attached = await attach(attachments, files);
      const message = { from, replyTo: reply_to, to, cc, bcc, subject, text, html, attachments: attached };
      const order = { key: context.idempotencyKey, run: context.runId, actor: context.actor };
      const { id, messageId } = await mail.post(message, order);
      if (!wait) return { id, message_id: messageId, accepted: [], rejected: [] };
      const taken = mail.taken(id, context.signal);
      const { accepted, rejected } = await (context.idle?.(taken) ?? taken);
      return { id, message_id: messageId, accepted, rejected };
    },
  };
}

type Attachment = ReturnType<typeof fields.parse>['attachments'][number];

async function attach(attachments: readonly Attachment[], files: SiteFiles): Promise<MailAttachment[]> {
  const attached: MailAttachment[] = [];
  let left = MOST_ATTACHED;
  for (const one of attachments) {
    const read = await contentOf(one, files, left);
    left -= read.bytes.length;
    if (left < 0) {
      throw new TerminalError('too_large', 'email.too_large', 'the attachments are larger than 10 MiB', {
        hint: 'Send a link, or a smaller file.',
      });
    }
    attached.push({ name: read.name, type: read.type, base64: read.bytes.toString('base64') });
  }
  return attached;
}

async function contentOf(one: Attachment, files: SiteFiles, maxBytes: number) {
  if ('file' in one) {
    const read = await files.read(one.file, maxBytes);
    return one.name === undefined ? read : { ...read, name: one.name };
  }
  const bytes = 'text' in one ? Buffer.from(one.text) : Buffer.from(one.base64, 'base64');
  return { name: one.name, type: typeOf(one.name), bytes };
}

function nobody(): TerminalError {
  return new TerminalError('unprocessable', 'email.no_recipient', 'the e-mail is for nobody', {
    hint: '`to`, `cc` and `bcc` are all empty lists.',
  });
}
