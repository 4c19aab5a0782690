import type { Session } from '../session.ts';
import type { Colour } from '../view/style.ts';
import { printable } from '../view/text.ts';
import { localTime } from '../view/values.ts';

const SEVERITY_COLOUR: Readonly<Record<string, Colour>> = {
  warning: 'yellow',
  error: 'red',
  critical: 'red',
};

export async function list({ api, screen, json }: Session, limit: number): Promise<void> {
  const answer = await (await api()).notifications(limit);
  if (json) return screen.json(answer);
  screen.table(
    [
      { title: 'WHEN', min: 19 },
      { title: 'SEVERITY', min: 8 },
      { title: 'TITLE', min: 14 },
      { title: 'TEXT', min: 12, optional: true },
      { title: 'RUN', min: 14, optional: true },
    ],
    answer.notifications.map((notification) => [
      localTime(notification.created_at),
      screen.paint(SEVERITY_COLOUR[notification.severity] ?? 'dim', printable(notification.severity)),
      printable(notification.title),
      printable(notification.body),
      notification.run ?? '',
    ]),
    'There are no notifications.',
  );
}
