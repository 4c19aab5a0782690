import type { AddressInfo } from 'node:net';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';

export interface ReceivedMail {
  readonly from: string;
  readonly to: readonly string[];
  /** The message as it came, headers and all. */
  readonly raw: string;
  readonly user: string | undefined;
}

/** What the server answers; undefined takes it. */
export interface MailScript {
  login?: (user: string, password: string) => boolean;
  recipient?: (address: string) => string | undefined;
  /** `451 try later`: what is said after the message came. */
  message?: (mail: ReceivedMail) => string | undefined;
}

/** A real SMTP server in this process, which does what the test says; `at` is its port, 0 for a free one. */
export async function mailServer(script: MailScript = {}, options: SMTPServerOptions = {}, at = 0) {
  const received: ReceivedMail[] = [];
  const refusal = (text: string): Error =>
    Object.assign(new Error(text.slice(4)), { responseCode: Number(text.slice(0, 3)) });
  const server = new SMTPServer({
    disabledCommands: options.secure || options.key ? [] : ['STARTTLS'],
    authOptional: true,
    allowInsecureAuth: true,
    disableReverseLookup: true,
    closeTimeout: 20,
    onAuth({ username, password }, _session, done) {
      if (script.login && !script.login(username ?? '', password ?? '')) done(refusal('535 no'));
      else done(null, { user: username ?? '' });
    },
    onRcptTo({ address }, _session, done) {
      const answer = script.recipient?.(address ?? '');
      done(answer === undefined ? null : refusal(answer));
    },
    onData(stream, { envelope, user }, done) {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        const from = envelope.mailFrom ? envelope.mailFrom.address : '';
        const raw = Buffer.concat(chunks).toString();
        const to = envelope.rcptTo.map(({ address }) => address ?? '');
        const mail = { from: from ?? '', to, raw, user: user as string | undefined };
        const answer = script.message?.(mail);
        if (answer === undefined) received.push(mail);
        done(answer === undefined ? null : refusal(answer));
      });
    },
    ...options,
  });
  server.on('error', () => {});
  await new Promise<void>((resolve) => server.listen(at, '127.0.0.1', () => resolve()));
  const { port } = server.server.address() as AddressInfo;
  return {
    port,
    received,
    script,
    close: () => new Promise<void>((resolve) => server.close(() => resolve())),
  };
}

export type MailServer = Awaited<ReturnType<typeof mailServer>>;
