import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type ApiHarness, call, startApi } from '../../tests/api/api-harness.ts';
import { ApiClient, type FollowFrame } from './client.ts';

let api: ApiHarness;
let client: ApiClient;
let leaving: AbortController;
beforeEach(async () => {
  api = await startApi({ limits: { heartbeatMs: 100, slowReaderMs: 300, streams: 2, stopMs: 8000 } });
  client = new ApiClient({ socketPath: api.socketPath });
  leaving = new AbortController();
});
afterEach(async () => {
  leaving.abort();
  client.close();
  await api.close();
});

/** The first `count` events of a stream. */
async function take(count: number, stream: AsyncIterable<{ seq: number }>): Promise<number[]> {
  const seqs: number[] = [];
  if (count === 0) return seqs;
  for await (const event of stream) {
    seqs.push(event.seq);
    if (seqs.length === count) break;
  }
  return seqs;
}

/** The text of an SSE stream until it has `until` in it, or ended. */
async function textOf(answer: Response, until: string): Promise<string> {
  let text = '';
  for await (const chunk of answer.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    text += chunk;
    if (text.includes(until)) break;
  }
  return text;
}

const stream = (path: string, headers: Record<string, string> = {}): Promise<Response> =>
  call(api, path, { headers: { accept: 'text/event-stream', ...headers }, signal: leaving.signal });

describe('pages', () => {
  beforeEach(() => {
    for (let i = 1; i <= 450; i++)
      api.log.write(i % 100 === 0 ? 'chainbot.rare' : 'chainbot.common', `run/${i % 2}`);
  });

  test('the newest, the ones after, the ones before', async () => {
    expect((await client.events({ limit: 2 })).events.map((event) => event.seq)).toEqual([449, 450]);
    const first = await client.events({ after: 0, limit: 3 });
    expect(first).toMatchObject({ next: 3, head: 450, tail: 1, epoch: 'epoch1' });
    expect(first.events[0]).toMatchObject({ id: 'epoch1-1', specversion: '1.0', subject: 'run/1' });
    expect((await client.events({ after: first.next, limit: 2 })).events.map((event) => event.seq)).toEqual([
      4, 5,
    ]);
    expect((await client.events({ before: 4, limit: 2 })).events.map((event) => event.seq)).toEqual([2, 3]);
  });

  test('filters; next is exact when little or nothing passed', async () => {
    const rare = await client.events({ after: 0, types: ['chainbot.rare'], limit: 2 });
    expect(rare.events.map((event) => event.seq)).toEqual([100, 200]);
    expect(rare.next).toBe(200);
    expect(await client.events({ after: 0, types: ['chainbot.r*'], subject: 'run/1' })).toMatchObject({
      events: [],
      next: 450,
    });
    expect(
      (await client.events({ types: ['chainbot.rare'], limit: 3 })).events.map((event) => event.seq),
    ).toEqual([200, 300, 400]);
  });

  test('a position that the log no longer holds', async () => {
    api.log.trim(100);
    await expect(client.events({ after: 50 })).rejects.toMatchObject({ code: 'events.gone', kind: 'gone' });
    await expect(client.events({ after: 451 })).rejects.toMatchObject({ code: 'events.gone' });
    expect((await client.events({ after: 0, limit: 1 })).events[0]?.seq).toBe(101);
    expect((await client.events({ after: 100, limit: 1 })).events[0]?.seq).toBe(101);
  });
});

