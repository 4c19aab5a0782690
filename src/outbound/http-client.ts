import { lookup as resolveName } from 'node:dns';
import http, { type ClientRequest } from 'node:http';
import https from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import type { Clock } from '#core/clock.ts';
import { RetryableError, TerminalError } from '#core/errors.ts';
import { AddressGuard, type AddressGuardOptions, type Destination } from './address-guard.ts';
import type { HttpPort, OutboundRequest, OutboundResponse } from './port.ts';
import { readResponse } from './read-response.ts';
import { redirectOf } from './redirect.ts';
import { requestError } from './request-errors.ts';
import { sendRequest } from './send-request.ts';

export interface HttpClientOptions extends AddressGuardOptions {
  readonly clock: Clock;
  readonly userAgent: string;
}

const METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);
/** Framing is ours: a header from data must not change where a message ends. */
const FRAMING: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'expect',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);
const MOST_REDIRECTS = 5;
const POOL = { keepAlive: true, maxSockets: 64, maxFreeSockets: 8, timeout: 60_000 } as const;

interface Pool {
  readonly http: http.Agent;
  readonly https: https.Agent;
}

/**
 * The one HTTP client that leaves the machine: resolves the name, judges the addresses, and connects to what
 * was judged. Keeps connections, apart for trusted hosts and others, so that a connection that only a literal
 * host may have is never used for one from data.
 */
export class HttpClient implements HttpPort {
  readonly #guard: AddressGuard;
  readonly #options: HttpClientOptions;
  #pools: { readonly trusted: Pool; readonly other: Pool } | undefined;

  constructor(options: HttpClientOptions) {
    this.#options = options;
    this.#guard = new AddressGuard(options);
  }

  /**
   * Besides what the port says: @throws TerminalError `http.method_invalid`, `http.header_invalid`,
   * `http.certificate`, `http.body_invalid`, or the signal's reason
   */
  async request(request: OutboundRequest, signal?: AbortSignal): Promise<OutboundResponse> {
    signal?.throwIfAborted();
    const { timeoutMs } = request;
    const deadline = new AbortController();
    const timer = this.#options.clock.after(timeoutMs, () =>
      deadline.abort(lateError(request.url, timeoutMs)),
    );
    const ends = signal ? AbortSignal.any([signal, deadline.signal]) : deadline.signal;
    try {
      return await this.#follow(request, ends);
    } catch (error) {
      if (ends.aborted) throw ends.reason;
      throw error;
    } finally {
      timer[Symbol.dispose]();
    }
  }

  /** Ends what is kept open. */
  close(): void {
    for (const pool of Object.values(this.#pools ?? {})) {
      pool.http.destroy();
      pool.https.destroy();
    }
    this.#pools = undefined;
  }

  async #follow(request: OutboundRequest, signal: AbortSignal): Promise<OutboundResponse> {
    let hop = { method: checkMethod(request.method), url: parseUrl(request.url), body: request.body };
    const headers = this.#headers(request);
    for (let hops = 0; ; hops++) {
      const response = await this.#exchange(hop, headers, request, signal);
      const next = redirectOf(hop, response);
      if (!next || hops >= MOST_REDIRECTS || request.followsRedirects === false) return response;
      hop = next;
    }
  }

  #headers(request: OutboundRequest): Record<string, string> {
    const headers: Record<string, string> = {
      'user-agent': this.#options.userAgent,
      accept: '*/*',
      'accept-encoding': 'gzip, deflate, br',
    };
    for (const [name, value] of Object.entries(request.headers ?? {})) {
      const key = name.toLowerCase();
      if (FRAMING.has(key)) {
        throw new TerminalError('invalid', 'http.header_invalid', `the header ${key} cannot be set`, {
          hint: 'How a message is framed is decided by ChainBot.',
        });
      }
      headers[key] = value;
    }
    return headers;
  }

  async #exchange(
    hop: { readonly method: string; readonly url: URL; readonly body: string | Uint8Array | undefined },
    headers: Record<string, string>,
    { hostIsLiteral, maxBytes }: OutboundRequest,
    signal: AbortSignal,
  ): Promise<OutboundResponse> {
    const { method, url, body } = hop;
    const to = destinationOf(url, hostIsLiteral);
    if (isIP(to.host)) this.#guard.allowed(to, [{ address: to.host }]);
    const secure = url.protocol === 'https:';
    const pool = this.#pool(this.#guard.isTrusted(to));
    const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) };
    const options = {
      method,
      headers: { ...headers, ...length },
      lookup: this.#lookup(to),
      signal,
    };
    const open = (agent: http.Agent | false): ClientRequest =>
      secure ? https.request(url, { ...options, agent }) : http.request(url, { ...options, agent });
    try {
      const answer = await sendRequest(
        () => open(secure ? pool.https : pool.http),
        () => open(false),
        body,
      );
      return await readResponse(answer, maxBytes);
    } catch (error) {
      throw requestError(error, url.host);
    }
  }

  #pool(trusted: boolean): Pool {
    const pool = (): Pool => ({ http: new http.Agent(POOL), https: new https.Agent(POOL) });
    this.#pools ??= { trusted: pool(), other: pool() };
    return trusted ? this.#pools.trusted : this.#pools.other;
  }

  /** Resolves, judges, and hands only judged addresses to the socket. */
  #lookup(to: Destination): LookupFunction {
    return (hostname, options, done) => {
      resolveName(hostname, { ...options, all: true }, (error, found) => {
        if (error) {
          done(error, []);
          return;
        }
        try {
          const allowed = this.#guard.allowed(to, found);
          if (options.all) done(null, [...allowed]);
          else done(null, allowed[0]?.address ?? '', allowed[0]?.family);
        } catch (refusal) {
          done(refusal as NodeJS.ErrnoException, []);
        }
      });
    };
  }
}

function destinationOf(url: URL, isLiteral: boolean): Destination {
  const port = url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port);
  return { host: url.hostname.replace(/^\[|\]$/g, ''), port, isLiteral };
}

function checkMethod(method: string): string {
  const upper = method.toUpperCase();
  if (METHODS.has(upper)) return upper;
  throw new TerminalError(
    'invalid',
    'http.method_invalid',
    `"${method.slice(0, 20)}" is not a method to call with`,
    {
      hint: `Use one of ${[...METHODS].join(', ')}.`,
    },
  );
}

function parseUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url && (url.protocol === 'http:' || url.protocol === 'https:') && url.hostname !== '') return url;
  throw new TerminalError('invalid', 'http.url_invalid', 'this is not an http:// or https:// address', {
    hint: 'Write scheme and host: http://192.168.1.20:8080/path',
  });
}

function lateError(url: string, ms: number): RetryableError {
  const host = URL.canParse(url) ? new URL(url).host : 'the host';
  return new RetryableError('http.timeout', `${host} did not answer whole within ${ms} ms`, {
    hint: 'Check that it is up, or raise the timeout of the step.',
  });
}
