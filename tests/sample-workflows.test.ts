import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { EventLog } from '#bus/event-log.ts';
import { SYSTEM } from '#core/actor.ts';
import { systemClock } from '#core/clock.ts';
import type { Json, JsonObject } from '#core/json.ts';
import { silentLog } from '#core/log.ts';
import type { DeviceDeclaration } from '#hardware/declaration.ts';
import { Devices } from '#hardware/devices.ts';
import { SimulatedGreenhouse } from '#hardware/simulated-greenhouse.ts';
import { Simulator } from '#hardware/simulator.ts';
import type { PublishPort } from '#mqtt/port.ts';
import { HttpClient } from '#outbound/http-client.ts';
import { Outbox } from '#outbound/outbox.ts';
import type { Store } from '#store/store.ts';
import { parseDefinition } from '#workflows/definition/parse-definition.ts';
import type { StepTypes } from '#workflows/definition/step-types.ts';
import { Engine } from '#workflows/engine/engine.ts';
import { evaluateCondition } from '#workflows/expressions/expression.ts';
import type { RunDetail } from '#workflows/runs-port.ts';
import { siteFiles } from '#workflows/steps/site-files.ts';
import { WorkflowCatalog } from '#workflows/workflow-catalog.ts';
import { everyStepType } from '../src/every-step-type.ts';
import { fakeSecrets } from './support/fake-secrets.ts';
import { HandClock } from './support/hand-clock.ts';
import { openStore } from './support/open-store.ts';

/**
 * config/workflows/: each sample is valid, and does in the simulated greenhouse what it says. docs/steps.md:
 * each example is valid.
 */

const ROOT = new URL('../config/', import.meta.url).pathname;
const SAMPLES = readdirSync(join(ROOT, 'workflows'));
const never = new AbortController().signal;
const source = (file: string): string => readFileSync(join(ROOT, 'workflows', file), 'utf8');

let opened: Awaited<ReturnType<typeof openStore>>;
let store: Store;
let clock: HandClock;
let devices: Devices;
let simulator: Simulator;
let events: EventLog;
let engine: Engine;
let catalog: WorkflowCatalog;
let types: StepTypes;
let published: { topic: string; payload: Json }[];

beforeEach(async () => {
  clock = new HandClock();
  published = [];
  opened = await openStore();
  store = opened.store;
  events = new EventLog(store, 'test');
  events.open();
  await startHouse();
  const http = new HttpClient({ clock: systemClock, userAgent: 't', allowHosts: [], listening: () => [] });
  const mail = new Outbox({
    ...{ reader: store.reader, writer: store, clock, log: silentLog, sender: undefined, attempts: 1 },
  });
  const publisher: PublishPort = {
    publish: async (topic, payload) => {
      published.push({ topic, payload: JSON.parse(String(payload)) as Json });
    },
  };
  const stores = { reader: store.reader, writer: store };
  types = everyStepType({
    ...{ ...stores, secrets: fakeSecrets({}), devices, publisher, http, mail, files: siteFiles('/nowhere') },
    ...{ baseTopic: 'chainbot', limits: { timeoutMs: 1000, maxBytes: 1000 } },
  });
  catalog = new WorkflowCatalog({ store: stores, stepTypes: types, clock });
  catalog.open();
  for (const file of SAMPLES) await catalog.save(source(file), 'yaml', SYSTEM);
  const limits = {
    maxLive: 10,
    maxQueued: 10,
    maxWaiting: 10,
    restAfterMs: 1000,
    keepRunsMs: 1e9,
    stepTimeoutMs: 60_000,
    graceMs: 100,
  };
  engine = new Engine({ store: stores, events, catalog, clock, log: silentLog, limits });
  await engine.start(never);
});
afterEach(async () => {
  await engine.stop();
  await devices.stop();
  await opened.close();
});

