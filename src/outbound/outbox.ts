import type { Actor } from '#core/actor.ts';
import { type BackoffOptions, backoffMs } from '#core/backoff.ts';
import { type Clock, sleep } from '#core/clock.ts';
import { type ErrorRecord, errorRecord, TerminalError } from '#core/errors.ts';
import type { Log } from '#core/log.ts';
import { type Part, type PartHealth, unwell, WELL } from '#core/part.ts';
import type { ReaderPort, WriterPort } from '#store/port.ts';
import { MailJournal, type Outcome, type WaitingMail } from './mail-journal.ts';
import type {
  MailMessage,
  MailOrder,
  MailPort,
  MailReceipt,
  MailRecord,
  MailStatus,
  OutboxPort,
} from './port.ts';
import type { Delivery, MailSender } from './smtp.ts';

export interface OutboxOptions {
  readonly reader: ReaderPort;
  readonly writer: WriterPort;
  readonly clock: Clock;
  readonly log: Log;
  /** undefined: no mail server is configured. */
  readonly sender: MailSender | undefined;
  /** A message that was not taken after so many is given up. */
  readonly attempts: number;
  readonly backoff?: BackoffOptions | undefined;
}

const BACKOFF: BackoffOptions = Object.freeze({ firstMs: 10_000, longestMs: 15 * 60_000 });
/** The wall clock may jump: what is due is looked at this often. */
const LOOK_AGAIN_MS = 60_000;
/** How long a stop waits for the answer to a message that is on its way. */
const PATIENCE_MS = 1000;
const KEEP_MS = 30 * 86_400_000;
const TRIM_MS = 6 * 3_600_000;
const DISK_PAUSE_MS = 5000;

/**
 * E-mail until the mail server has taken it.
 *
 * O1  A message is on disk before the first attempt, and leaves it only with the server's word or a person's.
 * O2  One attempt at a time. A server that takes nothing is left alone as a whole; a message that it does not
 *     take now waits alone.
 * O3  What the server said is written down before anything else is tried. Between its word and the disk a power
 *     cut sends the message again, with the same Message-ID.
 * O4  Recipients that have it do not get it again because others have not.
 */
export class Outbox implements Part, MailPort, OutboxPort {
  readonly name = 'email';
  readonly #options: OutboxOptions;
  readonly #journal: MailJournal;
  readonly #backoff: BackoffOptions;
  readonly #stopping = new AbortController();
  /** Ends an attempt that is under way. */
  readonly #cutting = new AbortController();
  readonly #waiters = new Map<string, Set<() => void>>();
  readonly #totals = { sent: 0, failed: 0 };
  #loop: Promise<void> = Promise.resolve();
  /** Something came in while the loop was busy. */
  #poked = false;
  #nap: AbortController | undefined;
  #serverFailures = 0;
  /** On the monotonic clock. */
  #heldUntil = 0;
  #trouble: ErrorRecord | undefined;
  #trimAt = 0;

  constructor(options: OutboxOptions) {
    this.#options = options;
    this.#journal = new MailJournal(options.reader, options.writer, options.clock);
    this.#backoff = options.backoff ?? BACKOFF;
  }

  async start(_signal: AbortSignal): Promise<void> {
    const { clock, sender } = this.#options;
    this.#trimAt = clock.monotonic() + TRIM_MS;
    this.#loop = this.#run(sender, this.#stopping.signal);
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#wake();
    using _cut = this.#options.clock.after(PATIENCE_MS, () => this.#cutting.abort());
    await this.#loop;
  }

