import { connect } from 'node:net';

/**
 * A load generator that costs little: keep-alive connections that each send the next request when the answer
 * to the last is there. Run as a process of its own: `node load.ts '{"port":…}'`; prints one JSON line.
 */
export interface Load {
  readonly port: number;
  readonly connections: number;
  /** Requests in all. */
  readonly count: number;
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly token?: string;
  readonly body?: string;
}

export interface LoadResult {
  readonly perSecond: number;
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
  readonly errors: number;
}

const GIVE_UP_MS = 60_000;

function requestText(load: Load): string {
  const headers = [`${load.method} ${load.path} HTTP/1.1`, `Host: 127.0.0.1:${load.port}`];
  if (load.token) headers.push(`Authorization: Bearer ${load.token}`);
  if (load.body !== undefined)
    headers.push('Content-Type: application/json', `Content-Length: ${load.body.length}`);
  return `${headers.join('\r\n')}\r\n\r\n${load.body ?? ''}`;
}

async function generate(load: Load): Promise<LoadResult> {
  const request = requestText(load);
  const times: number[] = [];
  let left = load.count;
  let errors = 0;
  const began = performance.now();
  const lane = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const socket = connect(load.port, '127.0.0.1');
      let sentAt = 0;
      let received = '';
      const next = (): void => {
        if (left-- <= 0) return void socket.end(resolve);
        sentAt = performance.now();
        socket.write(request);
      };
      socket
        .setNoDelay(true)
        .setEncoding('latin1')
        .setTimeout(GIVE_UP_MS, () => socket.destroy(new Error('no answer')));
      socket.on('connect', next).on('error', reject);
      socket.on('data', (chunk: string) => {
        received += chunk;
        const size = answerSize(received);
        if (size === undefined || received.length < size) return;
        if (!/^HTTP\/1\.1 2/.test(received)) errors++;
        received = received.slice(size);
        times.push(performance.now() - sentAt);
        next();
      });
    });
  await Promise.all(Array.from({ length: load.connections }, lane));
  const seconds = (performance.now() - began) / 1000;
  times.sort((a, b) => a - b);
  const at = (share: number): number => times[Math.floor(times.length * share)] ?? 0;
  return { perSecond: load.count / seconds, p50: at(0.5), p99: at(0.99), errors };
}

/** Length of the first answer in the text, once its headers are there. */
function answerSize(text: string): number | undefined {
  const end = text.indexOf('\r\n\r\n');
  if (end < 0) return undefined;
  const length = /\r\ncontent-length: (\d+)/i.exec(text.slice(0, end));
  if (length) return end + 4 + Number(length[1]);
  const last = text.indexOf('0\r\n\r\n', end);
  return last < 0 ? undefined : last + 5;
}

if (import.meta.main)
  console.log(JSON.stringify(await generate(JSON.parse(process.argv[2] as string) as Load)));
