import { ChainbotError, RetryableError, TerminalError } from '#core/errors.ts';

const BAD_HEADER: ReadonlySet<string> = new Set([
  'ERR_INVALID_CHAR',
  'ERR_INVALID_HTTP_TOKEN',
  'ERR_HTTP_INVALID_HEADER_VALUE',
]);
const BAD_CERTIFICATE = /^(CERT_|ERR_TLS_CERT|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_)/;

/** What node:http threw, as an error of this house. `where` is the host, never the whole URL. */
export function requestError(error: unknown, where: string): Error {
  if (error instanceof ChainbotError) return error;
  const code = codeOf(error);
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof URIError) {
    return new TerminalError(
      'invalid',
      'http.url_invalid',
      'the name or password in the address is malformed',
      {
        hint: 'Percent-encode special characters in it, or use an Authorization header.',
        cause: error,
      },
    );
  }
  if (BAD_HEADER.has(code)) {
    return new TerminalError('invalid', 'http.header_invalid', message, { cause: error });
  }
  if (code === 'HPE_HEADER_OVERFLOW') {
    return new TerminalError('too_large', 'http.too_large', `the headers from ${where} are too large`, {
      cause: error,
    });
  }
  if (code !== 'CERT_NOT_YET_VALID' && BAD_CERTIFICATE.test(code)) {
    return new TerminalError(
      'failed',
      'http.certificate',
      `the certificate of ${where} is not trusted: ${message}`,
      {
        hint: 'Give the host a certificate that this machine trusts, or use http:// on the LAN.',
        cause: error,
      },
    );
  }
  return new RetryableError('http.unreachable', `${where} cannot be reached: ${message || code}`, {
    hint: HINTS[code] ?? 'Check the network and that something listens there.',
    cause: error,
  });
}

const HINTS: Readonly<Record<string, string>> = {
  ENOTFOUND: 'This name is not known: check its spelling and the DNS server.',
  EAI_AGAIN: 'The DNS server does not answer: check the network.',
  ECONNREFUSED: 'Nothing listens on that port: check that the service runs.',
  CERT_NOT_YET_VALID: 'The clock of this machine is probably wrong: wait until the time is set.',
};

/** Happy eyeballs throw an AggregateError: its first inner error says why. */
function codeOf(error: unknown): string {
  const own = (error as { code?: unknown } | undefined)?.code;
  if (typeof own === 'string') return own;
  return error instanceof AggregateError ? codeOf(error.errors[0]) : '';
}
