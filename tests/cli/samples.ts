import type { DeviceAnswer } from '#api/contract/device.ts';
import type { CloudEventAnswer } from '#api/contract/event.ts';
import type { RunAnswer, RunSummaryAnswer, StepAnswer } from '#api/contract/run.ts';
import type { TestRoute } from './test-daemon.ts';

export const RUN_ID = '019a9f00-1111-7aaa-8bbb-000000000001';
export const OTHER_RUN_ID = '019a9f00-2222-7aaa-8bbb-000000000002';
const AT = '2026-03-01T08:15:30.250Z';
const LATER = '2026-03-01T08:15:31.500Z';

function step(fields: Partial<StepAnswer> & Pick<StepAnswer, 'path'>): StepAnswer {
  return {
    id: fields.path.split('/').at(-1) as string,
    type: 'transform',
    status: 'completed',
    attempts: 1,
    output: null,
    error: null,
    history: [],
    started_at: AT,
    ended_at: LATER,
    ...fields,
  };
}

function run(fields: Partial<RunAnswer> = {}): RunAnswer {
  return {
    id: RUN_ID,
    workflow: 'greenhouse-cooling',
    version: 3,
    status: 'completed',
    actor: 'socket:local',
    priority: 'normal',
    start_at: null,
    forked_from: null,
    trigger: { type: 'manual' },
    created_at: AT,
    started_at: AT,
    ended_at: LATER,
    error: null,
    input: { limit: 28 },
    output: { cooled: true },
    verbs: [],
    steps: [step({ path: 'read', type: 'device_read', output: { value: 33 } })],
    ...fields,
  };
}

function summary(fields: Partial<RunAnswer> = {}): RunSummaryAnswer {
  const { input: _input, output: _output, verbs: _verbs, steps: _steps, ...rest } = run(fields);
  return rest;
}

function device(fields: Partial<DeviceAnswer> = {}): DeviceAnswer {
  return {
    id: 'greenhouse_temp',
    name: 'Greenhouse temperature',
    driver: 'simulated',
    kind: 'sensor',
    unit: 'Cel',
    area: 'greenhouse',
    writable: false,
    safe: null,
    reported: 21.5,
    reported_at: AT,
    quality: 'good',
    desired: null,
    ...fields,
  };
}

function event(seq: number, type: string, subject: string, data: CloudEventAnswer['data']): CloudEventAnswer {
  return {
    specversion: '1.0',
    id: `e1-${seq}`,
    source: 'urn:chainbot:test',
    type,
    ...(subject === '' ? {} : { subject }),
    time: AT,
    datacontenttype: 'application/json',
    data,
    actor: 'system:chainbot',
    seq,
    epoch: 'e1',
  };
}

const fan = device({
  id: 'greenhouse_fan',
  name: 'Fan',
  kind: 'switch',
  unit: null,
  writable: true,
  safe: false,
  reported: false,
  quality: 'stale',
  desired: true,
});

const workflow = {
  id: '019a9f00-0000-7aaa-8bbb-0000000000ff',
  name: 'greenhouse-cooling',
  version: 3,
  description: 'Cools the greenhouse when it is hot',
  triggers: [
    { type: 'mqtt', topic: 'greenhouse/report' },
    { type: 'schedule', cron: '*/5 * * * *' },
  ],
  created_at: AT,
  updated_at: AT,
};

const definition = {
  name: 'greenhouse-cooling',
  input: { type: 'object', properties: { limit: { type: 'number', default: 28, description: 'degrees' } } },
  steps: [
    { id: 'read', type: 'device_read', device: 'greenhouse_temp' },
    {
      id: 'hot',
      type: 'condition',
      if: '{{ steps.read.output.value > input.limit }}',
      // biome-ignore lint/suspicious/noThenProperty: a condition's branch is called so
      then: [{ id: 'fan', type: 'device_write', device: 'greenhouse_fan', value: true, when: '{{ true }}' }],
      else: [],
    },
    { id: 'both', type: 'parallel', branches: { a: [{ id: 'x', type: 'transform', value: 1 }] } },
    { id: 'each', type: 'loop', times: 3, steps: [{ id: 'tell', type: 'publish', topic: 'a/b' }] },
  ],
};

