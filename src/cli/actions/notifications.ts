import { idBeginningWith } from '../id-beginning.ts';
import type { Session } from '../session.ts';
import type { Colour } from '../view/style.ts';
import { printable } from '../view/text.ts';
import { localTime } from '../view/values.ts';

const SEVERITY_COLOUR: Readonly<Record<string, Colour>> = {
  warning: 'yellow',
  error: 'red',
  critical: 'red',
};
/** Among how many of the newest the beginning of an id is looked for: one page of the API. */
const SEARCHED = 500;

export async function list({ api, screen, json }: Session, limit: number): Promise<void> {
  const answer = await (await api()).notifications(limit);
  if (json) return screen.json(answer);
  screen.table(
    [
      { title: 'WHEN', min: 19 },
      { title: 'SEVERITY', min: 8 },
      { title: 'TITLE', min: 14 },
      { title: 'TEXT', min: 12, optional: true },
      { title: 'SEEN', min: 4, optional: true },
      { title: 'RUN', min: 14, optional: true },
      { title: 'NOTIFICATION', min: 14, optional: true },
    ],
    answer.notifications.map((notification) => [
      localTime(notification.created_at),
      screen.paint(SEVERITY_COLOUR[notification.severity] ?? 'dim', printable(notification.severity)),
      printable(notification.title),
      printable(notification.body),
      notification.acknowledged_at === null ? '' : 'yes',
      notification.run ?? '',
      notification.id,
    ]),
    'There are no notifications.',
  );
}

export async function acknowledge(session: Session, id: string): Promise<void> {
  const api = await session.api();
  const newest = async () => (await api.notifications(SEARCHED)).notifications;
  const seen = await api.acknowledgeNotification(await idBeginningWith(id, 'notification', newest));
  if (session.json) return session.screen.json(seen);
  session.screen.line(`"${printable(seen.title)}" is acknowledged`);
}
