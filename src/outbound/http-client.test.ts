import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '#core/clock.ts';
import type { ListeningAddress } from './address-guard.ts';
import { HttpClient } from './http-client.ts';
import type { OutboundRequest } from './port.ts';

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

let server: Server;
let port: number;
let handler: Handler;
let client: HttpClient;
let listening: ListeningAddress[];

const text = (body: Uint8Array): string => Buffer.from(body).toString();
const request = (path: string, more: Partial<OutboundRequest> = {}, signal?: AbortSignal) =>
  client.request(
    {
      method: 'GET',
      url: `http://127.0.0.1:${port}${path}`,
      hostIsLiteral: true,
      timeoutMs: 5000,
      maxBytes: 1000,
      ...more,
    },
    signal,
  );
const readBody = async (message: IncomingMessage): Promise<string> => {
  let body = '';
  for await (const chunk of message) body += chunk;
  return body;
};

beforeEach(async () => {
  handler = (_, response) => response.end('hello');
  server = createServer((message, response) => handler(message, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  port = (server.address() as AddressInfo).port;
  listening = [];
  client = new HttpClient({
    clock: systemClock,
    userAgent: 'ChainBot/test',
    allowHosts: [],
    listening: () => listening,
  });
});
afterEach(async () => {
  client.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

describe('the HTTP client', () => {
  it('sends method, headers and body and gives the answer whatever its status', async () => {
    handler = async (message, response) => {
      const body = await readBody(message);
      response.setHeader('set-cookie', ['a=1', 'b=2']);
      response.writeHead(503, {
        'x-seen': `${message.method} ${message.headers['x-mine']} ${message.headers['content-length']}`,
      });
      response.end(`got ${body}`);
    };
    const answer = await request('/x', { method: 'post', headers: { 'X-Mine': 'yes' }, body: 'grüezi' });
    expect(answer.status).toBe(503);
    expect(answer.headers).toMatchObject({ 'x-seen': 'POST yes 7', 'set-cookie': 'a=1, b=2' });
    expect(text(answer.body)).toBe('got grüezi');
  });

  it('sends its own user agent, and bytes as they are', async () => {
    handler = async (message, response) =>
      response.end(`${message.headers['user-agent']} ${await readBody(message)}`);
    expect(text((await request('/', { method: 'PUT', body: new Uint8Array([65, 66]) })).body)).toBe(
      'ChainBot/test AB',
    );
  });

  it.each([
    ['gzip', gzipSync('packed')],
    ['br', brotliCompressSync('packed')],
  ])('unpacks %s', async (encoding, body) => {
    handler = (_, response) => response.setHeader('content-encoding', encoding).end(body);
    const answer = await request('/');
    expect(text(answer.body)).toBe('packed');
    expect(answer.headers['content-encoding']).toBeUndefined();
  });

  it('takes an empty packed answer, and HEAD', async () => {
    handler = (_, response) => response.setHeader('content-encoding', 'gzip').end();
    expect((await request('/', { method: 'HEAD' })).body).toHaveLength(0);
    expect((await request('/')).body).toHaveLength(0);
    handler = (_, response) => response.setHeader('content-length', '5000').end();
    expect((await request('/', { method: 'HEAD' })).headers['content-length']).toBe('5000');
  });

  it('refuses an answer that is packed wrongly', async () => {
    handler = (_, response) => response.setHeader('content-encoding', 'gzip').end('no gzip');
    await expect(request('/')).rejects.toMatchObject({ code: 'http.body_invalid' });
    handler = (_, response) => response.setHeader('content-encoding', 'br').end('no brotli at all');
    await expect(request('/')).rejects.toMatchObject({ code: 'http.body_invalid' });
  });

  it('refuses answers that are too large: announced, streamed, or packed', async () => {
    const tooLarge = { code: 'http.too_large' };
    handler = (_, response) => response.end('x'.repeat(1001));
    await expect(request('/')).rejects.toMatchObject(tooLarge);
    handler = (_, response) => {
      response.write('x'.repeat(600));
      response.write('x'.repeat(600));
    };
    await expect(request('/')).rejects.toMatchObject(tooLarge);
    handler = (_, response) =>
      response.setHeader('content-encoding', 'gzip').end(gzipSync('x'.repeat(1_000_000)));
    await expect(request('/')).rejects.toMatchObject(tooLarge);
    handler = (_, response) => response.setHeader('x-huge', 'x'.repeat(20_000)).end();
    await expect(request('/')).rejects.toMatchObject(tooLarge);
    handler = (_, response) => response.end('x'.repeat(1000));
    expect((await request('/')).body).toHaveLength(1000);
  });

  it('ends when the time is over, before and during the answer', async () => {
    handler = () => {};
    await expect(request('/', { timeoutMs: 50 })).rejects.toMatchObject({ code: 'http.timeout' });
    handler = (_, response) => response.write('a bit');
    await expect(request('/', { timeoutMs: 50 })).rejects.toMatchObject({ code: 'http.timeout' });
  });

  it('ends when it is told to', async () => {
    handler = () => {};
    const controller = new AbortController();
    const answer = request('/', {}, controller.signal);
    setTimeout(() => controller.abort(new Error('cancelled')), 20);
    await expect(answer).rejects.toThrow('cancelled');
    await expect(request('/', {}, controller.signal)).rejects.toThrow('cancelled');
  });

  it('says what cannot be reached, and that it may be tried again', async () => {
    const url = 'http://127.0.0.1:9/';
    await expect(request('', { url })).rejects.toMatchObject({
      name: 'RetryableError',
      code: 'http.unreachable',
    });
    await expect(request('', { url: 'http://nothing.invalid/' })).rejects.toMatchObject({
      code: 'http.unreachable',
    });
    handler = (message) => message.socket.destroy();
    await expect(request('/')).rejects.toMatchObject({ code: 'http.unreachable' });
    handler = (_, response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('half');
      setTimeout(() => response.destroy(), 20);
    };
    await expect(request('/')).rejects.toMatchObject({ code: 'http.unreachable' });
  });

  it('says that https is not spoken there', async () => {
    await expect(request('', { url: `https://127.0.0.1:${port}/` })).rejects.toMatchObject({
      code: 'http.unreachable',
    });
  });

  it('refuses what is no request', async () => {
    for (const url of ['', '/x', 'ftp://a.lan/', 'file:///etc/passwd', 'http://']) {
      await expect(request('', { url })).rejects.toMatchObject({ code: 'http.url_invalid' });
    }
    await expect(request('', { url: `http://%zz:x@127.0.0.1:${port}/` })).rejects.toMatchObject({
      code: 'http.url_invalid',
    });
    await expect(request('/', { method: 'CONNECT' })).rejects.toMatchObject({ code: 'http.method_invalid' });
    await expect(request('/', { headers: { 'X-A': 'a\r\nX-B: b' } })).rejects.toMatchObject({
      code: 'http.header_invalid',
    });
    await expect(request('/', { headers: { 'x a': 'b' } })).rejects.toMatchObject({
      code: 'http.header_invalid',
    });
    await expect(request('/', { headers: { 'Transfer-Encoding': 'chunked' } })).rejects.toMatchObject({
      code: 'http.header_invalid',
    });
  });

  it('follows redirects on the same host, a few', async () => {
    const seen: string[] = [];
    handler = (message, response) => {
      seen.push(message.url ?? '');
      if (message.url === '/end') response.end('there');
      else response.writeHead(302, { location: message.url === '/loop' ? '/loop' : '/end' }).end();
    };
    expect(text((await request('/start')).body)).toBe('there');
    expect(seen).toEqual(['/start', '/end']);
    expect((await request('/loop')).status).toBe(302);
    expect(seen).toHaveLength(2 + 6);
  });

  it('gives a redirect to another host as the answer', async () => {
    handler = (_, response) => response.writeHead(302, { location: 'http://127.0.0.2/secret' }).end();
    expect(await request('/')).toMatchObject({
      status: 302,
      headers: { location: 'http://127.0.0.2/secret' },
    });
  });

  it('sends again what may be repeated when a kept connection was just closed', async () => {
    let calls = 0;
    handler = (message, response) => {
      calls++;
      // The first call of each connection is answered, the second finds it cut.
      const { socket } = message as { socket: IncomingMessage['socket'] & { used?: boolean } };
      if (socket.used) socket.resetAndDestroy();
      else response.end('ok');
      socket.used = true;
    };
    await request('/');
    expect((await request('/')).status).toBe(200);
    expect(calls).toBe(3);
    await request('/');
    await expect(request('/', { method: 'POST' })).rejects.toMatchObject({ code: 'http.unreachable' });
    await request('/');
    expect((await request('/', { method: 'POST', headers: { 'Idempotency-Key': '"k"' } })).status).toBe(200);
  });
});

describe('the guard in the client', () => {
  it('refuses a host from data that leads to this machine, in every spelling', async () => {
    const spellings = ['127.0.0.1', '2130706433', '0x7f.1', '0177.0.0.1', '[::ffff:127.0.0.1]', 'localhost'];
    for (const host of spellings) {
      const url = `http://${host}:${port}/`;
      await expect(request('', { url, hostIsLiteral: false })).rejects.toMatchObject({
        code: 'http.address_refused',
      });
    }
    expect((await request('', { url: `http://localhost:${port}/` })).status).toBe(200);
  });

  it('does not reuse a trusted connection for data', async () => {
    const url = `http://localhost:${port}/`;
    await request('', { url });
    await expect(request('', { url, hostIsLiteral: false })).rejects.toMatchObject({
      code: 'http.address_refused',
    });
  });

  it('refuses metadata and this daemon, also when written by the owner', async () => {
    listening = [{ address: '127.0.0.1', port }];
    await expect(request('/')).rejects.toMatchObject({ code: 'http.address_refused' });
    await expect(request('', { url: `http://localhost:${port}/` })).rejects.toMatchObject({
      code: 'http.address_refused',
    });
    const metadata = request('', { url: 'http://169.254.169.254/latest/' });
    await expect(metadata).rejects.toMatchObject({ code: 'http.address_refused' });
  });

  it('allows what the configuration allows', async () => {
    client = new HttpClient({
      clock: systemClock,
      userAgent: 't',
      allowHosts: ['localhost'],
      listening: () => [],
    });
    expect((await request('', { url: `http://localhost:${port}/`, hostIsLiteral: false })).status).toBe(200);
  });
});

it('does not take something else for HTTP', async () => {
  const other = createTcpServer((socket) => socket.end('SSH-2.0-OpenSSH_9.2\r\n'));
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(other.address() as AddressInfo).port}/`;
  await expect(request('', { url })).rejects.toMatchObject({ code: 'http.unreachable' });
  other.close();
});
