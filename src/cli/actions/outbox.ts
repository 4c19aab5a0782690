import type { EmailAnswer, EmailStatus } from '#api/contract/outbox.ts';
import { idBeginningWith } from '../id-beginning.ts';
import type { Session } from '../session.ts';
import type { Colour } from '../view/style.ts';
import { printable } from '../view/text.ts';
import { localTime } from '../view/values.ts';

const STATUS_COLOUR: Readonly<Record<EmailStatus, Colour>> = {
  queued: 'yellow',
  sent: 'green',
  failed: 'red',
};
/** Among how many of the newest the beginning of an id is looked for: one page of the API. */
const SEARCHED = 500;

interface ListOptions {
  readonly limit: number;
  readonly status?: EmailStatus;
}

export async function list({ api, screen, json }: Session, options: ListOptions): Promise<void> {
  const answer = await (await api()).outbox(options);
  if (json) return screen.json(answer);
  screen.table(
    [
      { title: 'WHEN', min: 19 },
      { title: 'STATUS', min: 6 },
      { title: 'TO', min: 12 },
      { title: 'SUBJECT', min: 12, optional: true },
      { title: 'WHY', min: 12, optional: true },
      { title: 'EMAIL', min: 14 },
    ],
    answer.emails.map((email) => [
      localTime(email.created_at),
      screen.paint(STATUS_COLOUR[email.status], email.status),
      printable(email.to.join(', ')),
      printable(email.subject),
      printable(whyOf(email)),
      email.id,
    ]),
    'There is no e-mail.',
  );
}

function whyOf({ error, rejected }: EmailAnswer): string {
  if (error) return error.message;
  return rejected.length === 0 ? '' : `not for ${rejected.join(', ')}`;
}

export async function retry(session: Session, id: string): Promise<void> {
  const api = await session.api();
  const email = await api.retryEmail(await whole(session, id));
  if (session.json) return session.screen.json(email);
  session.screen.line(`"${printable(email.subject)}" is tried again`);
}

export async function withdraw(session: Session, id: string): Promise<void> {
  const api = await session.api();
  const email = await api.withdrawEmail(await whole(session, id));
  if (session.json) return session.screen.json(email);
  session.screen.line(`"${printable(email.subject)}" is not sent any more`);
}

async function whole({ api }: Session, id: string): Promise<string> {
  return idBeginningWith(id, 'email', async () => (await (await api()).outbox({ limit: SEARCHED })).emails);
}