  health(): PartHealth {
    if (this.#trouble === undefined) return WELL;
    const remedy = this.#trouble.hint ?? 'See `chainbot outbox list`.';
    return unwell(0.7, `e-mail waits: ${this.#trouble.message}`, remedy);
  }

  /** Since the start; `queued` now. */
  get totals(): { readonly sent: number; readonly failed: number; readonly queued: number } {
    return { ...this.#totals, queued: this.#journal.queued() };
  }

  async post(message: MailMessage, order: MailOrder): Promise<{ id: string; messageId: string }> {
    const { sender } = this.#options;
    if (sender === undefined) {
      throw new TerminalError(
        'failed',
        'email.not_configured',
        'there is no mail server to send e-mail with',
        {
          hint: 'Set email.host and email.from in the configuration.',
        },
      );
    }
    const kept = await this.#journal.keep(message, message.from ?? sender.from, order);
    this.#wake();
    return kept;
  }

  async taken(id: string, signal: AbortSignal): Promise<MailReceipt> {
    for (;;) {
      signal.throwIfAborted();
      const mail = this.#journal.get(id);
      if (mail.status === 'sent' && mail.receipt) return mail.receipt;
      if (mail.status === 'failed') throw failureOf(mail);
      await this.#change(id, signal);
    }
  }

  list(limit: number, status?: MailStatus): readonly MailRecord[] {
    return this.#journal.list(limit, status);
  }

  get(id: string): MailRecord {
    return this.#journal.get(id);
  }

  async retry(id: string, actor: Actor): Promise<MailRecord> {
    this.#refuseSent(id);
    await this.#journal.hurry(id, actor);
    this.#heldUntil = 0;
    this.#wake();
    return this.get(id);
  }

  async withdraw(id: string, actor: Actor): Promise<MailRecord> {
    const mail = this.#refuseSent(id);
    if (mail.status === 'failed') return mail;
    const error = errorRecord(new TerminalError('gone', 'email.withdrawn', 'the e-mail was withdrawn'));
    const { accepted = [], rejected = [], response = '' } = mail.receipt ?? {};
    await this.#journal.failed(id, mail.attempts, { accepted, rejected, response, error }, actor);
    this.#tell(id);
    return this.get(id);
  }

  #refuseSent(id: string): MailRecord {
    const mail = this.get(id);
    if (mail.status !== 'sent') return mail;
    throw new TerminalError('conflict', 'email.sent', 'the mail server has this e-mail already');
  }

  /** Resolves when something became of a message. */
  #change(id: string, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        waiters.delete(done);
        if (waiters.size === 0) this.#waiters.delete(id);
        signal.removeEventListener('abort', done);
        resolve();
      };
      const waiters = this.#waiters.get(id) ?? new Set();
      this.#waiters.set(id, waiters.add(done));
      signal.addEventListener('abort', done, { once: true });
    });
  }

  #tell(id: string): void {
    for (const done of [...(this.#waiters.get(id) ?? [])]) done();
  }

  async #run(sender: MailSender | undefined, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        const mail = sender && this.#isHeld ? undefined : this.#journal.due(this.#backoff.longestMs);
        if (sender && mail) await this.#attempt(sender, mail);
        else await this.#pause(sender, mail !== undefined);
      } catch (error) {
        if (this.#cutting.signal.aborted) return;
        this.#options.log.warn({ err: error }, 'the outbox could not be read or written');
        await this.#rest(DISK_PAUSE_MS);
      }
    }
  }

  get #isHeld(): boolean {
    return this.#options.clock.monotonic() < this.#heldUntil;
  }

  /** Until something is due, comes in, or the server may be asked again. */
  async #pause(sender: MailSender | undefined, waits: boolean): Promise<void> {
    const { clock } = this.#options;
    if (!sender && waits) this.#trouble = NO_SERVER;
    if (clock.monotonic() >= this.#trimAt) {
      this.#trimAt = clock.monotonic() + TRIM_MS;
      await this.#journal.trim(clock.now() - KEEP_MS);
    }
    const held = this.#heldUntil - clock.monotonic();
    const next = sender ? (this.#journal.untilNext() ?? LOOK_AGAIN_MS) : LOOK_AGAIN_MS;
    await this.#rest(Math.min(LOOK_AGAIN_MS, Math.max(held, next, 1)));
  }

  #wake(): void {
    this.#poked = true;
    this.#nap?.abort();
  }

  async #rest(ms: number): Promise<void> {
    this.#nap = new AbortController();
    if (!this.#poked && !this.#stopping.signal.aborted) {
      await sleep(this.#options.clock, ms, this.#nap.signal).catch(() => {});
    }
    this.#poked = false;
  }

  async #attempt(sender: MailSender, mail: WaitingMail): Promise<void> {
    const { message, recipients } = mail;
    const letter = { ...message, recipients, date: new Date(mail.createdAt) };
    const delivery = await sender.deliver(letter, this.#cutting.signal);
    const server = delivery.kind === 'later' && delivery.server;
    this.#serverFailures = server ? this.#serverFailures + 1 : 0;
    if (server) {
      const pause = backoffMs(this.#serverFailures, this.#backoff);
      this.#heldUntil = this.#options.clock.monotonic() + pause;
    }
    this.#trouble = delivery.kind === 'later' ? errorRecord(delivery.error) : undefined;
    await this.#writeDown(mail, delivery);
    this.#tell(mail.id);
  }

  /** O3: nothing else is tried before it is on disk. A message that a person withdrew meanwhile stays so. */
  async #writeDown(mail: WaitingMail, delivery: Delivery): Promise<void> {
    for (;;) {
      try {
        await this.#record(mail, delivery);
        return;
      } catch (error) {
        if (error instanceof TerminalError || this.#stopping.signal.aborted) {
          this.#options.log.warn(
            { err: error, email: mail.id },
            'what became of an e-mail was not written down',
          );
          return;
        }
        await this.#rest(DISK_PAUSE_MS);
      }
    }
  }

  async #record({ id, attempts: before, ...mail }: WaitingMail, delivery: Delivery): Promise<void> {
    const attempts = before + 1;
    const outcome = outcomeAfter(mail.outcome, mail.recipients, delivery);
    const open = delivery.kind === 'taken' ? delivery.deferred.length > 0 : delivery.kind === 'later';
    if (open && attempts < this.#options.attempts) {
      const pause = backoffMs(attempts, this.#backoff);
      await this.#journal.postpone(id, attempts, outcome, pause);
    } else if (outcome.accepted.length > 0) {
      await this.#journal.sent(id, attempts, outcome);
      this.#totals.sent++;
    } else {
      const error = open ? givenUp(attempts, outcome.error) : outcome.error;
      await this.#journal.failed(id, attempts, { ...outcome, error });
      this.#totals.failed++;
    }
  }
}

