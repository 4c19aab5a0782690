import { execFile } from 'node:child_process';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import WebSocket from 'ws';
import type { CloudEventAnswer, ServerFrame } from '#api/contract/event.ts';
import { healthSchema, infoSchema } from '#api/contract/module.ts';
import { problemSchema } from '#api/contract/problem.ts';
import { type RunAnswer, runListSchema, runSchema, runSummarySchema } from '#api/contract/run.ts';
import { catalogue, type EventType } from '#bus/catalogue.ts';
import type { Json, JsonObject } from '#core/json.ts';
import { TestConsole } from './cli/test-console.ts';
import { type Booted, bootAppliance } from './rigs/appliance.ts';
import { Effects } from './rigs/effects.ts';
import { checkDocument, type OpenApi } from './rigs/openapi-document.ts';
import { readEvents } from './rigs/server-sent-events.ts';
import { SAMPLES } from './rigs/site.ts';

/** What a person does with it: the way of the README, through the CLI, over HTTP, by MQTT and by the clock. */

const shell = promisify(execFile);
let booted: Booted;
let effects: Effects;

beforeAll(async () => {
  effects = await new Effects().start();
  booted = await bootAppliance({ config: { workflows_dir: SAMPLES } });
});
afterAll(async () => {
  await booted[Symbol.asyncDispose]();
  await effects[Symbol.asyncDispose]();
});

const cli = (...argv: string[]) =>
  new TestConsole({ environment: { socket: booted.site.socket } }).run(...argv);
const cliJson = async <T>(...argv: string[]): Promise<T> => {
  const { code, out, err } = await cli(...argv, '--json');
  expect(err).toBe('');
  expect(code).toBe(0);
  return JSON.parse(out) as T;
};
const save = (definition: JsonObject) => booted.api.saveWorkflow(JSON.stringify(definition), 'json');
const post = (path: string, body: Json = {}, headers: Record<string, string> = {}): Promise<Response> =>
  booted.fetch(path, {
    method: 'POST',
    body: JSON.stringify(body),
    headers: { 'content-type': 'application/json', ...headers },
  });
const runsOf = async (workflow: string) => (await booted.api.runs({ workflow })).runs;
const statusOf = async (id: string) => (await booted.api.run(id)).status;

describe('the commands of the README', () => {
  test('status, workflows list', async () => {
    const status = await cli('status');
    expect(status).toMatchObject({ code: 0, err: '' });
    expect(status.out).toContain('ok');
    expect(status.out).toContain(booted.mqttUrl);
    const list = await cli('workflows', 'list');
    for (const name of ['greenhouse-cooling', 'greenhouse-watering', 'door-alert', 'button-inspection'])
      expect(list.out).toContain(name);
  });

  test('run --wait --json gives the finished run and exits 0', async () => {
    await cli('sim', 'set', 'greenhouse_temp', '20');
    const { code, out } = await cli(
      'run',
      'greenhouse-cooling',
      '--input',
      '{"limit": 28}',
      '--wait',
      '--json',
    );
    expect(code).toBe(0);
    const run = runSchema.parse(JSON.parse(out));
    expect(run).toMatchObject({ status: 'completed', output: { cooled: false, before: 20 } });
  });

  test('a run that fails exits 1, and its trace says why', async () => {
    await save({ name: 'broken', steps: [{ id: 'x', type: 'transform', value: '{{ input.none + 1 }}' }] });
    const { code, out } = await cli('run', 'broken', '--input', '{}', '--wait', '--json');
    expect(code).toBe(1);
    const run = JSON.parse(out) as RunAnswer;
    expect(run).toMatchObject({ status: 'failed', error: { code: expect.any(String) } });
    const shown = await cli('runs', 'show', run.id);
    expect(shown).toMatchObject({ code: 0 });
    expect(shown.out).toContain('failed');
    expect(shown.out).toContain('none');
  });

  test('run --follow cools the greenhouse for real; runs show and events tell of it', async () => {
    await cli('sim', 'set', 'greenhouse_temp', '29');
    const followed = await cli('run', 'greenhouse-cooling', '--input', '{"limit": 28}', '--follow');
    expect(followed).toMatchObject({ code: 0 });
    expect(followed.out).toContain('fan_on');
    expect(followed.out).toContain('completed');
    const [run] = await runsOf('greenhouse-cooling');
    const shown = await cli('runs', 'show', run?.id as string);
    expect(shown.out).toContain('measured');
    const events = await cli('events', '--limit', '100');
    expect(events.out).toContain('chainbot.workflow.completed');
    expect((await cliJson<{ reported: Json }>('devices', 'show', 'greenhouse_fan')).reported).toBe(false);
  }, 60_000);

  test('exit codes for what is not there and what is refused', async () => {
    expect((await cli('run', 'nothing')).code).toBe(4);
    expect((await cli('runs', 'show', '0192aaaa-0000-7000-8000-000000000000')).code).toBe(4);
    expect((await cli('run', 'greenhouse-cooling', '--input', '{"limit": "hot"}')).code).toBe(5);
  });
});

