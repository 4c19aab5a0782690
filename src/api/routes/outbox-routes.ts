import type { MailRecord, OutboxPort } from '#outbound/port.ts';
import { ok } from '../answer.ts';
import { type EmailAnswer, emailParams, emailSchema, outboxQuery, outboxSchema } from '../contract/outbox.ts';
import { type Endpoint, endpoint } from '../endpoint.ts';
import { rfc3339, rfc3339OrNull } from '../wire/rfc3339.ts';

const tag = 'outbox';

export function outboxRoutes(outbox: OutboxPort): readonly Endpoint[] {
  return [
    endpoint({
      method: 'get',
      path: '/outbox',
      tag,
      summary: 'List e-mail, newest first',
      query: outboxQuery,
      answers: {
        200: { description: 'What waits, and what was sent in the last 30 days', schema: outboxSchema },
      },
      handle: ({ query }) => ok({ emails: outbox.list(query.limit, query.status).map(emailAnswer) }),
    }),
    endpoint({
      method: 'get',
      path: '/outbox/{id}',
      tag,
      summary: 'One e-mail',
      params: emailParams,
      answers: { 200: { description: 'Without its content', schema: emailSchema } },
      handle: ({ params }) => ok(emailAnswer(outbox.get(params.id))),
    }),
    ...verbs(outbox),
  ];
}

function verbs(outbox: OutboxPort): readonly Endpoint[] {
  return [
    endpoint({
      method: 'post',
      path: '/outbox/{id}/retry',
      tag,
      summary: 'Try it now, also one that failed',
      params: emailParams,
      answers: { 200: { description: 'It is queued', schema: emailSchema } },
      handle: async ({ params, actor }) => ok(emailAnswer(await outbox.retry(params.id, actor))),
    }),
    endpoint({
      method: 'post',
      path: '/outbox/{id}/withdraw',
      tag,
      summary: 'Do not send it any more',
      params: emailParams,
      answers: { 200: { description: 'It failed, as withdrawn', schema: emailSchema } },
      handle: async ({ params, actor }) => ok(emailAnswer(await outbox.withdraw(params.id, actor))),
    }),
  ];
}

function emailAnswer(mail: MailRecord): EmailAnswer {
  return {
    id: mail.id,
    run: mail.run,
    to: [...mail.recipients],
    subject: mail.subject,
    status: mail.status,
    attempts: mail.attempts,
    next_at: rfc3339OrNull(mail.nextAt),
    accepted: [...(mail.receipt?.accepted ?? [])],
    rejected: [...(mail.receipt?.rejected ?? [])],
    response: mail.receipt?.response ?? null,
    error: mail.error,
    created_at: rfc3339(mail.createdAt),
    ended_at: rfc3339OrNull(mail.endedAt),
  };
}
