import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Actor } from '#core/actor.ts';
import { RetryableError } from '#core/errors.ts';
import { silentLog } from '#core/log.ts';
import type { TelemetryRow, WriterPort } from '#store/port.ts';
import { query } from '#store/statement.ts';
import type { Store } from '#store/store.ts';
import { HandClock } from '../../tests/support/hand-clock.ts';
import { openStore } from '../../tests/support/open-store.ts';
import type { DeviceDeclaration } from './declaration.ts';
import { Devices } from './devices.ts';
import type { Driver } from './driver.ts';
import type { DeviceValue } from './port.ts';
import { SimulatedGreenhouse } from './simulated-greenhouse.ts';
import { Simulator } from './simulator.ts';

const DECLARED: readonly DeviceDeclaration[] = [
  {
    id: 'temp',
    driver: 'simulator',
    kind: 'sensor',
    unit: 'Cel',
    max: 60,
    simulate: { quantity: 'temperature', initial: 30 },
  },
  { id: 'humidity', driver: 'simulator', kind: 'sensor', unit: '%', simulate: { quantity: 'humidity' } },
  { id: 'soil', driver: 'simulator', kind: 'sensor', unit: '%', simulate: { quantity: 'soil_moisture' } },
  { id: 'fan', name: 'Fan', driver: 'simulator', kind: 'switch', simulate: { quantity: 'fan' } },
  { id: 'pump', driver: 'simulator', kind: 'switch', safe: false, simulate: { quantity: 'pump' } },
  { id: 'button', driver: 'simulator', kind: 'button', simulate: { quantity: 'button' } },
  { id: 'door', driver: 'simulator', kind: 'binary_sensor', simulate: { quantity: 'contact' } },
];
const ANNA: Actor = { kind: 'person', id: 'anna' };
const never = new AbortController().signal;
const eventsOf = query((db, p: { type: string }) =>
  db
    .selectFrom('events')
    .select(['type', 'subject', 'actor', 'data'])
    .where('type', '=', p.type)
    .orderBy('seq')
    .limit(100),
);
const desiredRows = query((db, _: Record<string, never>) =>
  db.selectFrom('devices').select(['id', 'desired', 'actor']).orderBy('id').limit(100),
);

let opened: Awaited<ReturnType<typeof openStore>>;
let store: Store;
let clock: HandClock;
let devices: Devices;
let simulator: Simulator;
let telemetry: TelemetryRow[];
/** Holds or breaks commits when a test says so. */
let gate: { before?: (() => Promise<void>) | undefined };

const build = (declarations = DECLARED, others: Record<string, () => Driver> = {}): void => {
  const house = new SimulatedGreenhouse(clock);
  const writer: WriterPort = {
    async commit(unit) {
      await gate.before?.();
      return store.commit(unit);
    },
  };
  devices = new Devices({
    declarations,
    drivers: { ...house.drivers, ...others },
    writer,
    reader: store.reader,
    telemetry: { record: (row) => telemetry.push(row), history: () => [] },
    clock,
    log: silentLog,
  });
  simulator = new Simulator(devices, house);
};
const start = async (declarations = DECLARED, others: Record<string, () => Driver> = {}): Promise<void> => {
  build(declarations, others);
  await devices.start(never);
};
const events = (type: string) =>
  store.reader
    .all(eventsOf, { type })
    .map((row) => ({ ...row, data: JSON.parse(row.data) as Record<string, unknown> }));
/** The events of a type, once there are `count`. */
const waitFor = (type: string, count: number) =>
  vi.waitFor(() => {
    const found = events(type);
    expect(found).toHaveLength(count);
    return found;
  });
const on = { value: true, actor: ANNA };
const off = { value: false, actor: ANNA };

beforeEach(async () => {
  opened = await openStore();
  store = opened.store;
  clock = new HandClock();
  telemetry = [];
  gate = {};
});
afterEach(async () => {
  gate = {};
  await devices.stop();
  await opened.close();
});