const NO_SERVER = errorRecord(
  new TerminalError('failed', 'email.not_configured', 'there is no mail server in the configuration', {
    hint: 'Set email.host and email.from, or withdraw what waits: `chainbot outbox list`.',
  }),
);

function outcomeAfter(before: Outcome, left: readonly string[], delivery: Delivery): Outcome {
  switch (delivery.kind) {
    case 'taken':
      return {
        accepted: [...before.accepted, ...delivery.accepted],
        rejected: [...before.rejected, ...delivery.rejected],
        response: delivery.response,
        error: null,
      };
    case 'refused':
      return { ...before, rejected: [...before.rejected, ...left], error: errorRecord(delivery.error) };
    case 'later':
      return { ...before, error: errorRecord(delivery.error) };
  }
}

function givenUp(attempts: number, last: ErrorRecord | null): ErrorRecord {
  const why = last === null ? '' : `: ${last.message}`;
  return errorRecord(
    new TerminalError('failed', 'email.given_up', `no mail server took it in ${attempts} attempts${why}`, {
      hint: last?.hint ?? 'Try it again with `chainbot outbox retry`.',
    }),
  );
}

function failureOf({ error }: MailRecord): TerminalError {
  return new TerminalError(
    'failed',
    error?.code ?? 'email.refused',
    error?.message ?? 'the e-mail was not taken',
    { hint: error?.hint },
  );
}
