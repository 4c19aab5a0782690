import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ApiDeps } from '../../src/api/api-deps.ts';
import { type ApiServer, createApi } from '../../src/api/api-server.ts';
import type { HealthAnswer } from '../../src/api/contract/module.ts';
import { systemClock } from '../../src/core/clock.ts';
import { TerminalError } from '../../src/core/errors.ts';
import { type Log, silentLog } from '../../src/core/log.ts';
import { FakeLog } from './fake-log.ts';
import { FakeDevices, FakeRuns, FakeTokens, FakeWorkflows } from './fake-ports.ts';

/** The API over real sockets, with fakes behind its ports. */
export interface ApiHarness {
  readonly api: ApiServer;
  readonly log: FakeLog;
  readonly workflows: FakeWorkflows;
  readonly runs: FakeRuns;
  readonly devices: FakeDevices;
  readonly socketPath: string;
  readonly url: string;
  /** What the daemon's own log was told as errors. */
  readonly errors: object[];
  health: HealthAnswer;
  close(): Promise<void>;
}

export async function startApi(overrides: Partial<ApiDeps> = {}): Promise<ApiHarness> {
  const directory = mkdtempSync(join(tmpdir(), 'chainbot-api-'));
  const socketPath = join(directory, 'chainbot.sock');
  const parts = {
    log: new FakeLog(),
    workflows: new FakeWorkflows(),
    runs: new FakeRuns(),
    devices: new FakeDevices(),
    errors: [] as object[],
    health: { status: 'ok', score: 1, parts: [] } as HealthAnswer,
  };
  const daemonLog: Log = { ...silentLog, error: (fields) => void parts.errors.push(fields) };
  const notifications = new Map([
    ['n1', { id: 'n1', severity: 'info', title: 'Hot', body: '33', run: null, targets: ['panel'] }],
  ]);
  const api = createApi({
    workflows: parts.workflows,
    runs: parts.runs,
    devices: parts.devices,
    simulator: parts.devices,
    history: (_device, from, to, limit) =>
      [
        { at: to, value: 22, quality: 'good' },
        { at: from, value: 21, quality: 'good' },
      ].slice(0, limit),
    events: parts.log,
    tokens: new FakeTokens(),
    notifications: {
      list: (limit) =>
        [...notifications.values()]
          .slice(0, limit)
          .map((one) => ({ ...one, createdAt: 1_700_000_000_000, acknowledgedAt: null })),
      acknowledge: async (id) => {
        const one = notifications.get(id);
        if (!one)
          throw new TerminalError('not_found', 'notification.not_found', 'there is no such notification');
        return { ...one, createdAt: 1_700_000_000_000, acknowledgedAt: 1_700_000_001_000 };
      },
    },
    health: () => harness.health,
    info: () => ({
      name: 'chainbot',
      version: '0.1.0',
      device_id: 'd1',
      started_at: '2026-03-01T00:00:00.000Z',
      pid: process.pid,
      node: process.version,
      mqtt: null,
      clock: { state: 'trusted', source: 'kernel' },
      database: { path: '/data/chainbot.db', schema_version: 1 },
    }),
    metrics: () => [{ name: 'runs_total', help: 'Runs.', type: 'counter', samples: [{ value: 7 }] }],
    listen: { host: '127.0.0.1', port: 0, socketPath, allowedHosts: ['pi.local'] },
    clock: systemClock,
    log: daemonLog,
    ...overrides,
  });
  await api.start(new AbortController().signal);
  const harness: ApiHarness = Object.assign(parts, {
    api,
    socketPath,
    url: api.address().url ?? '',
    async close(): Promise<void> {
      await api.stop();
      rmSync(directory, { recursive: true, force: true });
    },
  });
  return harness;
}

/** One request over TCP with the right token. */
export async function call(
  harness: ApiHarness,
  path: string,
  init: RequestInit & { readonly token?: string | null } = {},
): Promise<Response> {
  const { token = 'cb_right', headers, ...rest } = init;
  return fetch(`${harness.url}/api/chainbot${path}`, {
    ...rest,
    headers: { ...(token === null ? {} : { authorization: `Bearer ${token}` }), ...headers },
  });
}

/** A POST with JSON. */
export function post(harness: ApiHarness, path: string, body: unknown, headers = {}): Promise<Response> {
  return call(harness, path, {
    method: 'POST',
    body: JSON.stringify(body),
    headers: { 'content-type': 'application/json', ...headers },
  });
}
