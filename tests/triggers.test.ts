import { createHmac } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import mqtt from 'mqtt';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { problemSchema } from '#api/contract/problem.ts';
import type { RunAnswer } from '#api/contract/run.ts';
import { hookAnswerSchema, triggerListSchema } from '#api/contract/trigger.ts';
import { signWebhook, webhookKey } from '#core/standard-webhooks.ts';
import { TestConsole } from './cli/test-console.ts';
import { type Booted, bootAppliance } from './rigs/appliance.ts';
import { ROOT } from './rigs/site.ts';

/** Every example of docs/triggers.md is stored and fired in a whole appliance; only long times are made short. */

const PAGE = readFileSync(join(ROOT, 'docs/triggers.md'), 'utf8');
const EXAMPLES = [...PAGE.matchAll(/```yaml\n(name: (\S+)\n.*?)```/gs)].map(
  ([, source = '', name = '']) => [name, source] as const,
);
const SIGNING = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
/** Nobody waits for six in the morning. */
const FASTER: Readonly<Record<string, readonly (readonly [string, string])[]>> = {
  'house-report': [['30s', '300ms']],
  'good-morning': [['0 6 * * 1-5', '* * * * * *']],
  pulse: [['5m', '1s']],
  'cold-chain': [['10m', '1s']],
  'sensor-silent': [['2m', '1s']],
};

let booted: Booted;
let broker: mqtt.MqttClient;

beforeAll(async () => {
  booted = await bootAppliance({ config: { time: { hold: '0s' } } });
  broker = await mqtt.connectAsync(booted.mqttUrl);
  await booted.api.setSecret('shop_signing', SIGNING);
  await booted.api.setSecret('forge_signing', 'forge');
});
afterAll(async () => {
  await broker?.endAsync();
  await booted?.[Symbol.asyncDispose]();
});

/** Without a token of the API, as other programs call. */
const hook = (name: string, init: RequestInit = {}): Promise<Response> =>
  fetch(`${booted.url}/api/chainbot/hooks/${name}`, { method: 'POST', ...init });
const publish = (topic: string, payload: string) => broker.publishAsync(topic, payload, { qos: 1 });
function signed(body: string, id = 'msg_1', at = Date.now()): RequestInit {
  const seconds = Math.floor(at / 1000);
  return {
    body,
    headers: {
      'content-type': 'application/json',
      'webhook-id': id,
      'webhook-timestamp': String(seconds),
      'webhook-signature': signWebhook(webhookKey(SIGNING) as Uint8Array, id, seconds, body),
    },
  };
}

/** What makes each example fire, and what its run gives. */
const CAUSES: Readonly<Record<string, { cause(): Promise<unknown>; output?: unknown }>> = {
  'house-report': {
    cause: async () => {
      for (const room of ['hall', 'attic', 'hall']) await publish(`house/${room}/changed`, '1');
    },
    output: '3 changes, the last on house/hall/changed',
  },
  doorbell: {
    cause: async () => {
      await booted.api.simulate('greenhouse_button', true);
      await booted.api.simulate('greenhouse_button', false);
      await booted.api.simulate('greenhouse_button', true);
    },
  },
  'by-hand': { cause: () => booted.api.startRun('by-hand'), output: 'manual' },
  'good-morning': { cause: async () => undefined, output: 'on time' },
  pulse: { cause: async () => undefined },
  'too-warm': {
    cause: async () => {
      await publish('greenhouse/north/report', '{"temperature": 20}');
      await publish('greenhouse/north/report', '{"temperature": 33}');
    },
    output: 'greenhouse/north/report: 33',
  },
  'note-new-tokens': { cause: () => booted.api.createToken('for the test') },
  'shop-order': { cause: () => hook('shop-order', signed('{"order": 7}')), output: 'order 7' },
  'on-push': {
    cause: () => {
      const body = '{"ref": "refs/heads/main"}';
      const hex = createHmac('sha256', 'forge').update(body).digest('hex');
      const headers = { 'x-hub-signature-256': `sha256=${hex}`, 'x-github-event': 'push' };
      return hook('forge', { body, headers: { ...headers, 'content-type': 'application/json' } });
    },
    output: 'refs/heads/main',
  },
  'old-doorbell': {
    cause: () =>
      hook('old-doorbell?who=postman', { method: 'GET', headers: { 'x-hook-token': 'ding-dong' } }),
    output: { who: 'postman' },
  },
  'door-opened': {
    cause: async () => {
      await booted.api.simulate('greenhouse_door', false);
      await booted.api.simulate('greenhouse_door', true);
    },
  },
  'cold-chain': { cause: () => booted.api.simulate('greenhouse_temp', 36) },
  'sensor-silent': { cause: () => booted.api.simulate('greenhouse_soil', { fault: 'unplugged' }) },
  'after-power-cut': { cause: async () => undefined },
  'new-scan': {
    cause: async () => {
      const folder = join(booted.site.dataDir, 'files/inbox/scans');
      mkdirSync(folder, { recursive: true });
      writeFileSync(join(folder, 'letter.pdf'), '%PDF-1.7');
    },
    output: 'inbox/scans/letter.pdf has 8 bytes',
  },
  'when-it-fails': { cause: () => booted.api.startRun('by-hand'), output: 'by-hand completed' },
};

