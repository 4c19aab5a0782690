import { readdirSync, readFileSync, statSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { RunAnswer } from '#api/contract/run.ts';
import { Daemon } from './rigs/daemon.ts';
import { createSite, type Site } from './rigs/site.ts';

/** Secrets in a whole daemon: a real process, a real server that sends back all it was told. */
const KILLS = Number(process.env.CHAINBOT_VAULT_KILLS ?? 8);
const TOKEN = 'tkn-5f0b77e1c2-do-not-show';
const PASSWORD = 'p@ss wörd/+&="do-not-show"';
const HIDDEN = [
  TOKEN,
  PASSWORD,
  encodeURIComponent(PASSWORD),
  Buffer.from(`ada:${PASSWORD}`).toString('base64'),
  JSON.stringify(PASSWORD).slice(1, -1),
  TOKEN.slice(0, 14),
];

let server: Server;
let base: string;
const heard: string[] = [];
beforeAll(async () => {
  server = createServer(async (incoming, response) => {
    let body = '';
    for await (const chunk of incoming) body += chunk;
    const all = JSON.stringify({ url: incoming.url, headers: incoming.headers, body });
    heard.push(all);
    response.setHeader('content-type', 'application/json').setHeader('x-echo', encodeURIComponent(all));
    response.statusCode = incoming.url?.startsWith('/refuse') ? 401 : 200;
    response.end(all);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => new Promise((resolve) => server.close(resolve)));

const WORKFLOWS = () => [
  {
    name: 'tell',
    steps: [
      {
        id: 'call',
        type: 'api_call',
        method: 'POST',
        url: `${base}/tell`,
        query: { p: "{{ secret('password') }}" },
        headers: {
          authorization: "Bearer {{ secret('token') }}",
          'x-basic': "{{ base64.encode('ada:' + secret('password')) }}",
        },
        body: { nested: ["{{ secret('token') }}", "{{ secret('password') }}"] },
      },
      { id: 'after', type: 'transform', value: '{{ steps.call.output }}' },
      { id: 'say', type: 'notification', title: 'Done', body: '{{ string(steps.call.output.body) }}' },
    ],
    output: '{{ steps.after.output }}',
  },
  {
    name: 'credential',
    steps: [
      { id: 'call', type: 'api_call', url: `${base}/there?page=1`, credential: 'shelly' },
      { id: 'query', type: 'api_call', url: `${base}/query`, credential: 'weather' },
      {
        id: 'elsewhere',
        type: 'api_call',
        url: base.replace('127.0.0.1', 'localhost'),
        credential: 'shelly',
      },
    ],
  },
  {
    name: 'refused',
    steps: [
      {
        id: 'call',
        type: 'api_call',
        url: `${base}/refuse`,
        headers: { authorization: "Bearer {{ secret('token') }}" },
        retry: { max_attempts: 2, delay: '10ms' },
      },
    ],
  },
];

async function prepare(daemon: Daemon): Promise<void> {
  await daemon.api.setSecret('token', TOKEN);
  await daemon.api.setSecret('password', PASSWORD);
  const hosts = [base.replace('http://', '')];
  await daemon.api.setSecret('shelly', PASSWORD, { type: 'basic', username: 'ada', hosts });
  await daemon.api.setSecret('weather', TOKEN, { type: 'query', parameter: 'appid', hosts });
  for (const workflow of WORKFLOWS()) await daemon.api.saveWorkflow(JSON.stringify(workflow), 'json');
}

async function ended(daemon: Daemon, workflow: string): Promise<RunAnswer> {
  const { id } = await daemon.api.startRun(workflow);
  for (;;) {
    const run = await daemon.api.run(id);
    if (run.ended_at !== null) return run;
    await pause(20);
  }
}

/** Every file of the site as text, the key file apart. */
function everyFile(site: Site): string {
  const files = readdirSync(site.folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(site.folder, name))
    .filter((file) => statSync(file).isFile());
  return files.map((file) => readFileSync(file, 'latin1')).join('\n');
}

/** Every answer there is to get. */
async function everyAnswer(daemon: Daemon, runs: readonly string[]): Promise<string> {
  const { token } = await daemon.api.createToken('reader');
  const paths = [
    ...['/info', '/metrics', '/health', '/openapi.json', '/secrets', '/notifications', '/tokens', '/runs'],
    ...['/workflows', '/workflows/tell', '/workflows/refused', '/events?after=0&limit=1000', '/devices'],
    ...runs.map((id) => `/runs/${id}`),
  ];
  const texts = paths.map(async (path) => {
    const headers = { authorization: `Bearer ${token}` };
    const answer = await fetch(`${daemon.url}/api/chainbot${path}`, { headers });
    expect([path, answer.status]).toEqual([path, 200]);
    return answer.text();
  });
  return (await Promise.all(texts)).join('\n');
}

test('a secret goes out with the request and is found nowhere else', async () => {
  using site = createSite({ log: { level: 'trace' } });
  let logs = '';
  let daemon = await Daemon.start(site);
  try {
    await prepare(daemon);
    heard.length = 0;
    const told = await ended(daemon, 'tell');
    expect(told.status).toBe('completed');
    const [sent] = heard.map((one) => JSON.parse(one) as { url: string; headers: object; body: string });
    expect(sent?.headers).toMatchObject({ authorization: `Bearer ${TOKEN}` });
    expect(JSON.parse(sent?.body ?? '')).toEqual({ nested: [TOKEN, PASSWORD] });
    expect(JSON.stringify(told.output)).toContain('Bearer [secret token]');
    const refused = await ended(daemon, 'refused');
    expect(refused).toMatchObject({ status: 'failed', error: { code: 'http.status' } });
    heard.length = 0;
    const credential = await ended(daemon, 'credential');
    expect(credential.error).toMatchObject({ code: 'credential.host_refused', step: 'elsewhere' });
    expect(heard).toHaveLength(2);
    expect(heard[0]).toContain(`Basic ${Buffer.from(`ada:${PASSWORD}`).toString('base64')}`);
    expect(heard[1]).toContain(`/query?appid=${TOKEN}`);
    await daemon.api.rotateSecrets();
    const answers = await everyAnswer(daemon, [told.id, refused.id, credential.id]);
    logs += daemon.log;
    await daemon.stop();
    const stopped = everyFile(site);
    daemon = await Daemon.start(site);
    expect((await ended(daemon, 'tell')).status).toBe('completed');
    logs += daemon.log;
    await daemon.kill(); // with its WAL
    const everything = { answers, logs, stopped, killed: everyFile(site) };
    for (const [where, text] of Object.entries(everything)) {
      for (const hidden of HIDDEN)
        expect({ where, found: text.includes(hidden) && hidden }).toEqual({ where, found: false });
    }
  } finally {
    await daemon[Symbol.asyncDispose]();
  }
});

test(`kill -9 in ${KILLS} rotations: every secret opens after each`, { timeout: 300_000 }, async () => {
  using site = createSite({});
  let daemon = await Daemon.start(site);
  const ids = new Set<string>();
  try {
    await prepare(daemon);
    for (let n = 0; n < 40; n++) await daemon.api.setSecret(`more-${n}`, `value-${n}-${TOKEN}`);
    for (let kill = 0; kill < KILLS; kill++) {
      const rotation = daemon.api.rotateSecrets().catch(() => undefined);
      await pause(kill % 2 === 0 ? Math.random() * 12 : Math.random() * 4);
      await daemon.kill();
      await rotation;
      daemon = await Daemon.start(site);
      const { secrets, key } = await daemon.api.secrets();
      expect(secrets.map(({ readable, key_id }) => [readable, key_id])).toEqual(
        secrets.map(() => [true, key?.id]),
      );
      ids.add(key?.id ?? '');
      heard.length = 0;
      expect((await ended(daemon, 'tell')).status).toBe('completed');
      expect(heard.join()).toContain(TOKEN);
      expect(readdirSync(site.dataDir).filter((name) => name.startsWith('secret.key'))).toEqual([
        'secret.key',
      ]);
    }
    console.log(`${KILLS} kills, ${ids.size} root keys`);
  } finally {
    await daemon[Symbol.asyncDispose]();
  }
});

test('a wrong root key: the daemon is up, says what is wrong, and takes the secret anew', async () => {
  const first = 'the first root key, long enough for all of it';
  using site = createSite({ secret_key: first });
  const { chmodSync } = await import('node:fs');
  chmodSync(site.configFile, 0o600);
  let daemon = await Daemon.start(site);
  try {
    await prepare(daemon);
    await daemon.stop();
    site.configure({ secret_key: 'another root key, also long enough for it' });
    daemon = await Daemon.start(site);
    const health = await daemon.api.health();
    expect(health.parts.find(({ name }) => name === 'vault')).toMatchObject({
      score: 0.4,
      reasons: [expect.stringContaining('4 secrets cannot be opened')],
      remedies: [expect.stringContaining('vault.previous_key')],
    });
    const run = await ended(daemon, 'refused');
    expect(run).toMatchObject({ status: 'failed', error: { code: 'vault.wrong_key', retryable: true } });
    await daemon.api.setSecret('token', TOKEN);
    await daemon.stop();
    site.configure({
      secret_key: 'another root key, also long enough for it',
      vault: { previous_key: first },
    });
    daemon = await Daemon.start(site);
    expect(await daemon.api.rotateSecrets()).toMatchObject({ rewrapped: 4, key: { source: 'config' } });
    expect((await ended(daemon, 'tell')).status).toBe('completed');
  } finally {
    await daemon[Symbol.asyncDispose]();
  }
});
