import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Part, PartHealth } from '#core/part.ts';
import { unwell, WELL } from '#core/part.ts';
import { AllowedHosts } from './allowed-hosts.ts';
import { buildApp, known, nodeListener, openapiText } from './api-app.ts';
import { type ApiDeps, type ApiLimits, DEFAULT_LIMITS } from './api-deps.ts';
import type { InfoAnswer } from './contract/module.ts';
import type { Endpoint } from './endpoint.ts';
import { type Gate, socketGate, tcpGate } from './gate.ts';
import { HttpCounters } from './http-counters.ts';
import { HttpListener } from './http-listener.ts';
import { listenSocket } from './listen-socket.ts';
import { listenTcp } from './listen-tcp.ts';
import { LiveStreams } from './live-streams.ts';
import type { Metric } from './metrics-text.ts';
import type { ApiApp } from './mount.ts';
import { approvalRoutes } from './routes/approval-routes.ts';
import { deviceRoutes } from './routes/device-routes.ts';
import { eventRoutes } from './routes/event-routes.ts';
import { historyRoutes } from './routes/history-routes.ts';
import { hookRoutes } from './routes/hook-routes.ts';
import { moduleRoutes } from './routes/module-routes.ts';
import { notificationRoutes } from './routes/notification-routes.ts';
import { outboxRoutes } from './routes/outbox-routes.ts';
import { runRoutes } from './routes/run-routes.ts';
import { secretRoutes } from './routes/secret-routes.ts';
import { tokenRoutes } from './routes/token-routes.ts';
import { triggerRoutes } from './routes/trigger-routes.ts';
import { workbenchRoutes } from './routes/workbench-routes.ts';
import { workflowRoutes } from './routes/workflow-routes.ts';
import { WebSocketFeed } from './websocket-feed.ts';

/** The HTTP API over TCP and the unix socket. */
export class ApiServer implements Part {
  readonly name = 'api';
  readonly #deps: ApiDeps;
  readonly #limits: ApiLimits;
  readonly #counters = new HttpCounters();
  readonly #streams: LiveStreams;
  #app: ApiApp | undefined;
  #tcp: HttpListener | undefined;
  #socket: HttpListener | undefined;
  #openapi: string | undefined;

  constructor(deps: ApiDeps) {
    this.#deps = deps;
    this.#limits = { ...DEFAULT_LIMITS, ...deps.limits };
    this.#streams = new LiveStreams(this.#limits.streams);
  }

  /**
   * Listens on the socket, then on TCP. After it threw nothing listens and it may be tried again.
   * @throws TerminalError `api.port_taken`, `api.socket_taken` and others, each with its mend
   */
  async start(signal: AbortSignal): Promise<void> {
    const { listen, portOwner, tokens } = this.#deps;
    this.#app ??= buildApp(this.#routes(), this.#limits.bodyBytes, this.#deps.log);
    this.#streams.renew();
    try {
      if (listen.socketPath !== undefined) {
        this.#socket = this.#listener(socketGate());
        await listenSocket(this.#socket, listen.socketPath, listen.socketGroup);
      }
      signal.throwIfAborted();
      if (listen.port !== undefined) {
        const hosts = new AllowedHosts(listen.host, listen.allowedHosts ?? []);
        this.#tcp = this.#listener(tcpGate(hosts, tokens));
        await listenTcp(this.#tcp, listen.host, listen.port, portOwner);
      }
      signal.throwIfAborted();
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  /** Ends streams with a word, waits for requests under way, then ends what is left; within 5 s. */
  async stop(): Promise<void> {
    const listeners = [this.#tcp, this.#socket].filter((listener) => listener !== undefined);
    this.#tcp = this.#socket = undefined;
    const closing = listeners.map((listener) => listener.close(this.#limits.stopMs));
    await this.#streams.end();
    await Promise.all(closing);
  }

  health(): PartHealth {
    const { socketPath, port } = this.#deps.listen;
    const deaf =
      (port !== undefined && !this.#tcp?.listening) || (socketPath !== undefined && !this.#socket?.listening);
    return deaf ? unwell(0, 'the API does not listen', 'Restart the daemon and look at its log.') : WELL;
  }

  /** Where it listens now; what is not listened on is null. */
  address(): { readonly url: string | null; readonly port: number | null; readonly socket: string | null } {
    const tcp = this.#tcp?.address() as AddressInfo | null | undefined;
    const socket = this.#socket?.listening ? (this.#deps.listen.socketPath ?? null) : null;
    if (!tcp) return { url: null, port: null, socket };
    const host = tcp.family === 'IPv6' ? `[${tcp.address}]` : tcp.address;
    return { url: `http://${host}:${tcp.port}`, port: tcp.port, socket };
  }

  #listener(gate: Gate): HttpListener {
    const { log, events } = this.#deps;
    const answer = nodeListener(this.#app as ApiApp, gate, this.#counters, log);
    const feed = new WebSocketFeed({
      events,
      streams: this.#streams,
      limits: this.#limits,
      known: (error, path) => known(error, log, 'GET', path),
    });
    return new HttpListener(this.#limits, {
      request: (incoming: IncomingMessage, outgoing: ServerResponse) => void answer(incoming, outgoing),
      upgrade: (incoming, socket, head) => feed.upgrade(incoming, socket, head, gate),
    });
  }

  #routes(): readonly Endpoint[] {
    const { workflows, runs, tokens, notifications, outbox, events, vault, triggers, hooks, trust } =
      this.#deps;
    const { approvals, past, workbench } = this.#deps;
    return [
      ...moduleRoutes({
        health: this.#deps.health,
        info: () => this.#info(),
        metrics: () => this.#metrics(),
        openapi: () => this.#document(),
      }),
      ...workflowRoutes(workflows),
      ...(workbench ? workbenchRoutes(workbench) : []),
      ...runRoutes(runs, past),
      ...(past ? historyRoutes(past) : []),
      ...(approvals ? approvalRoutes(approvals) : []),
      ...deviceRoutes(this.#deps),
      ...eventRoutes({ events, streams: this.#streams, limits: this.#limits }),
      ...(notifications ? notificationRoutes(notifications) : []),
      ...(outbox ? outboxRoutes(outbox) : []),
      ...tokenRoutes(tokens, this.#streams),
      ...(triggers && trust ? triggerRoutes(triggers, trust) : []),
      ...(hooks ? hookRoutes(hooks) : []),
      ...(vault ? secretRoutes(vault) : []),
    ];
  }

  #info(): InfoAnswer {
    const { url, socket } = this.address();
    return { ...this.#deps.info(), api: { url, socket } };
  }

  #metrics(): readonly Metric[] {
    return [...this.#deps.metrics(), ...this.#counters.metrics(this.#streams.count)];
  }

  #document(): string {
    this.#openapi ??= openapiText(this.#app as ApiApp, this.#deps.info().version);
    return this.#openapi;
  }
}

/** The API as a part; nothing listens before it is started. */
export function createApi(deps: ApiDeps): ApiServer {
  return new ApiServer(deps);
}