const info = {
  name: 'chainbot',
  version: '0.1.0',
  device_id: 'pi-01',
  started_at: AT,
  pid: 4321,
  node: '24.21.0',
  api: { url: 'http://127.0.0.1:8000', socket: '/run/chainbot/chainbot.sock' },
  mqtt: {
    mode: 'embedded',
    connected: true,
    url: 'mqtt://127.0.0.1:1883',
    base_topic: 'chainbot',
    backlog: 0,
  },
  clock: { state: 'trusted', source: 'kernel' },
  database: { path: '/var/lib/chainbot/chainbot.db', schema_version: 1 },
};

const trigger = {
  workflow: 'cooling',
  enabled: true,
  next: null,
  last_fired: null,
  held: null,
  pending_until: null,
};

const health = {
  status: 'degraded',
  score: 0.8,
  parts: [
    { name: 'store', score: 1, weight: 2, reasons: [], remedies: [] },
    { name: 'mqtt', score: 0.5, weight: 1, reasons: ['the broker is away'], remedies: ['Start it.'] },
  ],
};

const reading = { device: 'greenhouse_temp', value: 33.123456, quality: 'good', at: AT, unit: 'Cel' };

const weather = {
  name: 'weather',
  kind: { type: 'query', parameter: 'appid', hosts: ['api.openweathermap.org'] },
  version: 2,
  key_id: '00112233aabbccdd',
  readable: true,
  created_at: AT,
  updated_at: LATER,
};

const approval = {
  id: 'ap1',
  run: RUN_ID,
  workflow: 'cooling',
  path: 'ask',
  title: 'Open the valve?',
  body: 'It is wet.',
  roles: ['keeper'],
  status: 'open',
  deadline: LATER,
  default: 'reject',
  created_at: AT,
  decided_at: null,
  decided_by: null,
  comment: null,
};

const email = {
  id: 'e1',
  run: RUN_ID,
  to: ['ann@example.org'],
  subject: 'Too hot',
  status: 'queued',
  attempts: 2,
  next_at: LATER,
  accepted: [],
  rejected: ['bob@example.org'],
  response: null,
  error: {
    code: 'email.unreachable',
    message: 'the mail server mail.example cannot be used',
    retryable: true,
  },
  created_at: AT,
  ended_at: null,
};