describe('what starts a run', () => {
  test('mosquitto_pub', async () => {
    await save({
      name: 'by-mqtt',
      triggers: [{ type: 'mqtt', topic: 'house/report', when: '{{ trigger.payload.temperature > 28 }}' }],
      steps: [{ id: 'x', type: 'transform', value: '{{ trigger.payload.temperature * 2 }}' }],
    });
    const port = new URL(booted.mqttUrl).port;
    const send = (message: string, qos: string) =>
      shell('mosquitto_pub', ['-p', port, '-q', qos, '-t', 'house/report', '-m', message]);
    await send('{"temperature": 33}', '1');
    await send('{"temperature": 3}', '1');
    await send('not json', '1');
    await send('{"temperature": 34}', '0');
    await expect.poll(async () => (await runsOf('by-mqtt')).length).toBe(2);
    const [last, first] = await runsOf('by-mqtt');
    expect((await booted.api.waitForRun(first?.id as string)).output).toBe(66);
    expect((await booted.api.waitForRun(last?.id as string)).output).toBe(68);
    expect(last?.trigger).toMatchObject({
      type: 'mqtt',
      topic: 'house/report',
      payload: { temperature: 34 },
    });
  });

  test('the clock', async () => {
    await save({
      name: 'by-clock',
      triggers: [{ type: 'schedule', cron: '* * * * * *', timezone: 'UTC' }],
      steps: [{ id: 'x', type: 'transform', value: '{{ trigger.type }}' }],
    });
    await expect.poll(async () => (await runsOf('by-clock')).length, { timeout: 10_000 }).toBeGreaterThan(1);
    await booted.api.removeWorkflow('by-clock');
    const [run] = await runsOf('by-clock');
    expect(await booted.api.waitForRun(run?.id as string)).toMatchObject({ output: 'schedule' });
    const { length } = await runsOf('by-clock');
    await pause(1500);
    expect((await runsOf('by-clock')).length).toBe(length);
  });

  test('an event of the daemon itself, a device that changed', async () => {
    await save({
      name: 'by-event',
      triggers: [
        {
          type: 'event',
          event: 'chainbot.device.changed',
          when: "{{ trigger.event.data.device == 'greenhouse_button' && trigger.event.data.value == true }}",
        },
      ],
      steps: [{ id: 'x', type: 'transform', value: '{{ trigger.event.data.device }}' }],
    });
    await cli('sim', 'set', 'greenhouse_button', 'true');
    await expect.poll(async () => (await runsOf('by-event')).length).toBe(1);
    const [run] = await runsOf('by-event');
    expect((await booted.api.waitForRun(run?.id as string)).output).toBe('greenhouse_button');
  });

  test('an Idempotency-Key starts one run; another input with it is refused', async () => {
    await save({ name: 'keyed', steps: [{ id: 'x', type: 'transform', value: 1 }] });
    const start = (input: Json) => post('/workflows/keyed/runs', { input }, { 'idempotency-key': '"abc"' });
    const first = await start({ a: 1 });
    expect(first.status).toBe(202);
    const { id } = runSummarySchema.parse(await first.json());
    const second = await start({ a: 1 });
    expect(second.status).toBe(202);
    expect(second.headers.get('idempotency-replayed')).toBe('true');
    expect((await second.json()) as RunAnswer).toMatchObject({ id });
    const third = await start({ a: 2 });
    expect(third.status).toBe(422);
    expect(problemSchema.parse(await third.json())).toMatchObject({ code: 'idempotency.mismatch' });
    expect((await runsOf('keyed')).length).toBe(1);
  });
});

