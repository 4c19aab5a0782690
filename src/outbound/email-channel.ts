import { actorText } from '#core/actor.ts';
import type { Json } from '#core/json.ts';
import { bareAddress } from '#core/mail-address.ts';
import type { NotificationChannel } from '#workflows/port.ts';
import type { MailPort } from './port.ts';

const MOST_RECIPIENTS = 50;

/** `email: ann@example.org`, or a list: a notification as an e-mail, which the outbox keeps until it is taken. */
export function emailChannel(mail: Pick<MailPort, 'post'>): NotificationChannel {
  return {
    name: 'email',
    fault: (option) =>
      addressesOf(option) ? undefined : 'email wants an address, or a list of them: email: ann@example.org',
    async deliver({ severity, title, body, run }, option, key) {
      const subject = severity === 'info' ? title : `[${severity}] ${title}`;
      const actor = { kind: 'run', id: run } as const;
      const message = {
        to: addressesOf(option) ?? [],
        cc: [],
        bcc: [],
        subject: oneLine(subject),
        attachments: [],
      };
      await mail.post({ ...message, text: `${body}\n\n-- \n${actorText(actor)}\n` }, { key, run, actor });
    },
  };
}

const oneLine = (text: string): string => text.replace(/\p{Cc}+/gu, ' ');

function addressesOf(option: Json): string[] | undefined {
  const list: readonly Json[] = Array.isArray(option) ? option : [option];
  const addresses = list.filter(
    (one): one is string => typeof one === 'string' && bareAddress(one) !== undefined,
  );
  const isWell = addresses.length === list.length && list.length > 0 && list.length <= MOST_RECIPIENTS;
  return isWell ? addresses : undefined;
}
