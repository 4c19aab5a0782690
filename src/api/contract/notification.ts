import { z } from 'zod';
import { limit, time } from './json-value.ts';

export const notificationParams = z.object({ id: z.string().min(1).max(100) });
export const notificationsQuery = z.strictObject({ limit: limit(500, 50) });

export const notificationSchema = z
  .object({
    id: z.string(),
    severity: z.string(),
    title: z.string(),
    body: z.string(),
    run: z.string().nullable(),
    targets: z.array(z.string()).meta({ description: 'Where it went: panel, mqtt, email, …' }),
    created_at: time,
    acknowledged_at: time.nullable(),
  })
  .meta({ id: 'Notification' });

export const notificationListSchema = z
  .object({ notifications: z.array(notificationSchema) })
  .meta({ id: 'NotificationList' });

export type NotificationAnswer = z.infer<typeof notificationSchema>;
export type NotificationList = z.infer<typeof notificationListSchema>;