describe('devices', () => {
  it('are listed with what they report', async () => {
    await start();
    expect(devices.list().map((device) => device.id)).toEqual(DECLARED.map((device) => device.id));
    expect(devices.get('temp')).toMatchObject({
      reported: 30,
      unit: 'Cel',
      quality: 'good',
      writable: false,
    });
    expect(devices.get('fan')).toMatchObject({
      name: 'Fan',
      reported: false,
      safe: false,
      writable: true,
      desired: false,
    });
    expect(devices.health()).toEqual({ score: 1, reasons: [], remedies: [] });
  });

  it('that are not declared are refused with what was meant', async () => {
    await start();
    await expect(devices.read('tmp')).rejects.toMatchObject({
      code: 'device.not_found',
      hint: 'Did you mean "temp"?',
    });
    expect(() => devices.get('zzz')).toThrow(
      expect.objectContaining({ hint: expect.stringContaining('devices list') }),
    );
  });

  it('that contradict themselves stop the start', async () => {
    await expect(start([{ id: 'x', driver: 'none', kind: 'sensor' }])).rejects.toMatchObject({
      code: 'devices.invalid',
      faults: [{ path: 'x.driver' }],
    });
  });

  it('know the air they share: the fan cools, the pump wets', async () => {
    await start();
    await simulator.set('temp', 33, ANNA);
    await devices.write('fan', on);
    await devices.write('pump', on);
    const soil = (await devices.read('soil')).value as number;
    await clock.advance(12_000);
    expect((await devices.read('temp')).value).toBeLessThan(28);
    expect((await devices.read('soil')).value).toBeGreaterThan(soil + 5);
  });

  it('read only while they run', async () => {
    build();
    await devices.stop();
    await devices.safe('nothing runs');
    await expect(devices.read('temp')).rejects.toMatchObject({ code: 'device.not_found' });
    await devices.start(never);
    await devices.stop();
    await expect(devices.read('temp')).rejects.toMatchObject({ code: 'device.stopped' });
    await devices.start(never);
    expect((await devices.read('temp')).quality).toBe('good');
  });
});

describe('telemetry and events', () => {
  it('are apart: samples are telemetry, only what matters is an event', async () => {
    await start();
    const first = events('chainbot.device.changed').length;
    await vi.waitFor(() => expect(events('chainbot.device.changed').length).toBe(7));
    expect(first).toBeLessThanOrEqual(7);
    await clock.advance(60_000);
    expect(telemetry.filter((row) => row.device === 'temp')).toHaveLength(13);
    expect(telemetry.filter((row) => row.device === 'door')).toHaveLength(1);
    expect(
      events('chainbot.device.changed').filter((event) => event.data.device === 'temp').length,
    ).toBeLessThan(3);
  });

  it('what the simulator sets is announced at once, as the doing of who set it', async () => {
    await start();
    await waitFor('chainbot.device.changed', 7);
    await simulator.set('temp', 33, ANNA);
    const found = await waitFor('chainbot.device.changed', 8);
    expect(found.at(-1)).toMatchObject({
      subject: 'device/temp',
      actor: 'person:anna',
      data: { device: 'temp', value: 33, previous: 30, quality: 'good', unit: 'Cel' },
    });
  });

  it('a pressed button lets itself go', async () => {
    await start();
    await waitFor('chainbot.device.changed', 7);
    expect((await simulator.set('button', true, ANNA)).value).toBe(true);
    await simulator.set('button', true, ANNA);
    await clock.advance(300);
    const found = await waitFor('chainbot.device.changed', 9);
    expect(found.slice(7).map((event) => [event.data.value, event.actor])).toEqual([
      [true, 'person:anna'],
      [false, 'device:button'],
    ]);
  });
});