const routes: Readonly<Record<string, TestRoute>> = {
  'GET /info': { body: info },
  'GET /triggers': {
    body: {
      clock: { state: 'estimated', source: null },
      triggers: [
        { ...trigger, index: 0, type: 'manual', definition: { type: 'manual' } },
        {
          ...trigger,
          index: 1,
          type: 'schedule',
          definition: { type: 'schedule', cron: '*/5 * * * *' },
          next: LATER,
          last_fired: AT,
        },
        {
          ...trigger,
          index: 2,
          type: 'device',
          definition: { type: 'device', device: 'freezer', above: -15, for: '10m' },
          held: 'there is no device "freezer"',
        },
        {
          ...trigger,
          index: 3,
          type: 'webhook',
          definition: { type: 'webhook', name: 'shop', enabled: false },
          enabled: false,
        },
        {
          ...trigger,
          index: 4,
          type: 'mqtt',
          definition: { type: 'mqtt', topic: 't' },
          pending_until: LATER,
        },
      ],
    },
  },
  'GET /health': { body: health },
  'GET /workflows': { body: { workflows: [workflow] } },
  'GET /workflows/greenhouse-cooling': {
    body: { ...workflow, definition, source: 'name: greenhouse-cooling # kept\n', source_type: 'yaml' },
  },
  'GET /workflows/greenhouse-cooling/versions': {
    body: { versions: [{ version: 3, created_at: AT, actor: 'token:ci' }] },
  },
  'POST /workflows': { status: 201, body: { id: workflow.id, name: workflow.name, version: 4 } },
  'DELETE /workflows/greenhouse-cooling': { status: 204 },
  'POST /workflows/greenhouse-cooling/runs': {
    status: 202,
    body: summary({ status: 'queued', started_at: null, ended_at: null }),
  },
  'GET /runs': {
    body: { runs: [summary(), summary({ id: OTHER_RUN_ID, status: 'running', ended_at: null })], next: null },
  },
  [`GET /runs/${RUN_ID}`]: { body: run() },
  'GET /devices': { body: { devices: [device(), fan] } },
  'GET /devices/greenhouse_fan': { body: fan },
  'POST /devices/greenhouse_temp/read': { body: reading },
  'POST /devices/greenhouse_fan': {
    body: { ...reading, device: 'greenhouse_fan', value: true, unit: null },
  },
  'POST /simulator/greenhouse_temp': { body: { ...reading, value: 33 } },
  'GET /events': {
    body: {
      events: [event(7, 'chainbot.device.changed', 'device/greenhouse_temp', { value: 33, previous: 21 })],
      next: 7,
      head: 7,
      tail: 1,
      epoch: 'e1',
    },
  },
  'GET /tokens': {
    body: { tokens: [{ id: 'tok-1', name: 'ci', created_at: AT, last_used_at: null }] },
  },
  'POST /tokens': { status: 201, body: { id: 'tok-2', name: 'pi', token: 'secret-text' } },
  'DELETE /tokens/tok-1': { status: 204 },
  'PUT /secrets/weather': { body: weather },
  'GET /secrets': {
    body: {
      secrets: [
        {
          ...weather,
          name: 'shelly',
          kind: { type: 'basic', username: 'admin', hosts: ['192.168.1.20'] },
          readable: false,
        },
        { ...weather, name: 'telegram', kind: { type: 'text' }, version: 1 },
        weather,
      ],
      key: { id: '00112233aabbccdd', source: 'file' },
    },
  },
  'DELETE /secrets/weather': { status: 204 },
  'POST /secrets/rotate': { body: { rewrapped: 2, key: { id: '00112233aabbccdd', source: 'file' } } },
  'GET /approvals': { body: { approvals: [approval] } },
  'POST /approvals/ap1/approve': {
    body: {
      ...approval,
      ...{ status: 'approved', decided_at: LATER, decided_by: 'socket:local', comment: 'go' },
    },
  },
  'POST /approvals/ap1/reject': {
    body: { ...approval, status: 'rejected', decided_at: LATER, decided_by: 'socket:local' },
  },
  'GET /notifications': {
    body: {
      notifications: [
        {
          id: 'n1',
          severity: 'warning',
          title: 'Hot',
          body: 'The greenhouse is at 33 °C',
          run: RUN_ID,
          targets: ['panel', 'mqtt'],
          created_at: AT,
          acknowledged_at: null,
        },
      ],
    },
  },
  'POST /notifications/n1/acknowledge': {
    body: {
      id: 'n1',
      severity: 'warning',
      title: 'Hot',
      body: 'The greenhouse is at 33 °C',
      run: RUN_ID,
      targets: ['panel', 'mqtt'],
      created_at: AT,
      acknowledged_at: LATER,
    },
  },
  'GET /outbox': {
    body: { emails: [email, { ...email, id: 'e2', status: 'sent', error: null, next_at: null }] },
  },
  'POST /outbox/e1/retry': { body: email },
  'POST /outbox/e1/withdraw': { body: { ...email, status: 'failed', next_at: null, ended_at: LATER } },
};

/** Answers as the contract describes them (src/cli/samples.test.ts holds them to it). */
export const sample = { AT, LATER, step, run, summary, device, event, routes };
