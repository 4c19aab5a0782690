import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

/** One request that arrived: an effect in the world. */
export interface Effect {
  /** `<run id>/<step path>`, the Idempotency-Key without its quotes. */
  readonly key: string;
  readonly run: string;
  readonly path: string;
  /** Which life of the daemon it came in. */
  readonly life: number;
  /** Its place among all effects. */
  readonly order: number;
}

/** A real HTTP server that counts effects by their idempotency key and answers after a moment. */
export class Effects implements AsyncDisposable {
  readonly all: Effect[] = [];
  /** Requests without a key, which must not be. */
  keyless = 0;
  /** Counted up by the test at each start of the daemon. */
  life = 0;
  readonly #server: Server;
  readonly #delayMs: () => number;

  constructor(delayMs: () => number = () => 0) {
    this.#delayMs = delayMs;
    this.#server = createServer((request, response) => this.#take(request, response));
    this.#server.keepAliveTimeout = 60_000;
  }

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return this;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/effect`;
  }

  /** Once nobody is connected any more: all that a dead process had sent has arrived. */
  async deserted(): Promise<void> {
    await pause(1); // connections that wait to be accepted are not counted
    const count = (): Promise<number> =>
      new Promise((resolve) => this.#server.getConnections((_, open) => resolve(open)));
    while ((await count()) > 0) await pause(1);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #take(request: IncomingMessage, response: ServerResponse): void {
    const header = String(request.headers['idempotency-key'] ?? '');
    const key = header.startsWith('"') ? (JSON.parse(header) as string) : header;
    const slash = key.indexOf('/');
    if (slash < 0) this.keyless++;
    const effect = { key, run: key.slice(0, slash), path: key.slice(slash + 1), life: this.life };
    this.all.push({ ...effect, order: this.all.length });
    request.resume();
    setTimeout(() => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end('{"ok":true}');
    }, this.#delayMs());
  }
}
