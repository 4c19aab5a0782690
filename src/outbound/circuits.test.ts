import { beforeEach, describe, expect, it } from 'vitest';
import { RetryableError, TerminalError } from '#core/errors.ts';
import { HandClock } from '../../tests/support/hand-clock.ts';
import { CircuitHttp } from './circuits.ts';
import type { HttpPort, OutboundRequest, OutboundResponse } from './port.ts';

const answered = (status: number): OutboundResponse => ({ status, headers: {}, body: new Uint8Array() });
const unreachable = () => new RetryableError('http.unreachable', 'nobody there');

let clock: HandClock;
let answer: (signal?: AbortSignal) => Promise<OutboundResponse>;
let sent: string[];
let http: CircuitHttp;

const port: HttpPort = {
  request: (request, signal) => {
    sent.push(request.url);
    return answer(signal);
  },
};
const ask = (url = 'http://a.test/x', signal?: AbortSignal) => {
  const request: OutboundRequest = { method: 'GET', url, hostIsLiteral: true, timeoutMs: 100, maxBytes: 10 };
  return http.request(request, signal).then(
    ({ status }) => String(status),
    (error: { code?: string }) => error.code ?? String(error),
  );
};
const askTimes = async (times: number): Promise<void> => {
  for (let i = 0; i < times; i++) await ask();
};

beforeEach(() => {
  clock = new HandClock();
  sent = [];
  answer = async () => answered(200);
  http = new CircuitHttp(port, clock, { failures: 3, pauseMs: 1000, longestPauseMs: 5000 });
});

describe('hosts that fail', () => {
  it.each([
    ['do not answer', async () => Promise.reject(unreachable())],
    ['answer late', async () => Promise.reject(new RetryableError('http.timeout', 'late'))],
    ['answer 5xx', async () => answered(502)],
  ])('are left alone when they %s', async (_, failing) => {
    answer = failing;
    await askTimes(3);
    expect(await ask('http://a.test/other')).toBe('http.circuit_open');
    expect(sent).toHaveLength(3);
    expect(http.open()).toEqual(['a.test:80']);
    expect(http.totals).toEqual({ calls: 3, failures: 3, held: 1 });
    expect(http.health()).toMatchObject({ score: 0.8, reasons: [expect.stringContaining('a.test:80')] });
  });

  it('say when to come back', async () => {
    answer = async () => answered(500);
    await askTimes(3);
    await clock.advance(400);
    const request = { method: 'GET', url: 'http://a.test', hostIsLiteral: true, timeoutMs: 1, maxBytes: 1 };
    await expect(http.request(request)).rejects.toMatchObject({ retryAfterMs: 600 });
  });

  it('are asked once after the pause, and are well when they answer', async () => {
    answer = async () => answered(500);
    await askTimes(3);
    await clock.advance(1000);
    let reply = (_: OutboundResponse): void => {};
    answer = () => new Promise((resolve) => (reply = resolve));
    const probe = ask();
    expect(await ask()).toBe('http.circuit_open');
    reply(answered(204));
    expect(await probe).toBe('204');
    expect(http.health().score).toBe(1);
    answer = async () => answered(200);
    expect(await ask()).toBe('200');
  });

  it('do not stop calls to others, or to another port', async () => {
    answer = async () => answered(500);
    await askTimes(4);
    expect(await ask('http://a.test:8080/')).toBe('500');
    expect(await ask('https://a.test/')).toBe('500');
    expect(await ask('http://b.test/')).toBe('500');
  });
});

describe('what is no failure of the host', () => {
  it.each([
    ['4xx', async () => answered(404)],
    ['429', async () => answered(429)],
    [
      'a refused address',
      async () => Promise.reject(new TerminalError('forbidden', 'http.address_refused', '')),
    ],
  ])('%s', async (_, answering) => {
    answer = answering;
    await askTimes(10);
    expect(sent).toHaveLength(10);
    expect(http.open()).toEqual([]);
  });

  it('a caller that gave up at once; one that waited long enough saw it fail', async () => {
    const gone = AbortSignal.abort(new Error('cancelled'));
    answer = async () => Promise.reject(new Error('cancelled'));
    for (let i = 0; i < 5; i++) await ask(undefined, gone);
    expect(http.open()).toEqual([]);
    answer = async () => {
      await clock.advance(95);
      throw new Error('cancelled');
    };
    for (let i = 0; i < 3; i++) await ask(undefined, gone);
    expect(http.open()).toEqual(['a.test:80']);
  });

  it('a probe that nobody waited for: the next one is the probe', async () => {
    answer = async () => answered(500);
    await askTimes(3);
    await clock.advance(1000);
    answer = async () => Promise.reject(new Error('cancelled'));
    await ask(undefined, AbortSignal.abort(new Error('cancelled')));
    answer = async () => answered(200);
    expect(await ask()).toBe('200');
  });

  it('an address that is none', async () => {
    expect(await ask('nonsense')).toBe('200');
    expect(await ask('ftp://a.test')).toBe('200');
  });
});

it('remembers a bounded number of hosts', async () => {
  answer = async () => answered(500);
  for (let host = 0; host < 1001; host++) {
    for (let i = 0; i < 3; i++) await ask(`http://h${host}.test`);
  }
  expect(http.open()).toHaveLength(1000);
  expect(http.health().reasons[0]).toContain('997 more');
  expect(http.open()).not.toContain('h0.test:80');
});