describe('steering a run', () => {
  test('signal, pause, resume, cancel', async () => {
    await save({
      name: 'patient',
      steps: [
        { id: 'go', type: 'wait', signal: 'go' },
        { id: 'tell', type: 'api_call', method: 'POST', url: effects.url },
        { id: 'said', type: 'transform', value: '{{ steps.go.output }}' },
      ],
    });
    const one = await booted.api.startRun('patient');
    await expect.poll(() => statusOf(one.id)).toBe('waiting');
    expect((await booted.api.pauseRun(one.id)).status).toBe('paused');
    await booted.api.signalRun(one.id, 'go', { n: 7 });
    await pause(100);
    expect(await statusOf(one.id)).toBe('paused');
    expect(effects.all.filter((effect) => effect.run === one.id)).toEqual([]);
    await booted.api.resumeRun(one.id);
    const ended = await booted.api.waitForRun(one.id);
    expect(JSON.stringify(ended.output)).toContain('7');

    const two = await booted.api.startRun('patient');
    await expect.poll(() => statusOf(two.id)).toBe('waiting');
    expect((await booted.api.cancelRun(two.id)).status).toBe('cancelled');
    const late = await post(`/runs/${two.id}/pause`);
    expect(late.status).toBe(409);
  });

  test('retry goes on where it failed; what was done is not done again', async () => {
    await save({
      name: 'fixable',
      steps: [
        { id: 'tell', type: 'api_call', method: 'POST', url: effects.url },
        { id: 'temp', type: 'device_read', device: 'greenhouse_temp' },
      ],
    });
    await booted.api.simulate('greenhouse_temp', { fault: 'unplugged' });
    const { id } = await booted.api.startRun('fixable');
    expect((await booted.api.waitForRun(id)).status).toBe('failed');
    await booted.api.simulate('greenhouse_temp', { fault: false });
    await booted.api.retryRun(id);
    expect((await booted.api.waitForRun(id)).status).toBe('completed');
    expect(effects.all.filter((effect) => effect.run === id).length).toBe(1);
  });
});

describe('following', () => {
  test('server-sent events resume where Last-Event-ID was', async () => {
    const { events, epoch } = await booted.api.events({ after: 0, limit: 20 });
    const last = `${epoch}-${events[9]?.seq}`;
    const abort = new AbortController();
    const answer = await booted.fetch('/events', {
      headers: { accept: 'text/event-stream', 'last-event-id': last },
      signal: abort.signal,
    });
    expect(answer.headers.get('content-type')).toContain('text/event-stream');
    const read = await readEvents(answer, 10);
    expect(read).toEqual(events.slice(10));
    abort.abort();
  });

  test('an epoch that was another database is gone', async () => {
    const answer = await booted.fetch('/events', {
      headers: { accept: 'text/event-stream', 'last-event-id': '0192aaaa-0000-7000-8000-000000000000-3' },
    });
    expect(answer.status).toBe(410);
    problemSchema.parse(await answer.json());
  });

  test('a WebSocket follows from a sequence number, then live', async () => {
    await save({ name: 'short', steps: [{ id: 'x', type: 'transform', value: 1 }] });
    const { head } = await booted.api.events({ limit: 1 });
    const socket = new WebSocket(`${booted.url.replace('http', 'ws')}/api/chainbot/ws`, {
      headers: { authorization: `Bearer ${await booted.token()}` },
    });
    const frames: ServerFrame[] = [];
    socket.on('message', (text) => frames.push(JSON.parse(String(text)) as ServerFrame));
    await new Promise((resolve, reject) => {
      socket.once('open', resolve);
      socket.once('error', reject);
    });
    const before = await booted.api.startRun('short');
    await booted.api.waitForRun(before.id);
    socket.send(JSON.stringify({ type: 'subscribe', after: head, types: ['chainbot.workflow.*'] }));
    const seen = (id: string) =>
      frames.some(
        (frame) =>
          frame.type === 'event' && frame.event.type.endsWith('.completed') && frame.event.data.run === id,
      );
    await expect.poll(() => seen(before.id)).toBe(true);
    const after = await booted.api.startRun('short');
    await expect.poll(() => seen(after.id)).toBe(true);
    socket.terminate();
  });

  test('the bridge carries the log to MQTT', async () => {
    const port = new URL(booted.mqttUrl).port;
    const listening = shell('mosquitto_sub', [
      '-p',
      port,
      '-t',
      'chainbot/#',
      '-W',
      '3',
      '-v',
      '-q',
      '1',
    ]).catch((error: { stdout: string }) => error);
    await pause(500);
    const { id } = await booted.api.startRun('short');
    const { stdout } = await listening;
    expect(stdout).toContain('chainbot/bridge/state {"state":"online"}');
    expect(stdout).toContain(id);
    expect(stdout).toContain('workflow/completed');
    expect(stdout).not.toContain('step/completed');
  });
});

