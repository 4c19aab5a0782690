import { query, statement } from '#store/statement.ts';

/** The outbox: e-mail until the server has taken it. `message` is null from then on. */
export interface OutboxRow {
  readonly id: string;
  readonly run: string | null;
  readonly recipients: string;
  readonly subject: string;
  readonly status: string;
  readonly attempts: number;
  readonly next_at: number;
  readonly outcome: string | null;
  readonly created_at: number;
  readonly ended_at: number | null;
}

const COLUMNS = [
  'id',
  'run',
  'recipients',
  'subject',
  'status',
  'attempts',
  'next_at',
  'outcome',
  'created_at',
  'ended_at',
] as const;

export const insertMail = statement<{
  id: string;
  run: string | null;
  recipients: string;
  subject: string;
  message: string;
  at: number;
}>((db, p) =>
  db.insertInto('outbox').values({
    id: p.id,
    run: p.run,
    recipients: p.recipients,
    subject: p.subject,
    message: p.message,
    status: 'queued',
    attempts: 0,
    next_at: p.at,
    outcome: null,
    created_at: p.at,
    ended_at: null,
  }),
);

/** One that failed, tried anew with what is to be said now. */
export const renewMail = statement<{
  id: string;
  recipients: string;
  subject: string;
  message: string;
  at: number;
}>((db, p) =>
  db
    .updateTable('outbox')
    .set({
      recipients: p.recipients,
      subject: p.subject,
      message: p.message,
      status: 'queued',
      attempts: 0,
      next_at: p.at,
      outcome: null,
      ended_at: null,
    })
    .where('id', '=', p.id)
    .where('status', '=', 'failed'),
);

/** Tried as soon as possible. */
export const hurryMail = statement<{ id: string; at: number }>((db, p) =>
  db
    .updateTable('outbox')
    .set({ status: 'queued', attempts: 0, next_at: p.at, ended_at: null })
    .where('id', '=', p.id)
    .where('status', '!=', 'sent')
    .where('message', 'is not', null),
);

export const postponeMail = statement<{ id: string; attempts: number; next: number; outcome: string }>(
  (db, p) =>
    db
      .updateTable('outbox')
      .set({ attempts: p.attempts, next_at: p.next, outcome: p.outcome })
      .where('id', '=', p.id)
      .where('status', '=', 'queued'),
);

export const mailSent = statement<{ id: string; attempts: number; outcome: string; at: number }>((db, p) =>
  db
    .updateTable('outbox')
    .set({ status: 'sent', attempts: p.attempts, outcome: p.outcome, message: null, ended_at: p.at })
    .where('id', '=', p.id)
    .where('status', '=', 'queued'),
);

export const mailFailed = statement<{ id: string; attempts: number; outcome: string; at: number }>((db, p) =>
  db
    .updateTable('outbox')
    .set({ status: 'failed', attempts: p.attempts, outcome: p.outcome, ended_at: p.at })
    .where('id', '=', p.id)
    .where('status', '=', 'queued'),
);

export const trimOutbox = statement<{ before: number }>((db, p) =>
  db.deleteFrom('outbox').where('status', '!=', 'queued').where('ended_at', '<', p.before),
);

export const mailById = query<{ id: string }, OutboxRow>((db, p) =>
  db.selectFrom('outbox').select(COLUMNS).where('id', '=', p.id),
);

export const mailContent = query((db, p: { id: string }) =>
  db.selectFrom('outbox').select('message').where('id', '=', p.id),
);

/**
 * The one to be tried next: what is due is due since longest. `far` is further away than any pause: the wall
 * clock was set back meanwhile, and it is due too.
 */
export const dueMail = query<{ now: number; far: number }, OutboxRow>((db, p) =>
  db
    .selectFrom('outbox')
    .select(COLUMNS)
    .where('status', '=', 'queued')
    .where((eb) => eb.or([eb('next_at', '<=', p.now), eb('next_at', '>', p.far)]))
    .orderBy('next_at')
    .limit(1),
);

export const nextMail = query((db, _: Record<string, never>) =>
  db.selectFrom('outbox').select('next_at').where('status', '=', 'queued').orderBy('next_at').limit(1),
);

export const queuedMail = query((db, _: Record<string, never>) =>
  db
    .selectFrom('outbox')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .where('status', '=', 'queued'),
);

export const newestMail = query<{ limit: number }, OutboxRow>((db, p) =>
  db.selectFrom('outbox').select(COLUMNS).orderBy('key', 'desc').limit(p.limit),
);

export const newestMailOf = query<{ limit: number; status: string }, OutboxRow>((db, p) =>
  db
    .selectFrom('outbox')
    .select(COLUMNS)
    .where('status', '=', p.status)
    .orderBy('key', 'desc')
    .limit(p.limit),
);