describe('streams', () => {
  test('what comes, and what was there', async () => {
    api.log.write('chainbot.a');
    const fromNow = client.followEvents({ signal: leaving.signal });
    const first = fromNow.next();
    await expect.poll(() => client.metrics()).toContain('chainbot_event_streams 1');
    api.log.write('chainbot.b');
    expect((await first).value).toMatchObject({ seq: 2, type: 'chainbot.b' });
    expect(await take(2, client.followEvents({ after: 0 }))).toEqual([1, 2]);
    await fromNow.return();
    await expect.poll(() => client.metrics()).toContain('chainbot_event_streams 0');
  });

  test('ids resume, and heartbeats move them along', async () => {
    api.log.write('chainbot.a');
    api.log.write('chainbot.b');
    const text = await textOf(await stream('/events?after=0&type=chainbot.a'), 'still here');
    expect(text).toMatch(
      /^retry: 1000\nid: epoch1-0\n\nid: epoch1-1\ndata: \{.*\}\n\n: still here\nid: epoch1-2\n\n/,
    );
    const resumed = await textOf(await stream('/events', { 'last-event-id': 'epoch1-1' }), 'data: ');
    expect(resumed).toContain('id: epoch1-2\ndata: ');
  });

  test.each(['epoch1-1', 'epoch0-3', 'epoch1-9'])('an id that is gone: %s', async (id) => {
    for (let i = 0; i < 4; i++) api.log.write('chainbot.a');
    api.log.trim(2);
    const answer = await stream('/events', { 'last-event-id': id });
    expect([answer.status, await answer.json()]).toMatchObject([410, { code: 'events.gone' }]);
  });

  test('a log that is trimmed past its reader says so and ends', async () => {
    for (let i = 0; i < 250; i++) api.log.write('chainbot.a');
    const answer = await stream('/events?after=0&type=chainbot.none');
    await textOf(answer, 'retry');
    const second = await stream('/events?after=250');
    for (let i = 0; i < 5; i++) api.log.write('chainbot.a');
    api.log.trim(253);
    expect(await textOf(second, 'never')).toMatch(/event: error\ndata: .*"events\.gone"/);
  });

  test('only so many at once', async () => {
    const open = [await stream('/events'), await stream('/events')];
    const third = await stream('/events');
    expect([third.status, await third.json()]).toMatchObject([503, { code: 'api.too_many_streams' }]);
    expect(open.map((answer) => answer.status)).toEqual([200, 200]);
  });

  test('who does not read is let go', async () => {
    const socket = connect(Number(new URL(api.url).port), '127.0.0.1');
    socket.write(
      'GET /api/chainbot/events HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer cb_right\r\naccept: text/event-stream\r\n\r\n',
    );
    await expect.poll(() => client.metrics()).toContain('chainbot_event_streams 1');
    socket.pause();
    const ended = new Promise((resolve) => socket.once('close', resolve));
    socket.on('error', () => {});
    for (let i = 0; i < 400; i++) api.log.write('chainbot.big', '', { text: 'x'.repeat(50_000) });
    await expect.poll(() => client.metrics(), { timeout: 5000 }).toContain('chainbot_event_streams 0');
    socket.resume();
    await ended;
  });

  test('a revoked token reads no further', async () => {
    const answer = await stream('/events');
    const ended = textOf(answer, 'event: end\n');
    const local = client.followEvents({ signal: leaving.signal });
    const next = local.next();
    await expect.poll(() => client.metrics()).toContain('chainbot_event_streams 2');
    await client.revokeToken('t1');
    expect(await ended).toContain('{"reason":"the token was revoked"}');
    api.log.write('chainbot.a');
    expect((await next).value).toMatchObject({ seq: 1 });
    await local.return();
  });

  test('a stop ends them with a reason; the client comes back to the next start', async () => {
    api.log.write('chainbot.a');
    const frames: FollowFrame[] = [];
    const following = (async () => {
      for await (const frame of client.follow({ after: 0, signal: leaving.signal })) frames.push(frame);
    })();
    const other = textOf(await stream('/events'), 'event: end\n');
    await expect.poll(() => frames.length).toBe(2);
    const began = performance.now();
    await api.api.stop();
    expect(performance.now() - began).toBeLessThan(4000);
    expect(await other).toContain('event: end\ndata: {"reason":"the daemon is stopping"}');
    api.log.write('chainbot.b');
    await api.api.start(new AbortController().signal);
    await expect.poll(() => frames.length, { timeout: 5000 }).toBeGreaterThanOrEqual(5);
    expect(frames.filter((frame) => frame.kind === 'event').map((frame) => frame.event.seq)).toEqual([1, 2]);
    expect(frames.map((frame) => frame.kind)).toEqual(expect.arrayContaining(['open', 'lost']));
    leaving.abort();
    await following;
  });
});