describe('who may', () => {
  test('a token opens the API over TCP, a revoked one no longer', async () => {
    const made = await cliJson<{ id: string; name: string; token: string }>(
      'token',
      'create',
      '--name',
      'panel',
    );
    const ask = (token?: string) =>
      fetch(`${booted.url}/api/chainbot/runs`, {
        headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
      });
    expect((await ask(made.token)).status).toBe(200);
    expect((await ask()).status).toBe(401);
    expect((await fetch(`${booted.url}/api/chainbot/health`)).status).toBe(200);
    await booted.api.revokeToken(made.id);
    expect((await ask(made.token)).status).toBe(401);
  });

  test('every error is a problem with a code', async () => {
    const answers = [
      await booted.fetch('/runs/none'),
      await booted.fetch('/nowhere'),
      await booted.fetch('/runs?limit=x'),
      await booted.fetch('/runs', { method: 'PATCH' }),
      await post('/workflows', 'no definition'),
      await post('/workflows/none/runs'),
      await post('/workflows/short/runs', { wrong: true }),
      await post('/devices/none', { value: true }),
      await booted.fetch('/runs', { headers: { authorization: 'Bearer wrong' } }),
    ];
    for (const answer of answers) {
      expect(answer.ok).toBe(false);
      expect(answer.headers.get('content-type')).toContain('application/problem+json');
      const problem = problemSchema.parse(await answer.json());
      expect(problem.status).toBe(answer.status);
      expect(problem.hint, `${problem.code} has no hint`).toEqual(expect.any(String));
    }
  });
});

describe('what it says of itself', () => {
  test('answers have the shapes of the contract', async () => {
    healthSchema.parse(await (await booted.fetch('/health')).json());
    infoSchema.parse(await (await booted.fetch('/info')).json());
    const { runs } = runListSchema.parse(await (await booted.fetch('/runs?limit=100')).json());
    for (const { id } of runs) runSchema.parse(await (await booted.fetch(`/runs/${id}`)).json());
    const metrics = await (await booted.fetch('/metrics')).text();
    expect(metrics).toMatch(/^chainbot_event_loop_delay_seconds\{quantile="0.99"\} [\d.e-]+$/m);
    expect(metrics).toMatch(/^chainbot_runs_ended_total\{status="completed"\} \d+$/m);
  });

  test('openapi.json: every reference leads somewhere, every operation has answers', async () => {
    const document = (await (await booted.fetch('/openapi.json')).json()) as OpenApi;
    checkDocument(document);
  });

  test('every event in the log is as the catalogue says, and the numbers have no gap', async () => {
    const { head } = await booted.api.events({ limit: 1 });
    const all: CloudEventAnswer[] = [];
    for (let after = 0; after < head; after = all.at(-1)?.seq as number)
      all.push(...(await booted.api.events({ after, limit: 1000 })).events);
    expect(all.map((event) => event.seq)).toEqual(all.map((_, index) => index + 1));
    for (const { type, data, actor } of all) {
      expect(catalogue, `${type} is not in the catalogue`).toHaveProperty([type]);
      catalogue[type as EventType].data.strict().parse(data);
      expect(actor).toMatch(/^[a-z]+:.+/);
    }
    const types = new Set(all.map((event) => event.type));
    for (const type of [
      'module.ready',
      'workflow.signalled',
      'workflow.retried',
      'workflow.paused',
      'device.written',
    ])
      expect(types).toContain(`chainbot.${type}`);
  });
});

test('a restart keeps everything, and says that the stop was clean', async () => {
  const { id } = await booted.api.startRun('patient');
  const before = await booted.api.runs({ limit: 500 });
  await booted.restart();
  expect((await booted.api.runs({ limit: 500 })).runs.map((run) => run.id)).toEqual(
    before.runs.map((run) => run.id),
  );
  const { events } = await booted.api.events({ limit: 50, types: ['chainbot.module.ready'] });
  expect(events.at(-1)?.data).toMatchObject({ clean_stop: true, recovered_runs: 1 });
  await booted.api.signalRun(id, 'go');
  expect((await booted.api.waitForRun(id)).status).toBe('completed');
});