async function startHouse(): Promise<void> {
  const { devices: declared } = parse(readFileSync(join(ROOT, 'greenhouse.yaml'), 'utf8')) as {
    devices: Record<string, Omit<DeviceDeclaration, 'id'>>;
  };
  const declarations = Object.entries(declared).map(([id, device]) => ({ id, ...device }));
  const house = new SimulatedGreenhouse(clock);
  const parts = { writer: store, reader: store.reader, telemetry: store.telemetry, clock, log: silentLog };
  devices = new Devices({ ...parts, declarations, drivers: house.drivers });
  simulator = new Simulator(devices, house);
  await devices.start(never);
}

/** Nothing is on its way to the disk, and what waited for it has had its turn. */
async function settled(): Promise<void> {
  for (let quiet = 0; quiet < 2; quiet = store.backlog === 0 ? quiet + 1 : 0) await pause(2);
}

/** Runs it to its end; time passes only while nothing else happens. Gives the run and the seconds it took. */
async function play(workflow: string, input: JsonObject = {}, trigger: JsonObject = { type: 'manual' }) {
  const began = clock.now();
  const { id } = await engine.runs.start({ workflow, input, actor: SYSTEM, trigger });
  let run: RunDetail = engine.runs.get(id);
  while (run.endedAt === null && clock.now() - began < 600_000) {
    await settled();
    await clock.advance(250);
    run = engine.runs.get(id);
  }
  return { run, seconds: (clock.now() - began) / 1000 };
}
const pathsOf = (run: RunDetail): string[] => run.steps.map((step) => step.path);
const triggered = (file: string, type: string, trigger: JsonObject): boolean => {
  const found = parseDefinition(source(file), 'yaml', types).triggers.find(
    (one) => one.definition.type === type,
  );
  if (!found?.when) throw new Error(`${file} has no such trigger with when`);
  return evaluateCondition(found.when, { trigger });
};
const changed = (device: string, value: Json): JsonObject => ({
  type: 'event',
  event: { type: 'chainbot.device.changed', time: '2026-07-01T10:00:00.000Z', data: { device, value } },
});

describe('greenhouse-cooling', () => {
  it('cools from 33 °C to below the limit within a quarter of a minute and switches the fan off', async () => {
    await simulator.set('greenhouse_temp', 33, SYSTEM);
    const { run, seconds } = await play('greenhouse-cooling', { limit: 28 });
    expect(run).toMatchObject({ status: 'completed', output: { cooled: true, before: 33 } });
    expect((run.output as { after: number }).after).toBeLessThan(28);
    expect(seconds).toBeGreaterThan(5);
    expect(seconds).toBeLessThan(18);
    expect(pathsOf(run)).toContain('hot/then/cooling/0/measured');
    expect(devices.get('greenhouse_fan').reported).toBe(false);
  });

  it('has something to do on a fresh start', async () => {
    const { run, seconds } = await play('greenhouse-cooling', { limit: 28 });
    expect(run.output).toMatchObject({ cooled: true });
    expect(seconds).toBeLessThan(15);
  });

  it('leaves a cool house alone', async () => {
    await simulator.set('greenhouse_temp', 20, SYSTEM);
    const { run } = await play('greenhouse-cooling');
    expect(run).toMatchObject({ status: 'completed', input: { limit: 28 }, output: { cooled: false } });
  });

  it('switches the fan off and says so when the sensor fails on the way', async () => {
    await simulator.set('greenhouse_temp', 33, SYSTEM);
    const going = play('greenhouse-cooling');
    while (devices.get('greenhouse_fan').reported !== true) await pause(1);
    await simulator.set('greenhouse_temp', { fault: 'unplugged' }, SYSTEM);
    const { run } = await going;
    expect(devices.get('greenhouse_fan').reported).toBe(false);
    expect(run.steps.find((step) => step.type === 'notification')).toMatchObject({
      output: { created: true },
    });
  });

  it('is started by a report that is too hot', () => {
    const report = (payload: Json) => ({ type: 'mqtt', topic: 'greenhouse/report', payload });
    const starts = (payload: Json) => triggered('greenhouse-cooling.yaml', 'mqtt', report(payload));
    expect(starts({ temperature: 33 })).toBe(true);
    expect(starts({ temperature: 20 })).toBe(false);
    expect(starts({ humidity: 3 })).toBe(false);
    expect(() => starts('warm')).toThrow('is a string');
  });
});

