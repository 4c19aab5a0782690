import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CloudEventAnswer } from '#api/contract/event.ts';
import type { Problem } from '#api/contract/problem.ts';
import { sample } from './samples.ts';

export interface TestRequest {
  readonly method: string;
  /** Below /api/chainbot, with its query. */
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

export interface TestAnswer {
  readonly status?: number;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export type TestRoute = TestAnswer | ((request: TestRequest) => TestAnswer | Promise<TestAnswer>);

/**
 * For the tests of src/cli: a real HTTP server on a unix socket in a folder of its own, which answers as the
 * contract says. Each route can be given another answer; `emit` feeds the event streams.
 */
export class TestDaemon {
  readonly folder = mkdtempSync(join(tmpdir(), 'chainbot-cli-'));
  readonly socket = join(this.folder, 'chainbot.sock');
  readonly requests: TestRequest[] = [];
  readonly #routes = new Map<string, TestRoute>(Object.entries(sample.routes));
  readonly #streams = new Set<ServerResponse>();
  #server: Server | undefined;
  #tcp: Server | undefined;
  readonly #log: CloudEventAnswer[] = [];
  #seq = 100;

  async start(): Promise<this> {
    this.#server = createServer((request, response) => void this.#serve(request, response));
    await new Promise<void>((resolve) => this.#server?.listen(this.socket, resolve));
    return this;
  }

  /** Also over TCP; resolves with the URL. */
  async startTcp(): Promise<string> {
    this.#tcp = createServer((request, response) => void this.#serve(request, response));
    const server = this.#tcp;
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(server.address() as { port: number }).port}`;
  }

  async stop(): Promise<void> {
    for (const server of [this.#server, this.#tcp]) {
      server?.closeAllConnections();
      await new Promise((resolve) => (server ? server.close(resolve) : resolve(undefined)));
    }
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Ends the event streams, as a daemon that restarts does. */
  drop(): void {
    for (const stream of this.#streams) stream.destroy();
  }

  get streams(): number {
    return this.#streams.size;
  }

  /** Gives a route (`GET /runs`) another answer. */
  on(route: string, answer: TestRoute): void {
    this.#routes.set(route, answer);
  }

  refuse(route: string, problem: Partial<Problem> & Pick<Problem, 'status' | 'code'>): void {
    const type = `urn:chainbot:error:${problem.code}`;
    this.on(route, {
      status: problem.status,
      body: { type, title: 'no', detail: 'it is not so', ...problem },
    });
  }

  emit(type: string, subject: string, data: CloudEventAnswer['data'] = {}): CloudEventAnswer {
    this.#seq += 1;
    const event = sample.event(this.#seq, type, subject, data);
    this.#log.push(event);
    for (const stream of this.#streams) stream.write(frame(event));
    return event;
  }

  async #serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = (incoming.url ?? '').replace('/api/chainbot', '');
    if (incoming.headers.accept === 'text/event-stream') {
      this.requests.push({ method: 'SSE', path, headers: incoming.headers, body: '' });
      return this.#stream(path, incoming.headers['last-event-id'], response);
    }
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    const method = incoming.method ?? '';
    const request = { method, path, headers: incoming.headers, body: Buffer.concat(chunks).toString() };
    this.requests.push(request);
    const written = this.#log.length > 0 && method === 'GET' && path.startsWith('/events?');
    const fixed = this.#routes.get(`${method} ${path.split('?')[0]}`) ?? NOT_FOUND;
    const route = written ? this.#page(Number(query(path).get('after'))) : fixed;
    const { status = 200, body, headers } = typeof route === 'function' ? await route(request) : route;
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(body === undefined ? undefined : JSON.stringify(body));
  }

  #stream(path: string, lastId: unknown, response: ServerResponse): void {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(': here\n\n');
    const after = typeof lastId === 'string' ? lastId.split('-').at(-1) : query(path).get('after');
    if (after != null) for (const event of this.#after(Number(after))) response.write(frame(event));
    this.#streams.add(response);
    response.on('close', () => this.#streams.delete(response));
  }

  #after(seq: number): CloudEventAnswer[] {
    return this.#log.filter((event) => event.seq > seq);
  }

  /** Pages of two, so that paging is seen to work. */
  #page(after: number): TestAnswer {
    const events = this.#after(after).slice(0, 2);
    const head = this.#seq;
    return { body: { events, next: events.at(-1)?.seq ?? head, head, tail: 1, epoch: 'e1' } };
  }
}

function frame(event: CloudEventAnswer): string {
  return `id: ${event.id}\ndata: ${JSON.stringify(event)}\n\n`;
}

function query(path: string): URLSearchParams {
  return new URL(path, 'http://localhost').searchParams;
}

const NOT_FOUND: TestAnswer = {
  status: 404,
  body: {
    type: 'urn:chainbot:error:request.not_found',
    title: 'Not there',
    status: 404,
    code: 'request.not_found',
    detail: 'nothing is here',
    hint: 'See openapi.json.',
  },
};