async function firstRun(workflow: string, patienceMs = 15_000): Promise<RunAnswer> {
  let id: string | undefined;
  await expect
    .poll(
      async () => {
        id = (await booted.api.runs({ workflow })).runs.at(-1)?.id;
        return id;
      },
      { timeout: patienceMs },
    )
    .toBeDefined();
  return booted.api.waitForRun(id as string);
}

test('every type of trigger has an example', () => {
  expect(EXAMPLES.map(([name]) => name).sort()).toEqual(Object.keys(CAUSES).sort());
  const types = EXAMPLES.flatMap(([, source]) =>
    (parse(source) as { triggers: { type: string }[] }).triggers.map((trigger) => trigger.type),
  );
  const headings = [...PAGE.matchAll(/^## ([a-z]+)$/gm)].map(([, heading]) => heading);
  expect([...new Set(types)].sort()).toEqual(headings.sort());
});

describe('docs/triggers.md', () => {
  test.each(EXAMPLES.filter(([name]) => name !== 'after-power-cut'))('%s', async (name, source) => {
    let text = source;
    for (const [slow, fast] of FASTER[name] ?? []) text = text.replace(slow, fast);
    await booted.api.saveWorkflow(text, 'yaml');
    const answer = await CAUSES[name]?.cause();
    if (answer instanceof Response) expect(answer.status).toBe(202);
    const run = await firstRun(name);
    expect(run).toMatchObject({ status: 'completed', error: null });
    expect(run.trigger.type).toBe((parse(source) as { triggers: { type: string }[] }).triggers[0]?.type);
    const { output } = CAUSES[name] ?? {};
    if (output !== undefined) expect(run.output).toEqual(output);
    if (FASTER[name]) await booted.api.removeWorkflow(name);
  });

  test('after-power-cut', async () => {
    const [, source = ''] = EXAMPLES.find(([name]) => name === 'after-power-cut') ?? [];
    await booted.api.saveWorkflow(source, 'yaml');
    await booted.api.saveWorkflow(
      source.replace('after-power-cut', 'each-start').replace(/ +when:.*\n/, ''),
      'yaml',
    );
    await broker.endAsync();
    await booted.restart();
    broker = await mqtt.connectAsync(booted.mqttUrl);
    expect((await firstRun('each-start')).trigger).toMatchObject({ type: 'startup', clean_stop: true });
    expect((await booted.api.runs({ workflow: 'after-power-cut' })).runs).toEqual([]);
  });
});

describe('GET /triggers and chainbot triggers list', () => {
  test('say when, when last, and what holds them up', async () => {
    await booted.api.saveWorkflow(
      'name: held\ntriggers: [{type: device, device: nothing_such, stale: true}, {type: schedule, cron: "0 0 1 1 *", enabled: false}]\nsteps: [{id: a, type: transform, value: 1}]\n',
      'yaml',
    );
    await expect
      .poll(async () => (await booted.api.triggers()).triggers.find((one) => one.workflow === 'held')?.held)
      .toBe('there is no device "nothing_such"');
    const list = triggerListSchema.parse(await booted.api.triggers());
    expect(['trusted', 'estimated']).toContain(list.clock.state);
    expect(list.triggers.find((one) => one.workflow === 'shop-order')).toMatchObject({
      type: 'webhook',
      enabled: true,
      held: null,
      last_fired: expect.stringMatching(/^20/),
    });
    const { out, code } = await new TestConsole({ environment: { socket: booted.site.socket } }).run(
      'triggers',
      'list',
    );
    expect(code).toBe(0);
    expect(out).toMatch(/held +device nothing_such stale .*held: there is no device/);
    expect(out).toMatch(/held +schedule 0 0 1 1 \* .*off/);
  });
});

describe('the door of a webhook', () => {
  const refusal = async (answer: Response): Promise<[number, string]> => {
    expect(answer.headers.get('content-type')).toContain('application/problem+json');
    return [answer.status, problemSchema.parse(await answer.json()).code];
  };

  test('answers 202 once it is on disk; the same again starts nothing, over a restart too', async () => {
    const first = await hook('shop-order', signed('{"order": 8}', 'msg_8'));
    expect([first.status, hookAnswerSchema.parse(await first.json())]).toEqual([
      202,
      { id: 'msg_8', duplicate: false },
    ]);
    await broker.endAsync();
    await booted.restart();
    broker = await mqtt.connectAsync(booted.mqttUrl);
    const again = await hook('shop-order', signed('{"order": 8}', 'msg_8'));
    expect([again.status, await again.json()]).toEqual([202, { id: 'msg_8', duplicate: true }]);
    const { runs } = await booted.api.runs({ workflow: 'shop-order' });
    expect(runs.filter((run) => run.trigger.id === 'msg_8').length).toBe(1);
  });

  test('refuses with a problem', async () => {
    const old = signed('{}', 'old', Date.now() - 600_000);
    expect(await refusal(await hook('shop-order', old))).toEqual([400, 'hook.too_old']);
    expect(await refusal(await hook('shop-order', { body: '{}' }))).toEqual([401, 'hook.unsigned']);
    expect(await refusal(await hook('shop-order', { ...signed('{}'), body: '[]' }))).toEqual([
      401,
      'hook.signature_wrong',
    ]);
    expect(await refusal(await hook('nothing'))).toEqual([404, 'hook.not_found']);
    expect(await refusal(await hook('shop-order', { method: 'PUT', body: '' }))).toEqual([
      405,
      'hook.method',
    ]);
    const large = await hook('shop-order', { body: 'x'.repeat(300 * 1024) });
    expect(await refusal(large)).toEqual([413, 'request.too_large']);
    expect(await refusal(await hook('shop-order', { body: Buffer.from([0xff, 0xfe]) }))).toEqual([
      400,
      'request.malformed',
    ]);
  });

  test('is the only one that is open, in exactly this spelling', async () => {
    for (const path of [
      'hooks',
      'hooks/',
      'hooks/a/b',
      'hooks/%61',
      'hooks/../runs',
      'hooks/A',
      'hooksx/a',
      'triggers',
    ]) {
      const answer = await fetch(`${booted.url}/api/chainbot/${path}`, { method: 'POST' });
      expect([path, answer.status]).toEqual([path, 401]);
    }
    const upgrade = await hook('shop-order', { method: 'DELETE' });
    expect(upgrade.status).toBe(405);
  });

  test('lets through as many a minute as it says, and tells when to come again', async () => {
    await booted.api.saveWorkflow(
      'name: rare\ntriggers: [{type: webhook, token_sha256: 1cb1fc412f42c9a04a7c8a2046df78d918eeeb28f97bddaa574dbf3257d85f9f, rate: 1}]\nsteps: [{id: a, type: transform, value: 1}]\n',
      'yaml',
    );
    const headers = { authorization: 'Bearer wrong-dong' };
    expect((await hook('rare', { headers: { 'x-hook-token': 'ding-dong' } })).status).toBe(202);
    const refused = await hook('rare', { headers: { 'x-hook-token': 'ding-dong' } });
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(50);
    expect(await refusal(refused)).toEqual([429, 'hook.too_many']);
    expect(await refusal(await hook('rare', { headers }))).toEqual([401, 'hook.token_wrong']);
  });
});
