import { ok } from '../answer.ts';
import type { NotificationRecord, NotificationsPort } from '../api-deps.ts';
import {
  type NotificationAnswer,
  notificationListSchema,
  notificationParams,
  notificationSchema,
  notificationsQuery,
} from '../contract/notification.ts';
import { type Endpoint, endpoint } from '../endpoint.ts';
import { rfc3339, rfc3339OrNull } from '../wire/rfc3339.ts';

const tag = 'notifications';

export function notificationRoutes(notifications: NotificationsPort): readonly Endpoint[] {
  return [
    endpoint({
      method: 'get',
      path: '/notifications',
      tag,
      summary: 'List notifications, newest first',
      query: notificationsQuery,
      answers: { 200: { description: 'The newest', schema: notificationListSchema } },
      handle: ({ query }) => ok({ notifications: notifications.list(query.limit).map(notificationAnswer) }),
    }),
    endpoint({
      method: 'post',
      path: '/notifications/{id}/acknowledge',
      tag,
      summary: 'Say that somebody has seen it',
      params: notificationParams,
      answers: { 200: { description: 'The notification', schema: notificationSchema } },
      handle: async ({ params, actor }) =>
        ok(notificationAnswer(await notifications.acknowledge(params.id, actor))),
    }),
  ];
}

function notificationAnswer(record: NotificationRecord): NotificationAnswer {
  return {
    id: record.id,
    severity: record.severity,
    title: record.title,
    body: record.body,
    run: record.run,
    targets: [...record.targets],
    created_at: rfc3339(record.createdAt),
    acknowledged_at: rfc3339OrNull(record.acknowledgedAt),
  };
}
