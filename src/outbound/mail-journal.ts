import { eventRow } from '#bus/event-row.ts';
import { type Actor, actorText, SYSTEM } from '#core/actor.ts';
import type { Clock } from '#core/clock.ts';
import { type ErrorRecord, RetryableError, TerminalError } from '#core/errors.ts';
import { idFrom } from '#core/ids.ts';
import { bareAddress } from '#core/mail-address.ts';
import type { ReaderPort, WriterPort } from '#store/port.ts';
import { Unit } from '#store/unit.ts';
import {
  dueMail,
  hurryMail,
  insertMail,
  mailById,
  mailContent,
  mailFailed,
  mailSent,
  newestMail,
  newestMailOf,
  nextMail,
  type OutboxRow,
  postponeMail,
  queuedMail,
  renewMail,
  trimOutbox,
} from './outbox-table.ts';
import type { MailMessage, MailOrder, MailRecord, MailStatus } from './port.ts';

/** Messages that wait, at most. */
const MOST_QUEUED = 10_000;
/** Characters of one message as it is kept; base64 makes a third more of an attachment. */
const LONGEST_MESSAGE = 16 * 1024 * 1024;

/** What the attempts have given so far; in the column `outcome`. */
export interface Outcome {
  readonly accepted: readonly string[];
  readonly rejected: readonly string[];
  readonly response: string;
  readonly error: ErrorRecord | null;
}

export const NO_OUTCOME: Outcome = Object.freeze({ accepted: [], rejected: [], response: '', error: null });

interface KeptMessage extends MailMessage {
  readonly messageId: string;
}

/** A message that waits for its attempt. */
export interface WaitingMail {
  readonly id: string;
  readonly attempts: number;
  readonly createdAt: number;
  readonly message: KeptMessage;
  readonly recipients: readonly string[];
  readonly outcome: Outcome;
}

/**
 * The outbox on disk. A message is there before anybody tries to send it, its line changes only with what the
 * server said, and its content goes when the server has it.
 */
export class MailJournal {
  readonly #reader: ReaderPort;
  readonly #writer: WriterPort;
  readonly #clock: Clock;

  constructor(reader: ReaderPort, writer: WriterPort, clock: Clock) {
    this.#reader = reader;
    this.#writer = writer;
    this.#clock = clock;
  }

