import { type IncomingMessage, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import type { EventLogPort } from '#bus/port.ts';
import type { Actor } from '#core/actor.ts';
import { type ChainbotError, TerminalError } from '#core/errors.ts';
import { API_BASE } from './contract/api-base.ts';
import { PROBLEM_TYPE } from './contract/problem.ts';
import { problemOf, retryAfterOf } from './error-map.ts';
import type { Gate } from './gate.ts';
import type { LiveStream, LiveStreams } from './live-streams.ts';
import { type SessionLimits, WebSocketSession } from './websocket-session.ts';

export interface WebSocketFeedDeps {
  readonly events: EventLogPort;
  readonly streams: LiveStreams;
  readonly limits: SessionLimits;
  /** Anything that is thrown becomes an error to answer with; unknown ones are logged there. */
  readonly known: (error: unknown, path: string | undefined) => ChainbotError;
}

const PATH = `${API_BASE}/ws`;
/** The gate lets nobody past to here without saying who it is. */
const NOBODY: Actor = { kind: 'system', id: 'nobody' };
const LARGEST_MESSAGE = 64 * 1024;

/** Takes WebSocket upgrades at /api/chainbot/ws: checks who asks, then hands over to a session. */
export class WebSocketFeed {
  readonly #deps: WebSocketFeedDeps;
  readonly #server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: LARGEST_MESSAGE,
  });

  constructor(deps: WebSocketFeedDeps) {
    this.#deps = deps;
  }

  /** For node's `upgrade` event. */
  upgrade(incoming: IncomingMessage, socket: Duplex, head: Buffer, gate: Gate): void {
    socket.on('error', () => socket.destroy());
    let place: LiveStream;
    try {
      const actor = gate(incoming);
      checkTarget(incoming);
      place = this.#deps.streams.claim(actor ?? NOBODY);
    } catch (error) {
      refuse(socket, this.#deps.known(error, incoming.url));
      return;
    }
    const { events, limits } = this.#deps;
    this.#server.handleUpgrade(incoming, socket, head, (ws: WebSocket) => {
      place.keep(new WebSocketSession(ws, events, limits).serve(place.ending));
    });
  }
}

/**
 * A page of another site could open a WebSocket here with whatever the browser knows; its Origin gives it
 * away. Programs send none.
 */
function checkTarget(incoming: IncomingMessage): void {
  const { origin, host } = incoming.headers;
  if (origin !== undefined && URL.parse(origin)?.host !== host?.toLowerCase()) {
    throw new TerminalError('forbidden', 'request.origin', 'pages of another site may not connect', {
      hint: 'Open it from a page that this daemon serves, or from a program without an Origin header.',
    });
  }
  if (incoming.url?.split('?', 1)[0] === PATH) return;
  throw new TerminalError('not_found', 'request.not_found', 'there is no WebSocket here', {
    hint: `It is at ${PATH}.`,
  });
}

/** Answers an upgrade with a problem, on the bare socket. */
function refuse(socket: Duplex, error: ChainbotError): void {
  const problem = problemOf(error);
  const body = JSON.stringify(problem);
  const seconds = retryAfterOf(error);
  const head = [
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status] ?? ''}`,
    `content-type: ${PROBLEM_TYPE}`,
    `content-length: ${Buffer.byteLength(body)}`,
    ...(seconds === undefined ? [] : [`retry-after: ${seconds}`]),
    ...(problem.status === 401 ? ['www-authenticate: Bearer realm="chainbot"'] : []),
    'connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}