describe('the simulator', () => {
  it('refuses what cannot be', async () => {
    await start([...DECLARED, { id: 'pin', driver: 'stub', kind: 'sensor' }], {
      stub: () => new StubDriver(),
    });
    const set = (id: string, value: never) => simulator.set(id, value, ANNA);
    await expect(set('nothing', 1 as never)).rejects.toMatchObject({ code: 'device.not_found' });
    await expect(set('pin', 1 as never)).rejects.toMatchObject({ code: 'sim.not_simulated' });
    await expect(set('temp', 'hot' as never)).rejects.toMatchObject({ code: 'device.value_invalid' });
    await expect(set('humidity', 101 as never)).rejects.toMatchObject({ code: 'device.value_invalid' });
    await expect(set('door', 1 as never)).rejects.toMatchObject({ code: 'device.value_invalid' });
    await expect(set('door', { fault: 3 } as never)).rejects.toMatchObject({ code: 'device.value_invalid' });
    expect((await set('humidity', 40 as never)).value).toBe(40);
    expect((await set('soil', 20 as never)).value).toBe(20);
    expect((await set('fan', true as never)).value).toBe(true);
  });

  it('breaks and mends a device', async () => {
    await start();
    await waitFor('chainbot.device.changed', 7);
    const seen = await simulator.set('temp', { fault: 'unplugged' }, ANNA);
    expect(seen).toMatchObject({ value: 30, quality: 'fault' });
    await expect(devices.read('temp')).rejects.toMatchObject({
      code: 'device.fault',
      message: expect.stringContaining('unplugged'),
    });
    expect(devices.get('temp')).toMatchObject({ quality: 'fault', reported: 30 });
    const health = devices.health();
    expect(health.score).toBeCloseTo(6 / 7);
    expect(health.reasons[0]).toContain('unplugged');
    const [fault] = await waitFor('chainbot.device.fault', 1);
    expect(fault?.data).toMatchObject({ device: 'temp', message: expect.stringContaining('unplugged') });
    await simulator.set('temp', { fault: false }, ANNA);
    expect((await waitFor('chainbot.device.changed', 8)).at(-1)?.data).toMatchObject({
      value: 30,
      previous: 30,
    });
    expect(devices.health().score).toBe(1);
    await simulator.set('temp', { fault: true }, ANNA);
    await waitFor('chainbot.device.fault', 2);
  });

  it('lets a reading that cannot be believed be a fault', async () => {
    await start();
    expect(await simulator.set('temp', 85, ANNA)).toMatchObject({ quality: 'fault' });
    expect(devices.health().reasons[0]).toContain('not between');
  });
});

describe('writing', () => {
  it('is on disk with its event before it acts', async () => {
    await start();
    const { promise, resolve } = Promise.withResolvers<void>();
    gate.before = () => promise;
    const written = devices.write('fan', on);
    await clock.advance(10);
    expect((await devices.read('fan')).value).toBe(false);
    resolve();
    expect(await written).toMatchObject({ device: 'fan', value: true, quality: 'good' });
    expect(store.reader.all(desiredRows, {}).find((row) => row.id === 'fan')).toEqual({
      id: 'fan',
      desired: 'true',
      actor: 'person:anna',
    });
    expect(events('chainbot.device.written').at(-1)).toMatchObject({
      subject: 'device/fan',
      actor: 'person:anna',
      data: { device: 'fan', value: true },
    });
  });

  it('does not act when the disk refuses', async () => {
    await start();
    gate.before = () => Promise.reject(new RetryableError('store.full', 'the disk is full'));
    await expect(devices.write('fan', on)).rejects.toMatchObject({ code: 'store.full' });
    expect((await devices.read('fan')).value).toBe(false);
  });

  it('to the safe value acts first and needs no disk', async () => {
    await start();
    await devices.write('fan', on);
    gate.before = () => Promise.reject(new RetryableError('store.full', 'the disk is full'));
    expect((await devices.write('fan', off)).value).toBe(false);
    expect(devices.get('fan')).toMatchObject({ reported: false, desired: false });
    expect(devices.health().reasons.join()).toContain('did not reach the log');
  });

  it('gives way to a safe move that came later', async () => {
    await start();
    const { promise, resolve } = Promise.withResolvers<void>();
    gate.before = () => promise;
    const first = devices.write('fan', on).catch((error: unknown) => error);
    const second = devices.write('fan', on).catch((error: unknown) => error);
    await clock.advance(1);
    await devices.safe('somebody shouted');
    resolve();
    expect(await first).toMatchObject({ code: 'device.superseded' });
    expect(await second).toMatchObject({ code: 'device.superseded' });
    await vi.waitFor(() =>
      expect(store.reader.all(desiredRows, {})[0]).toMatchObject({ id: 'fan', desired: 'false' }),
    );
    expect((await devices.read('fan')).value).toBe(false);
  });

  it('acts once for a key', async () => {
    await start();
    await waitFor('chainbot.device.written', 2);
    const write = { ...on, key: 'run-1/fan' };
    const [one, two] = await Promise.all([devices.write('fan', write), devices.write('fan', write)]);
    expect(two).toEqual(one);
    await devices.write('fan', off);
    expect(await devices.write('fan', write)).toEqual(one);
    expect((await devices.read('fan')).value).toBe(false);
    expect(events('chainbot.device.written').length).toBe(4);
  });

  it('refuses wrong values and aborted calls', async () => {
    await start();
    await expect(devices.write('temp', on)).rejects.toMatchObject({ code: 'device.read_only' });
    await expect(devices.write('fan', { value: 'on', actor: ANNA })).rejects.toMatchObject({
      code: 'device.value_invalid',
    });
    const aborted = AbortSignal.abort(new Error('cancelled'));
    await expect(devices.write('fan', on, aborted)).rejects.toThrow('cancelled');
    await expect(devices.read('fan', aborted)).rejects.toThrow('cancelled');
  });

  it('is bounded', async () => {
    await start();
    const { promise, resolve } = Promise.withResolvers<void>();
    gate.before = () => promise;
    const all = Array.from({ length: 33 }, () => devices.write('fan', on));
    await expect(all.at(-1)).rejects.toMatchObject({ code: 'device.busy' });
    resolve();
    await Promise.all(all.slice(0, 32));
  });
});