  /** Is it new, or there anew? A message that waits or was sent stays as it is. */
  async keep(
    message: MailMessage,
    from: string,
    order: MailOrder,
  ): Promise<{ id: string; messageId: string }> {
    const id = idFrom(order.key);
    const known = this.#reader.get(mailById, { id });
    const messageId = messageIdOf(id, from);
    if (known && known.status !== 'failed') return { id, messageId };
    const content = JSON.stringify({ ...message, from, messageId } satisfies KeptMessage);
    if (content.length > LONGEST_MESSAGE) throw tooLarge(content.length);
    if (!known && this.queued() >= MOST_QUEUED) throw full();
    const recipients = JSON.stringify(recipientsOf(message));
    const at = this.#clock.now();
    const row = { id, recipients, subject: message.subject, message: content, at };
    const unit = known
      ? new Unit().add(renewMail, row, 1)
      : new Unit().add(insertMail, { ...row, run: order.run }, 1);
    unit.event(this.#event('queued', { id, run: order.run, recipients, subject: row.subject }, order.actor));
    await this.#writer.commit(unit);
    return { id, messageId };
  }

  /** The one to be tried now. `longestPauseMs`: none is put off for longer. */
  due(longestPauseMs: number): WaitingMail | undefined {
    const now = this.#clock.now();
    const row = this.#reader.get(dueMail, { now, far: now + longestPauseMs });
    if (!row) return undefined;
    const message = JSON.parse(
      this.#reader.get(mailContent, { id: row.id })?.message ?? 'null',
    ) as KeptMessage;
    const outcome = outcomeOf(row);
    const done = new Set([...outcome.accepted, ...outcome.rejected]);
    const recipients = (JSON.parse(row.recipients) as string[]).filter((address) => !done.has(address));
    return {
      id: row.id,
      attempts: row.attempts,
      createdAt: row.created_at,
      message,
      recipients,
      outcome,
    };
  }

  /** Milliseconds until the next one is due; undefined when none waits. */
  untilNext(): number | undefined {
    const next = this.#reader.get(nextMail, {});
    return next && Math.max(0, next.next_at - this.#clock.now());
  }

  queued(): number {
    return this.#reader.get(queuedMail, {})?.count ?? 0;
  }

  async postpone(id: string, attempts: number, outcome: Outcome, pauseMs: number): Promise<void> {
    const next = this.#clock.now() + Math.round(pauseMs);
    const row = { id, attempts, next, outcome: JSON.stringify(outcome) };
    await this.#writer.commit(new Unit().add(postponeMail, row, 1));
  }

  async sent(id: string, attempts: number, outcome: Outcome): Promise<void> {
    const at = this.#clock.now();
    const { accepted, rejected, response } = outcome;
    const data = { ...this.#subjectOf(id), accepted: [...accepted], rejected: [...rejected], response };
    const unit = new Unit().add(mailSent, { id, attempts, outcome: JSON.stringify(outcome), at }, 1);
    await this.#writer.commit(unit.event(eventRow('chainbot.email.sent', `email/${id}`, system, data, at)));
  }

  async failed(id: string, attempts: number, outcome: Outcome, actor: Actor = SYSTEM): Promise<void> {
    const at = this.#clock.now();
    const data = { ...this.#subjectOf(id), error: outcome.error };
    const unit = new Unit().add(mailFailed, { id, attempts, outcome: JSON.stringify(outcome), at }, 1);
    const event = eventRow('chainbot.email.failed', `email/${id}`, actorText(actor), data, at);
    await this.#writer.commit(unit.event(event));
  }

  async hurry(id: string, actor: Actor): Promise<void> {
    const row = this.#row(id);
    const unit = new Unit().add(hurryMail, { id, at: this.#clock.now() }, 1);
    if (row.status === 'failed') unit.event(this.#event('queued', row, actor));
    await this.#writer.commit(unit);
  }

  /** Lines of messages that ended before then. */
  async trim(before: number): Promise<void> {
    await this.#writer.commit(new Unit().add(trimOutbox, { before }));
  }

  list(limit: number, status?: MailStatus): readonly MailRecord[] {
    const rows =
      status === undefined
        ? this.#reader.all(newestMail, { limit })
        : this.#reader.all(newestMailOf, { limit, status });
    return rows.map(mailRecord);
  }

  /** @throws TerminalError `email.not_found` */
  get(id: string): MailRecord {
    return mailRecord(this.#row(id));
  }

  #row(id: string): OutboxRow {
    const row = this.#reader.get(mailById, { id });
    if (row) return row;
    throw new TerminalError('not_found', 'email.not_found', `there is no e-mail ${id} in the outbox`, {
      hint: 'See `chainbot outbox list`; lines of e-mail that ended are kept for 30 days.',
    });
  }

  #subjectOf(id: string) {
    const { run, recipients, subject } = this.#row(id);
    return { id, run, to: JSON.parse(recipients) as string[], subject };
  }

  #event(what: 'queued', row: Pick<OutboxRow, 'id' | 'run' | 'recipients' | 'subject'>, actor: Actor) {
    const { id, run, recipients, subject } = row;
    const data = { id, run, to: JSON.parse(recipients) as string[], subject };
    return eventRow(`chainbot.email.${what}`, `email/${id}`, actorText(actor), data, this.#clock.now());
  }
}

const system = actorText(SYSTEM);

/** RFC 5322 §3.6.4; the same for every attempt, so that a message that came twice is known by it. */
function messageIdOf(id: string, from: string): string {
  return `<${id}@${bareAddress(from)?.split('@')[1] ?? 'chainbot.invalid'}>`;
}

function recipientsOf({ to, cc, bcc }: MailMessage): string[] {
  const addresses = [...to, ...cc, ...bcc].map((text) => bareAddress(text) ?? text);
  return [...new Set(addresses)];
}

function outcomeOf({ outcome }: Pick<OutboxRow, 'outcome'>): Outcome {
  return outcome === null ? NO_OUTCOME : (JSON.parse(outcome) as Outcome);
}

function mailRecord(row: OutboxRow): MailRecord {
  const { accepted, rejected, response, error } = outcomeOf(row);
  const status = row.status as MailStatus;
  return {
    id: row.id,
    run: row.run,
    recipients: JSON.parse(row.recipients) as string[],
    subject: row.subject,
    status,
    attempts: row.attempts,
    nextAt: status === 'queued' ? row.next_at : null,
    receipt: accepted.length === 0 ? null : { accepted, rejected, response },
    error,
    createdAt: row.created_at,
    endedAt: row.ended_at,
  };
}

function tooLarge(characters: number): TerminalError {
  return new TerminalError('too_large', 'email.too_large', `the message has ${characters} characters`, {
    hint: `At most ${LONGEST_MESSAGE}: send a link, or a smaller attachment.`,
  });
}

function full(): RetryableError {
  return new RetryableError('email.outbox_full', `${MOST_QUEUED} e-mails wait for the mail server already`, {
    hint: 'See `chainbot outbox list` for why they are not taken.',
  });
}
