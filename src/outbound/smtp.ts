import { RetryableError, TerminalError } from '#core/errors.ts';
import { bareAddress } from '#core/mail-address.ts';
import type { MailMessage } from './port.ts';

export interface SmtpSettings {
  readonly host: string;
  readonly port: number;
  /** starttls and tls never fall back to plain text. */
  readonly secure: 'starttls' | 'tls' | 'none';
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly from: string;
  /** For each answer of the server, milliseconds. */
  readonly timeoutMs: number;
  /** PEM of a certificate authority beside those that the machine trusts. */
  readonly ca?: string | undefined;
}

/** A message with what the envelope needs. */
export interface Letter extends MailMessage {
  readonly messageId: string;
  /** Bare addresses that have not got it yet. */
  readonly recipients: readonly string[];
  readonly date: Date;
}

/** What came of one attempt. */
export type Delivery =
  /** The server has it for some at least; `deferred` may be tried again. */
  | {
      readonly kind: 'taken';
      readonly accepted: readonly string[];
      readonly rejected: readonly string[];
      readonly deferred: readonly string[];
      readonly response: string;
    }
  /** It will never take this message for anybody. */
  | { readonly kind: 'refused'; readonly error: TerminalError }
  /** `server`: it would take no other message either. */
  | { readonly kind: 'later'; readonly server: boolean; readonly error: RetryableError };

/** Sends one message; another implementation stands in for it where no server is to be had. */
export interface MailSender {
  readonly from: string;
  /** Rejects only when the signal aborts; then nobody knows whether it was taken. */
  deliver(letter: Letter, signal: AbortSignal): Promise<Delivery>;
}

interface SmtpFault {
  readonly code?: string;
  readonly responseCode?: number;
  readonly response?: string;
  readonly message: string;
  readonly recipient?: string;
}

/** Authentication required, too weak, wrong, or only over TLS (RFC 4954 §6): nothing is wrong with the message. */
const LOGIN: ReadonlySet<number> = new Set([530, 534, 535, 538]);
const LOGIN_FAULTS: ReadonlySet<string> = new Set(['EAUTH', 'ENOAUTH', 'EOAUTH2']);
/** Codes that speak of the message; all others are of the connection. */
const MESSAGE_FAULTS: ReadonlySet<string> = new Set(['EENVELOPE', 'EMESSAGE', 'EMAXRECIPIENTS', 'ESTREAM']);
const LONGEST_REPLY = 300;

/** A connection for each message: a Pi sends few, and a kept one would be cut by the server anyway. */
export class SmtpSender implements MailSender {
  readonly #settings: SmtpSettings;

  constructor(settings: SmtpSettings) {
    this.#settings = settings;
  }

  get from(): string {
    return this.#settings.from;
  }

  async deliver(letter: Letter, signal: AbortSignal): Promise<Delivery> {
    // Loaded with the first message: most appliances send none.
    const { createTransport } = await import('nodemailer');
    const transport = createTransport(this.#transportOptions());
    try {
      const info = await transport.sendMail({ ...contentOf(letter, this.from), signal });
      const faults = (info.rejectedErrors ?? []) as readonly SmtpFault[];
      const deferred = faults.flatMap(({ recipient, responseCode = 0 }) =>
        recipient !== undefined && !isFinal(responseCode) ? [recipient] : [],
      );
      const rejected = info.rejected.filter((address) => !deferred.includes(address));
      return { kind: 'taken', accepted: info.accepted, rejected, deferred, response: short(info.response) };
    } catch (error) {
      if (signal.aborted) throw error;
      return deliveryOf(error as SmtpFault, this.#settings.host);
    } finally {
      transport.close();
    }
  }

  #transportOptions() {
    const { host, port, secure, username, password, timeoutMs, ca } = this.#settings;
    return {
      host,
      port,
      secure: secure === 'tls',
      requireTLS: secure === 'starttls',
      ignoreTLS: secure === 'none',
      connectionTimeout: timeoutMs,
      greetingTimeout: timeoutMs,
      socketTimeout: timeoutMs,
      dnsTimeout: timeoutMs,
      // A message must not be able to name files of this machine or addresses to fetch.
      disableFileAccess: true,
      disableUrlAccess: true,
      ...(username === undefined ? {} : { auth: { user: username, pass: password ?? '' } }),
      ...(ca === undefined ? {} : { tls: { ca } }),
    };
  }
}

function contentOf(letter: Letter, from: string) {
  const sender = letter.from ?? from;
  return {
    from: sender,
    to: [...letter.to],
    cc: [...letter.cc],
    ...(letter.replyTo === undefined ? {} : { replyTo: letter.replyTo }),
    subject: letter.subject,
    text: letter.text,
    ...(letter.html === undefined ? {} : { html: letter.html }),
    attachments: letter.attachments.map(({ name, type, base64 }) => ({
      filename: name,
      content: Buffer.from(base64, 'base64'),
      ...(type === undefined ? {} : { contentType: type }),
    })),
    messageId: letter.messageId,
    date: letter.date,
    envelope: { from: bareAddress(sender) ?? sender, to: [...letter.recipients] },
    // Answers of absence assistants are for people (RFC 3834 §5).
    headers: { 'Auto-Submitted': 'auto-generated' },
  };
}

/** RFC 5321 §4.2.1: 5yz will be the same again; 503 is about the order of commands, not the message. */
const isFinal = (code: number): boolean => code >= 500 && code !== 503;

function deliveryOf(fault: SmtpFault, host: string): Delivery {
  const { code = '', responseCode } = fault;
  const said = short(fault.response ?? fault.message);
  if (LOGIN_FAULTS.has(code) || (responseCode !== undefined && LOGIN.has(responseCode))) {
    return later(true, 'email.login_refused', `the mail server ${host} refuses the login: ${said}`, {
      hint: 'Check email.username and email.password; the message is kept meanwhile.',
    });
  }
  if (!MESSAGE_FAULTS.has(code) || responseCode === 421) {
    return later(true, 'email.unreachable', `the mail server ${host} cannot be used: ${said}`, {
      hint: HINTS[code] ?? 'Check email.host, email.port and the network; the message is kept meanwhile.',
    });
  }
  if (responseCode !== undefined && !isFinal(responseCode)) {
    return later(false, 'email.deferred', `the mail server ${host} does not take it now: ${said}`, {});
  }
  const message = `the mail server ${host} refuses the message: ${said}`;
  return {
    kind: 'refused',
    error: new TerminalError('failed', 'email.refused', message, {
      hint: 'Check the addresses of sender and recipients.',
      extra: { status: responseCode ?? null },
    }),
  };
}

const HINTS: Readonly<Record<string, string>> = {
  ETLS: 'The encryption failed: check email.secure (tls for port 465, starttls for 587) and the certificate.',
  EDNS: 'The name email.host is not known: check its spelling and the DNS server.',
};

function later(server: boolean, code: string, message: string, options: { hint?: string }): Delivery {
  return { kind: 'later', server, error: new RetryableError(code, message, options) };
}

function short(text: string): string {
  const line = text.replace(/\p{Cc}+/gu, ' ').trim();
  return line.length > LONGEST_REPLY ? `${line.slice(0, LONGEST_REPLY)}…` : line;
}
