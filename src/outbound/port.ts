import type { Actor } from '#core/actor.ts';
import type { ErrorRecord } from '#core/errors.ts';

/** A request that leaves the Pi. The host was written by the owner or comes from data: the guard asks. */
export interface OutboundRequest {
  readonly method: string;
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly body?: string | Uint8Array | undefined;
  /** True when scheme and host stand literally in a stored definition (the LAN is then allowed). */
  readonly hostIsLiteral: boolean;
  /** Milliseconds for the whole exchange. */
  readonly timeoutMs: number;
  /** Bytes of response body at most; more is an error, not a cut. */
  readonly maxBytes: number;
  /** False: a redirect is the answer. Absent: it is followed on the same host. */
  readonly followsRedirects?: boolean | undefined;
}

export interface OutboundResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

export interface HttpPort {
  /**
   * Any answer resolves, 500 too. Redirects are not followed across hosts.
   * @throws RetryableError `http.unreachable`, `http.timeout`
   * @throws TerminalError `http.address_refused`, `http.too_large`, `http.url_invalid`
   */
  request(request: OutboundRequest, signal?: AbortSignal): Promise<OutboundResponse>;
}

// ---- e-mail ------------------------------------------------------------------------------------------------

export interface MailAttachment {
  readonly name: string;
  /** Absent: by the name's ending. */
  readonly type?: string | undefined;
  readonly base64: string;
}

/** A message for the outbox. Addresses are as people write them, `Ann <ann@example.org>`. */
export interface MailMessage {
  /** Absent: `email.from` of the configuration. */
  readonly from?: string | undefined;
  readonly replyTo?: string | undefined;
  readonly to: readonly string[];
  readonly cc: readonly string[];
  readonly bcc: readonly string[];
  readonly subject: string;
  readonly text: string;
  readonly html?: string | undefined;
  readonly attachments: readonly MailAttachment[];
}

export interface MailOrder {
  /** The same for every attempt of a step: one message for one key. */
  readonly key: string;
  /** The run it comes from. */
  readonly run: string | null;
  readonly actor: Actor;
}

export type MailStatus = 'queued' | 'sent' | 'failed';

/** What the mail server said of a message that it took. */
export interface MailReceipt {
  readonly accepted: readonly string[];
  /** Recipients it did not take; those it took have the message. */
  readonly rejected: readonly string[];
  readonly response: string;
}

/** A message of the outbox, without its content. Times are Unix milliseconds. */
export interface MailRecord {
  readonly id: string;
  readonly run: string | null;
  readonly recipients: readonly string[];
  readonly subject: string;
  readonly status: MailStatus;
  readonly attempts: number;
  /** When it is tried next, while it is queued. */
  readonly nextAt: number | null;
  readonly receipt: MailReceipt | null;
  /** Why it was not taken, the last time. */
  readonly error: ErrorRecord | null;
  readonly createdAt: number;
  readonly endedAt: number | null;
}

export interface MailPort {
  /**
   * Keeps a message until the server takes it; resolves when it is on disk. The same key again is the same
   * message, and one that had failed is tried anew.
   * @throws TerminalError `email.not_configured`, `email.too_large`
   * @throws RetryableError `email.outbox_full`, `store.*`
   */
  post(message: MailMessage, order: MailOrder): Promise<{ readonly id: string; readonly messageId: string }>;
  /**
   * Resolves when the server has taken it.
   * @throws TerminalError `email.refused`, `email.given_up`, `email.withdrawn`, `email.not_found`
   */
  taken(id: string, signal: AbortSignal): Promise<MailReceipt>;
}

/** The outbox for people. */
export interface OutboxPort {
  /** Newest first. */
  list(limit: number, status?: MailStatus): readonly MailRecord[];
  /** @throws TerminalError `email.not_found` */
  get(id: string): MailRecord;
  /** Tries it now, also one that failed. @throws TerminalError `email.not_found`, `email.sent` (conflict) */
  retry(id: string, actor: Actor): Promise<MailRecord>;
  /** Not sent any more. @throws TerminalError `email.not_found`, `email.sent` (conflict) */
  withdraw(id: string, actor: Actor): Promise<MailRecord>;
}
