import {
  createServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
  STATUS_CODES,
} from 'node:http';
import type { AddressInfo, ListenOptions as NodeListenOptions, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import { TerminalError } from '#core/errors.ts';
import type { ApiLimits } from './api-deps.ts';
import { PROBLEM_TYPE } from './contract/problem.ts';
import { problemOf } from './error-map.ts';

export interface HttpHandlers {
  request(incoming: IncomingMessage, outgoing: ServerResponse): void;
  upgrade(incoming: IncomingMessage, socket: Duplex, head: Buffer): void;
}

const LARGEST_HEAD = 16 * 1024;
const CLOSE_POLL_MS = 25;

/** One node HTTP server with its limits: what is not HTTP, too slow or too large never reaches a route. */
export class HttpListener {
  readonly #limits: ApiLimits;
  readonly #handlers: HttpHandlers;
  #server: Server | undefined;

  constructor(limits: ApiLimits, handlers: HttpHandlers) {
    this.#limits = limits;
    this.#handlers = handlers;
  }

  /** Rejects with node's own error (EADDRINUSE, EACCES, …). */
  listen(where: NodeListenOptions): Promise<void> {
    const server = this.#create();
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen(where, () => {
        server.off('error', reject);
        server.on('error', () => {});
        this.#server = server;
        resolve();
      });
    });
  }

  get listening(): boolean {
    return this.#server?.listening ?? false;
  }

  address(): AddressInfo | string | null {
    return this.#server?.address() ?? null;
  }

  /** Takes no more connections, lets requests under way finish for `graceMs`, then ends them. */
  async close(graceMs: number): Promise<void> {
    const server = this.#server;
    if (!server) return;
    this.#server = undefined;
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    const stopped = new AbortController();
    const sweep = async (): Promise<void> => {
      const deadline = performance.now() + graceMs;
      while (!stopped.signal.aborted) {
        if (performance.now() >= deadline) server.closeAllConnections();
        else server.closeIdleConnections();
        await pause(CLOSE_POLL_MS, undefined, { signal: stopped.signal }).catch(() => {});
      }
    };
    const sweeping = sweep();
    await closed;
    stopped.abort();
    await sweeping;
  }

  #create(): Server {
    const { headersTimeoutMs, requestTimeoutMs, connections, bodyBytes } = this.#limits;
    const server = createServer({
      maxHeaderSize: LARGEST_HEAD,
      headersTimeout: headersTimeoutMs,
      requestTimeout: requestTimeoutMs,
      connectionsCheckingInterval: Math.min(2000, Math.ceil(headersTimeoutMs / 4)),
      keepAliveTimeout: 30_000,
      keepAlive: true,
      keepAliveInitialDelay: 30_000,
      noDelay: true,
    });
    server.maxConnections = connections;
    server.on('request', this.#handlers.request);
    server.on('checkContinue', (incoming: IncomingMessage, outgoing: ServerResponse) => {
      // A body that is too large is refused before it is sent.
      if (!(Number(incoming.headers['content-length']) > bodyBytes)) outgoing.writeContinue();
      this.#handlers.request(incoming, outgoing);
    });
    server.on('upgrade', (incoming: IncomingMessage, socket: Duplex, head: Buffer) =>
      this.#handlers.upgrade(incoming, socket, head),
    );
    server.on('clientError', answerBadHttp);
    return server;
  }
}

/** What node could not read as a request, or did not get in time. */
function answerBadHttp(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const problem = problemOf(badHttp(error.code));
  const body = JSON.stringify(problem);
  const head = [
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status] ?? ''}`,
    `content-type: ${PROBLEM_TYPE}`,
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`, () => socket.destroySoon());
}

function badHttp(code: string | undefined): TerminalError {
  if (code === 'HPE_HEADER_OVERFLOW') {
    const message = `the address and the headers are larger than ${LARGEST_HEAD} bytes`;
    return new TerminalError('too_large', 'request.headers_too_large', message);
  }
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    return new TerminalError('invalid', 'request.timeout', 'the request did not come in time');
  }
  return new TerminalError('invalid', 'request.malformed', 'this is not HTTP/1.1');
}
