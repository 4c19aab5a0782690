import type { Clock } from '#core/clock.ts';
import type { Log } from '#core/log.ts';
import type { ReaderPort, WriterPort } from '#store/port.ts';
import type { AddressGuardOptions } from './address-guard.ts';
import { CircuitHttp } from './circuits.ts';
import { HttpClient } from './http-client.ts';
import { Outbox } from './outbox.ts';
import { SmtpSender, type SmtpSettings } from './smtp.ts';

const LONGEST_CIRCUIT_PAUSE_MS = 600_000;

export interface OutboundOptions extends AddressGuardOptions {
  readonly reader: ReaderPort;
  readonly writer: WriterPort;
  readonly clock: Clock;
  readonly log: Log;
  readonly userAgent: string;
  readonly circuit: { readonly failures: number; readonly pauseMs: number };
  /** undefined: no e-mail is sent. */
  readonly mail: (SmtpSettings & { readonly attempts: number }) | undefined;
}

/** What leaves the machine. */
export interface Outbound {
  readonly client: HttpClient;
  /** The client with circuit breakers: what everybody calls with. */
  readonly http: CircuitHttp;
  readonly outbox: Outbox;
}

export function createOutbound({ circuit, mail, ...options }: OutboundOptions): Outbound {
  const { reader, writer, clock, log } = options;
  const client = new HttpClient(options);
  const http = new CircuitHttp(client, clock, { ...circuit, longestPauseMs: LONGEST_CIRCUIT_PAUSE_MS });
  const sender = mail && new SmtpSender(mail);
  const outbox = new Outbox({ reader, writer, clock, log, sender, attempts: mail?.attempts ?? 1 });
  return { client, http, outbox };
}