describe('a pulse', () => {
  it('ends by itself at the safe value', async () => {
    await start();
    await devices.write('pump', { ...on, pulseMs: 5000 });
    expect(events('chainbot.device.written').at(-1)?.data).toEqual({
      device: 'pump',
      value: true,
      pulse_ms: 5000,
    });
    await clock.advance(4999);
    expect((await devices.read('pump')).value).toBe(true);
    await clock.advance(1);
    expect((await devices.read('pump')).value).toBe(false);
    await vi.waitFor(() =>
      expect(events('chainbot.device.written').at(-1)?.data).toEqual({
        device: 'pump',
        value: false,
        reason: 'the pulse ended',
      }),
    );
  });

  it('is forgotten when something newer holds', async () => {
    await start();
    await devices.write('pump', { ...on, pulseMs: 5000 });
    await devices.write('pump', on);
    await clock.advance(10_000);
    expect((await devices.read('pump')).value).toBe(true);
    await devices.write('pump', { ...on, pulseMs: 5000 });
    await devices.write('pump', off);
    await devices.write('pump', on);
    await clock.advance(10_000);
    expect((await devices.read('pump')).value).toBe(true);
  });
});

describe('starting and stopping', () => {
  it('put everything in its safe state, and say so when it was not', async () => {
    await start();
    await devices.write('pump', { ...on, pulseMs: 3_600_000 });
    await devices.write('fan', on);
    await devices.stop();
    expect(clock.waiting).toBe(0);
    expect(devices.get('fan')).toMatchObject({ reported: false, desired: false });
    expect(store.reader.all(desiredRows, {}).map((row) => row.desired)).toEqual(['false', 'false']);
    const after = events('chainbot.device.written').length;
    await start();
    await clock.advance(1);
    expect(events('chainbot.device.written').length).toBe(after);
  });

  it('after a power cut switch nothing on', async () => {
    await start();
    await devices.write('fan', on);
    const cut = devices;
    await start();
    expect(devices.get('fan')).toMatchObject({ reported: false, desired: false });
    await vi.waitFor(() =>
      expect(events('chainbot.device.written').at(-1)?.data).toEqual({
        device: 'fan',
        value: false,
        reason: 'start',
      }),
    );
    await cut.stop();
  });

  it('works with a store that cannot be read or written', async () => {
    build();
    const broken = new Devices({
      declarations: DECLARED,
      drivers: new SimulatedGreenhouse(clock).drivers,
      writer: { commit: () => Promise.reject(new RetryableError('store.degraded', 'no writes')) },
      reader: {
        all: () => [],
        get: () => {
          throw new Error('no reads');
        },
      },
      telemetry: { record: () => {}, history: () => [] },
      clock,
      log: silentLog,
    });
    await broken.start(never);
    expect(broken.list()).toHaveLength(7);
    await broken.stop();
  });

  it('does not switch on what waited for the disk', async () => {
    await start();
    const { promise, resolve } = Promise.withResolvers<void>();
    gate.before = () => promise;
    const late = devices.write('fan', on).catch((error: unknown) => error);
    await clock.advance(1);
    const stopped = devices.stop();
    resolve();
    expect(await late).toMatchObject({ code: 'device.stopped' });
    await stopped;
    expect(devices.get('fan').reported).toBe(false);
  });
});

