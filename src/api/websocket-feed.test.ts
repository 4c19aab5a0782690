import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type ClientOptions, WebSocket } from 'ws';
import { type ApiHarness, call, startApi } from '../../tests/api/api-harness.ts';

let api: ApiHarness;
const opened: WebSocket[] = [];
beforeEach(async () => {
  api = await startApi({ limits: { heartbeatMs: 100, slowReaderMs: 300, streams: 2 } });
});
afterEach(async () => {
  for (const ws of opened.splice(0)) ws.terminate();
  await api.close();
});

const AUTH = { authorization: 'Bearer cb_right' };

interface Talk {
  readonly ws: WebSocket;
  readonly frames: { type: string; event?: { seq: number }; after?: number; problem?: { code: string } }[];
  readonly closed: Promise<[code: number, reason: string]>;
}

function talk(first?: unknown, options: ClientOptions = { headers: AUTH }, url = api.url): Talk {
  const ws = new WebSocket(`${url.replace('http', 'ws')}/api/chainbot/ws`, options);
  opened.push(ws);
  const frames: Talk['frames'] = [];
  ws.on('message', (data) => frames.push(JSON.parse(String(data))));
  ws.on('error', () => {});
  if (first !== undefined)
    ws.once('open', () => ws.send(typeof first === 'string' ? first : JSON.stringify(first)));
  const closed = new Promise<[number, string]>((resolve) =>
    ws.once('close', (code, reason) => resolve([code, String(reason)])),
  );
  return { ws, frames, closed };
}

/** How an upgrade was refused. */
function refused(options: ClientOptions, path = '/api/chainbot/ws'): Promise<[number | undefined, string]> {
  return new Promise((resolve, reject) => {
    const ws = new WebSocket(api.url.replace('http', 'ws') + path, options);
    ws.once('open', () => reject(new Error('it opened')));
    ws.once('error', () => {});
    ws.once('unexpected-response', (_request, answer) => {
      let text = '';
      answer.on('data', (chunk) => {
        text += chunk;
      });
      answer.on('end', () => resolve([answer.statusCode, (JSON.parse(text) as { code: string }).code]));
    });
  });
}

describe('who may connect', () => {
  test.each<[string, ClientOptions, string | undefined, number, string]>([
    ['nobody without a token', {}, undefined, 401, 'auth.required'],
    ['no wrong token', { headers: { authorization: 'Bearer cb_no' } }, undefined, 401, 'auth.token_wrong'],
    ['no other name', { headers: { ...AUTH, host: 'evil.example' } }, undefined, 421, 'request.host'],
    ['no other page', { headers: AUTH, origin: 'http://evil.example' }, undefined, 403, 'request.origin'],
    ['no sandboxed page', { headers: AUTH, origin: 'null' }, undefined, 403, 'request.origin'],
    ['no other path', { headers: AUTH }, '/api/chainbot/events', 404, 'request.not_found'],
  ])('%s', async (_what, options, path, status, code) => {
    expect(await refused(options, path)).toEqual([status, code]);
  });

  test('a page of this daemon, and programs on the socket', async () => {
    const page = talk({ type: 'subscribe', after: null }, { headers: AUTH, origin: api.url });
    await expect.poll(() => page.frames[0]).toMatchObject({ type: 'subscribed', after: 0, epoch: 'epoch1' });
    const local = talk({ type: 'subscribe' }, {}, `ws+unix://${api.socketPath}:`);
    await expect.poll(() => local.frames[0]).toMatchObject({ type: 'subscribed' });
    expect(await refused({ headers: AUTH })).toEqual([503, 'api.too_many_streams']);
  });
});

describe('what it gets', () => {
  test('events after a position, filtered, and those that come', async () => {
    api.log.write('chainbot.workflow.started', 'run/1');
    api.log.write('chainbot.workflow.started', 'run/2');
    api.log.write('chainbot.device.changed', 'run/1');
    const { frames } = talk({
      type: 'subscribe',
      after: 0,
      types: ['chainbot.workflow.*'],
      subject: 'run/1',
    });
    await expect.poll(() => frames.length).toBe(2);
    api.log.write('chainbot.workflow.completed', 'run/1');
    await expect.poll(() => frames.map((frame) => frame.event?.seq)).toEqual([undefined, 1, 4]);
  });

  test.each<[string, unknown]>([
    ['no JSON', 'hello'],
    ['no subscribe', { type: 'publish' }],
    ['an unknown key', { type: 'subscribe', from: 1 }],
    ['a negative position', { type: 'subscribe', after: -1 }],
  ])('%s is told and closed', async (_what, first) => {
    const { frames, closed } = talk(first);
    expect((await closed)[0]).toBe(1008);
    expect(frames[0]).toMatchObject({ type: 'error', problem: { status: 400 } });
  });

  test('one subscribe is all', async () => {
    const { ws, frames, closed } = talk({ type: 'subscribe' });
    await expect.poll(() => frames.length).toBe(1);
    ws.send('{}');
    expect((await closed)[0]).toBe(1008);
  });

  test('bytes and messages too large', async () => {
    const bytes = talk();
    bytes.ws.once('open', () => bytes.ws.send(Buffer.from([1, 2])));
    expect((await bytes.closed)[0]).toBe(1008);
    expect((await talk('x'.repeat(70_000)).closed)[0]).toBe(1009);
  });

  test('a position that is gone', async () => {
    for (let i = 0; i < 5; i++) api.log.write('chainbot.a');
    api.log.trim(3);
    const { frames, closed } = talk({ type: 'subscribe', after: 1 });
    expect(await closed).toEqual([4410, 'events.gone']);
    expect(frames[0]).toMatchObject({ type: 'error', problem: { code: 'events.gone', status: 410 } });
    expect((await talk({ type: 'subscribe', after: 4, epoch: 'before' }).closed)[0]).toBe(4410);
  });

  test('who does not read is told to come later', async () => {
    const patient = await startApi({ limits: { heartbeatMs: 60_000, slowReaderMs: 200 } });
    const { ws, frames, closed } = talk({ type: 'subscribe' }, { headers: AUTH }, patient.url);
    await expect.poll(() => frames.length).toBe(1);
    ws.pause();
    for (let i = 0; i < 400; i++) patient.log.write('chainbot.big', '', { text: 'x'.repeat(50_000) });
    await new Promise((resolve) => setTimeout(resolve, 500));
    ws.resume();
    expect((await closed)[0]).toBe(1013);
    await patient.close();
  });

  test('who does not answer a ping is let go', async () => {
    const { ws, frames, closed } = talk({ type: 'subscribe' }, { headers: AUTH, autoPong: false });
    await expect.poll(() => frames.length).toBe(1);
    expect((await closed)[0]).toBe(1006);
    expect(ws.readyState).toBe(WebSocket.CLOSED);
  });

  test('who has its token revoked is told and let go', async () => {
    const { frames, closed } = talk({ type: 'subscribe' });
    await expect.poll(() => frames.length).toBe(1);
    await call(api, '/tokens/t1', { method: 'DELETE' });
    expect(await closed).toEqual([1008, 'the token was revoked']);
  });

  test('who answers stays, and hears when the daemon stops', async () => {
    const { frames, closed } = talk({ type: 'subscribe' });
    const silent = talk();
    await expect.poll(() => frames.length).toBe(1);
    await new Promise((resolve) => setTimeout(resolve, 350));
    await api.api.stop();
    expect(await closed).toEqual([1001, 'the daemon is stopping']);
    expect((await silent.closed)[0]).toBe(1001);
  });
});
