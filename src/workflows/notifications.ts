import { eventRow } from '#bus/event-row.ts';
import { type Actor, actorText } from '#core/actor.ts';
import type { Clock } from '#core/clock.ts';
import { TerminalError } from '#core/errors.ts';
import type { ReaderPort, WriterPort } from '#store/port.ts';
import { Unit } from '#store/unit.ts';
import { acknowledgeNotification, newestNotifications, wholeNotification } from './notifications-table.ts';

/** A notification as people see it; times are Unix milliseconds. */
export interface Notification {
  readonly id: string;
  readonly severity: string;
  readonly title: string;
  readonly body: string;
  readonly run: string | null;
  readonly targets: readonly string[];
  readonly createdAt: number;
  readonly acknowledgedAt: number | null;
}

/** What `notification` steps have told, for the people who are to see it. */
export class Notifications {
  readonly #store: { readonly reader: ReaderPort; readonly writer: WriterPort };
  readonly #clock: Clock;

  constructor(store: { readonly reader: ReaderPort; readonly writer: WriterPort }, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  /** Newest first. */
  list(limit: number): readonly Notification[] {
    return this.#store.reader.all(newestNotifications, { limit }).map(notification);
  }

  /** Acknowledging again changes nothing. @throws TerminalError `notification.not_found` */
  async acknowledge(id: string, actor: Actor): Promise<Notification> {
    const before = this.#get(id);
    if (before.acknowledgedAt !== null) return before;
    const now = this.#clock.now();
    const event = eventRow(
      'chainbot.notification.acknowledged',
      `notification/${id}`,
      actorText(actor),
      { id },
      now,
    );
    await this.#store.writer.commit(new Unit().add(acknowledgeNotification, { id, now }, 1).event(event));
    return this.#get(id);
  }

  #get(id: string): Notification {
    const row = this.#store.reader.get(wholeNotification, { id });
    if (row) return notification(row);
    throw new TerminalError('not_found', 'notification.not_found', `there is no notification ${id}`, {
      hint: 'See `chainbot notifications list`.',
    });
  }
}

function notification(row: {
  id: string;
  severity: string;
  title: string;
  body: string;
  run: string | null;
  targets: string;
  created_at: number;
  acknowledged_at: number | null;
}): Notification {
  const { id, severity, title, body, run } = row;
  const targets = JSON.parse(row.targets) as string[];
  return {
    ...{ id, severity, title, body, run, targets },
    createdAt: row.created_at,
    acknowledgedAt: row.acknowledged_at,
  };
}