/** A thing that does what the test says. */
class StubDriver implements Driver {
  value: DeviceValue = false;
  opens = 0;
  open = async (): Promise<void> => {
    this.opens++;
  };
  read = async () => ({ value: this.value, at: 1 });
  write = async (value: DeviceValue) => {
    this.value = value;
    return { value, at: 1 };
  };
  close = async (): Promise<void> => {};
}

describe('a thing that does not obey', () => {
  const relay: DeviceDeclaration = { id: 'relay', driver: 'stub', kind: 'switch' };

  it('is a fault when it does not answer, and the next call goes on', async () => {
    const driver = new StubDriver();
    await start([relay], { stub: () => driver });
    const read = driver.read;
    driver.read = () => new Promise(() => {});
    const reading = devices.read('relay').catch((error: unknown) => error);
    await clock.advance(1);
    driver.read = read;
    await clock.advance(2000);
    expect(await reading).toMatchObject({
      code: 'device.fault',
      message: expect.stringContaining('did not answer'),
    });
    expect((await devices.read('relay')).value).toBe(false);
    expect(driver.opens).toBe(1);
  });

  it('shares one waiting read among all who ask', async () => {
    const driver = new StubDriver();
    await start([relay], { stub: () => driver });
    let reads = 0;
    driver.read = async () => {
      reads++;
      return { value: true, at: 1 };
    };
    await Promise.all(Array.from({ length: 50 }, () => devices.read('relay')));
    expect(reads).toBeLessThanOrEqual(2);
  });

  it('goes to its safe value when a write fails half-way, again and again', async () => {
    const driver = new StubDriver();
    await start([relay], { stub: () => driver });
    const write = driver.write;
    driver.write = async (value) => {
      driver.value = value;
      throw new Error('EIO');
    };
    await expect(devices.write('relay', on)).rejects.toMatchObject({ code: 'device.fault' });
    await expect(devices.write('relay', off)).rejects.toMatchObject({ code: 'device.fault' });
    expect(devices.health().reasons.join()).toContain('relay could not be moved to its safe value');
    expect(devices.health().score).toBe(0);
    driver.value = true;
    driver.write = write;
    await clock.advance(5000);
    expect(driver.value).toBe(false);
    expect(devices.health().reasons.join()).not.toContain('safe value');
  });

  it('may fail to open and is opened again', async () => {
    const driver = new StubDriver();
    const { open } = driver;
    driver.open = () => Promise.reject(new Error('EBUSY'));
    await start([relay], { stub: () => driver });
    expect(devices.get('relay')).toMatchObject({ quality: 'fault', reported: null });
    expect(devices.health().score).toBe(0);
    driver.open = open;
    await clock.advance(5000);
    expect(devices.get('relay')).toMatchObject({ quality: 'good', reported: false });
  });

  it('is stale when it was silent for long', async () => {
    const driver = new StubDriver();
    await start([relay], { stub: () => driver });
    driver.read = () => new Promise(() => {});
    await clock.advance(4000);
    await clock.advance(40_000);
    expect(devices.get('relay').quality).toBe('fault');
    driver.read = async () => ({ value: false, at: 1 });
    await clock.advance(6000);
    expect(devices.get('relay').quality).toBe('good');
  });

  it('may push what cannot be believed', async () => {
    const driver = new StubDriver();
    driver.value = 20;
    let push: (report: { value: DeviceValue; at: number }) => void = () => {};
    const opening = async (_: DeviceDeclaration, onReport: typeof push) => {
      push = onReport;
    };
    driver.open = opening as never;
    await start([{ id: 'level', driver: 'stub', kind: 'sensor', unit: 'm', min: 0, max: 50 }], {
      stub: () => driver,
    });
    push({ value: 99, at: 2 });
    expect(devices.get('level')).toMatchObject({ quality: 'fault', reported: 20 });
    push({ value: 30, at: 3 });
    expect(devices.get('level')).toMatchObject({ quality: 'good', reported: 30 });
  });
});
