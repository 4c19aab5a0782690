import { Agent, request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest, Agent as TlsAgent } from 'node:https';
import { type ChainbotError, RetryableError, TerminalError } from '#core/errors.ts';
import { API_BASE } from './contract/api-base.ts';
import type { Problem } from './contract/problem.ts';
import { errorOfProblem } from './error-map.ts';

/** Where the daemon is: a unix socket, which needs no token, or a URL with one. */
export interface ClientTarget {
  readonly socketPath?: string | undefined;
  /** `http://greenhouse.local:8000`; a path in it is ignored. */
  readonly url?: string | undefined;
  readonly token?: string | undefined;
  /** Milliseconds of silence before a request is given up; default 30 s. Streams have their own. */
  readonly timeoutMs?: number | undefined;
}

export interface ClientRequest {
  readonly method: string;
  /** Below `/api/chainbot`, with its query. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly body?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly timeoutMs?: number | undefined;
}

const LARGEST_ANSWER = 64 * 1024 * 1024;

/** HTTP/1.1 to one daemon, over connections that are kept. Knows problems, not what the answers mean. */
export class ClientTransport {
  readonly #target: ClientTarget;
  readonly #base: URL;
  readonly #agent: Agent;

  constructor(target: ClientTarget) {
    this.#target = target;
    this.#base = baseUrl(target);
    const options = { keepAlive: true, maxSockets: 64 };
    this.#agent = this.#base.protocol === 'https:' ? new TlsAgent(options) : new Agent(options);
  }

  /**
   * The answer's head, whatever its status; the caller reads or destroys the body.
   * @throws RetryableError `client.unreachable`, `client.timeout`; TerminalError `client.forbidden`
   */
  open(request: ClientRequest): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const send = this.#base.protocol === 'https:' ? httpsRequest : httpRequest;
      const outgoing = send({
        ...this.#address(),
        agent: this.#agent,
        method: request.method,
        path: API_BASE + request.path,
        headers: this.#headers(request),
        ...(request.signal ? { signal: request.signal } : {}),
      });
      const timeoutMs = request.timeoutMs ?? this.#target.timeoutMs ?? 30_000;
      outgoing.setTimeout(timeoutMs, () => outgoing.destroy(silence(timeoutMs)));
      outgoing.once('response', resolve);
      outgoing.once('error', (error) => reject(this.#explain(error, request.signal)));
      outgoing.end(request.body);
    });
  }

  /**
   * The whole answer as text, when its status is 2xx or one of `accept`.
   * @throws ChainbotError rebuilt from the problem that the daemon answered
   */
  async text(request: ClientRequest, accept: readonly number[] = []): Promise<string> {
    return this.read(await this.open(request), accept, request.signal);
  }

  /** The body of an answer from {@link open}, or the error that it is. */
  async read(answer: IncomingMessage, accept: readonly number[] = [], signal?: AbortSignal): Promise<string> {
    const text = await this.#body(answer, signal);
    const status = answer.statusCode ?? 0;
    if ((status >= 200 && status < 300) || accept.includes(status)) return text;
    throw refusal(answer, text);
  }

  /** Ends the kept connections. */
  close(): void {
    this.#agent.destroy();
  }

  #address(): object {
    if (this.#target.socketPath !== undefined) return { socketPath: this.#target.socketPath };
    return { hostname: this.#base.hostname.replace(/^\[|\]$/g, ''), port: this.#base.port };
  }

  #headers(request: ClientRequest): Record<string, string> {
    const headers: Record<string, string> = { host: this.#base.host, ...request.headers };
    if (this.#target.token !== undefined) headers.authorization = `Bearer ${this.#target.token}`;
    if (request.body !== undefined) headers['content-length'] = String(Buffer.byteLength(request.body));
    return headers;
  }

  async #body(answer: IncomingMessage, signal: AbortSignal | undefined): Promise<string> {
    const chunks: Buffer[] = [];
    let size = 0;
    try {
      for await (const chunk of answer as AsyncIterable<Buffer>) {
        size += chunk.length;
        if (size > LARGEST_ANSWER) throw tooLarge();
        chunks.push(chunk);
      }
    } catch (error) {
      throw this.#explain(error, signal);
    }
    return Buffer.concat(chunks).toString('utf8');
  }

  #explain(error: unknown, signal: AbortSignal | undefined): unknown {
    if (signal?.aborted) return signal.reason;
    if (error instanceof RetryableError || error instanceof TerminalError) return error;
    const { code, message } = error as NodeJS.ErrnoException;
    const where = this.#target.socketPath ?? this.#base.origin;
    if (code === 'EACCES' || code === 'EPERM') {
      return new TerminalError('forbidden', 'client.forbidden', `may not open ${where}`, {
        cause: error,
        hint: "Run it as the daemon's user, join the group of api.socket_group, or use --url with --token.",
      });
    }
    return new RetryableError('client.unreachable', `no ChainBot answers at ${where} (${code ?? message})`, {
      cause: error,
      hint: 'Is the daemon running? Start it with scripts/run or systemctl start chainbot.',
    });
  }
}

function baseUrl(target: ClientTarget): URL {
  if (target.socketPath !== undefined) return new URL('http://localhost');
  const base = URL.parse(target.url ?? 'http://127.0.0.1:8000');
  if (base && (base.protocol === 'http:' || base.protocol === 'https:')) return base;
  throw new TerminalError('invalid', 'client.url_invalid', `"${target.url}" is not an http address`, {
    hint: 'Write it as http://HOST:PORT.',
  });
}

function refusal(answer: IncomingMessage, text: string): ChainbotError {
  const problem = readProblem(text);
  if (problem) return errorOfProblem(problem, answer.headers['retry-after']);
  return new TerminalError(
    'failed',
    'client.not_chainbot',
    `the answer ${answer.statusCode} is not ChainBot's`,
    {
      hint: 'Is something else behind this address, or a proxy in between?',
    },
  );
}

function readProblem(text: string): Problem | undefined {
  try {
    const value = JSON.parse(text) as Partial<Problem> | null;
    const whole = typeof value?.code === 'string' && typeof value.status === 'number';
    return whole ? ({ detail: '', ...value } as Problem) : undefined;
  } catch {
    return undefined;
  }
}

function silence(timeoutMs: number): RetryableError {
  return new RetryableError('client.timeout', `the daemon said nothing for ${timeoutMs / 1000} s`, {
    hint: 'Look at its health: chainbot status.',
  });
}

function tooLarge(): TerminalError {
  return new TerminalError('too_large', 'client.answer_too_large', 'the answer is larger than 64 MiB', {
    hint: 'Ask for less at once with a limit.',
  });
}