describe('greenhouse-watering', () => {
  it('waters in pulses until it is wet enough', async () => {
    await simulator.set('greenhouse_soil', 20, SYSTEM);
    const { run } = await play('greenhouse-watering');
    expect(run.status).toBe('completed');
    expect((run.output as { after: number }).after).toBeGreaterThan(35);
    const pulses = run.steps.filter((step) => step.id === 'pulse' && step.status === 'completed');
    expect(pulses.length).toBeGreaterThan(1);
    expect(pulses.length).toBeLessThan(5);
    expect(devices.get('greenhouse_pump').reported).toBe(false);
  });

  it('says so when the soil stays dry', async () => {
    await simulator.set('greenhouse_soil', 0, SYSTEM);
    const { run } = await play('greenhouse-watering', { wet: 80 });
    expect(run.steps.find((step) => step.id === 'still_dry')).toMatchObject({ output: { created: true } });
  });
});

describe('door-alert', () => {
  it('is started by the door being opened, and by nothing else', () => {
    expect(triggered('door-alert.yaml', 'event', changed('greenhouse_door', true))).toBe(true);
    expect(triggered('door-alert.yaml', 'event', changed('greenhouse_door', false))).toBe(false);
    expect(triggered('door-alert.yaml', 'event', changed('greenhouse_button', true))).toBe(false);
  });

  it('warns when nobody closes it', async () => {
    const { run } = await play('door-alert', {}, changed('greenhouse_door', true));
    expect(run.status).toBe('completed');
    expect(published).toEqual([
      { topic: 'greenhouse/door', payload: { open: true, since: '2026-07-01T10:00:00.000Z' } },
    ]);
    expect(run.steps.find((step) => step.id === 'warn')?.status).toBe('completed');
  });

  it('is content when somebody does', async () => {
    await simulator.set('greenhouse_door', true, SYSTEM);
    const going = play('door-alert', {}, changed('greenhouse_door', true));
    while (published.length === 0) await pause(1);
    await clock.advance(2000);
    await pause(20);
    await simulator.set('greenhouse_door', false, SYSTEM);
    const { run, seconds } = await going;
    expect(published.at(-1)).toEqual({ topic: 'greenhouse/door', payload: { open: false } });
    expect(run.steps.some((step) => step.id === 'warn')).toBe(false);
    expect(seconds).toBeLessThan(30);
  });
});

describe('button-inspection', () => {
  it('reads everything and publishes each', async () => {
    expect(triggered('button-inspection.yaml', 'event', changed('greenhouse_button', true))).toBe(true);
    const { run } = await play('button-inspection');
    expect(run).toMatchObject({ status: 'completed', output: { soil: expect.any(Number) } });
    expect(published.map((message) => message.topic)).toEqual([
      'greenhouse/inspection/greenhouse_temp',
      'greenhouse/inspection/greenhouse_humidity',
      'greenhouse/inspection/greenhouse_soil',
    ]);
    const [event] = events.before(events.head() + 1, 1, { types: ['chainbot.notification.created'] });
    expect(event?.data.body).toMatch(/^greenhouse_temp: [\d.]+ Cel, .*; the door is closed$/);
  });
});

it('docs/steps.md has only valid examples, and every step type', () => {
  const page = readFileSync(join(ROOT, '../docs/steps.md'), 'utf8');
  const examples = [...page.matchAll(/```yaml\n(.*?)```/gs)].map(([, text]) => parse(text ?? '') as Json);
  expect(examples.length).toBeGreaterThan(10);
  for (const steps of examples) {
    expect(() => parseDefinition(stringify({ name: 'example', steps }), 'yaml', types)).not.toThrow();
  }
  for (const type of types.types()) expect(page).toContain(`## ${type}\n`);
});
