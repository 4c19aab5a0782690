import { describe, expect, it, vi } from 'vitest';
import { RetryableError } from '#core/errors.ts';
import { silentLog } from '#core/log.ts';
import { ANNA, DECLARED, houses, on, StubDriver } from '../../tests/support/open-house.ts';
import { Devices } from './devices.ts';
import { SimulatedGreenhouse } from './simulated-greenhouse.ts';

const never = new AbortController().signal;
const at = houses();

describe('devices', () => {
  it('are listed with what they report', async () => {
    await at.house.start();
    expect(at.house.devices.list().map((device) => device.id)).toEqual(DECLARED.map((device) => device.id));
    expect(at.house.devices.get('temp')).toMatchObject({
      reported: 30,
      unit: 'Cel',
      quality: 'good',
      writable: false,
    });
    expect(at.house.devices.get('fan')).toMatchObject({
      name: 'Fan',
      reported: false,
      safe: false,
      writable: true,
      desired: false,
    });
    expect(at.house.devices.health()).toEqual({ score: 1, reasons: [], remedies: [] });
  });

  it('that are not declared are refused with what was meant', async () => {
    await at.house.start();
    await expect(at.house.devices.read('tmp')).rejects.toMatchObject({
      code: 'device.not_found',
      hint: 'Did you mean "temp"?',
    });
    expect(() => at.house.devices.get('zzz')).toThrow(
      expect.objectContaining({ hint: expect.stringContaining('devices list') }),
    );
  });

  it('that contradict themselves stop the start', async () => {
    await expect(at.house.start([{ id: 'x', driver: 'none', kind: 'sensor' }])).rejects.toMatchObject({
      code: 'devices.invalid',
      faults: [{ path: 'x.driver' }],
    });
  });

  it('know the air they share: the fan cools, the pump wets', async () => {
    await at.house.start();
    await at.house.simulator.set('temp', 33, ANNA);
    await at.house.devices.write('fan', on);
    await at.house.devices.write('pump', on);
    const soil = (await at.house.devices.read('soil')).value as number;
    await at.house.clock.advance(12_000);
    expect((await at.house.devices.read('temp')).value).toBeLessThan(28);
    expect((await at.house.devices.read('soil')).value).toBeGreaterThan(soil + 5);
  });

  it('read only while they run', async () => {
    at.house.build();
    await at.house.devices.stop();
    await at.house.devices.safe('nothing runs');
    await expect(at.house.devices.read('temp')).rejects.toMatchObject({ code: 'device.not_found' });
    await at.house.devices.start(never);
    await at.house.devices.stop();
    await expect(at.house.devices.read('temp')).rejects.toMatchObject({ code: 'device.stopped' });
    await at.house.devices.start(never);
    expect((await at.house.devices.read('temp')).quality).toBe('good');
  });
});

describe('telemetry and events', () => {
  it('are apart: samples are telemetry, only what matters is an event', async () => {
    await at.house.start();
    const first = at.house.events('chainbot.device.changed').length;
    await vi.waitFor(() => expect(at.house.events('chainbot.device.changed').length).toBe(7));
    expect(first).toBeLessThanOrEqual(7);
    await at.house.clock.advance(60_000);
    expect(at.house.telemetry.filter((row) => row.device === 'temp')).toHaveLength(13);
    expect(at.house.telemetry.filter((row) => row.device === 'door')).toHaveLength(1);
    expect(
      at.house.events('chainbot.device.changed').filter((event) => event.data.device === 'temp').length,
    ).toBeLessThan(3);
  });

  it('what the simulator sets is announced at once, as the doing of who set it', async () => {
    await at.house.start();
    await at.house.waitFor('chainbot.device.changed', 7);
    await at.house.simulator.set('temp', 33, ANNA);
    const found = await at.house.waitFor('chainbot.device.changed', 8);
    expect(found.at(-1)).toMatchObject({
      subject: 'device/temp',
      actor: 'person:anna',
      data: { device: 'temp', value: 33, previous: 30, quality: 'good', unit: 'Cel' },
    });
  });

  it('a pressed button lets itself go', async () => {
    await at.house.start();
    await at.house.waitFor('chainbot.device.changed', 7);
    expect((await at.house.simulator.set('button', true, ANNA)).value).toBe(true);
    await at.house.simulator.set('button', true, ANNA);
    await at.house.clock.advance(300);
    const found = await at.house.waitFor('chainbot.device.changed', 9);
    expect(found.slice(7).map((event) => [event.data.value, event.actor])).toEqual([
      [true, 'person:anna'],
      [false, 'device:button'],
    ]);
  });
});

describe('the simulator', () => {
  it('refuses what cannot be', async () => {
    await at.house.start([...DECLARED, { id: 'pin', driver: 'stub', kind: 'sensor' }], {
      stub: () => new StubDriver(),
    });
    const set = (id: string, value: never) => at.house.simulator.set(id, value, ANNA);
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
    await at.house.start();
    await at.house.waitFor('chainbot.device.changed', 7);
    const seen = await at.house.simulator.set('temp', { fault: 'unplugged' }, ANNA);
    expect(seen).toMatchObject({ value: 30, quality: 'fault' });
    await expect(at.house.devices.read('temp')).rejects.toMatchObject({
      code: 'device.fault',
      message: expect.stringContaining('unplugged'),
    });
    expect(at.house.devices.get('temp')).toMatchObject({ quality: 'fault', reported: 30 });
    const health = at.house.devices.health();
    expect(health.score).toBeCloseTo(6 / 7);
    expect(health.reasons[0]).toContain('unplugged');
    const [fault] = await at.house.waitFor('chainbot.device.fault', 1);
    expect(fault?.data).toMatchObject({ device: 'temp', message: expect.stringContaining('unplugged') });
    await at.house.simulator.set('temp', { fault: false }, ANNA);
    expect((await at.house.waitFor('chainbot.device.changed', 8)).at(-1)?.data).toMatchObject({
      value: 30,
      previous: 30,
    });
    expect(at.house.devices.health().score).toBe(1);
    await at.house.simulator.set('temp', { fault: true }, ANNA);
    await at.house.waitFor('chainbot.device.fault', 2);
  });

  it('lets a reading that cannot be believed be a fault', async () => {
    await at.house.start();
    expect(await at.house.simulator.set('temp', 85, ANNA)).toMatchObject({ quality: 'fault' });
    expect(at.house.devices.health().reasons[0]).toContain('not between');
  });
});

describe('starting and stopping', () => {
  it('put everything in its safe state, and say so when it was not', async () => {
    await at.house.start();
    await at.house.devices.write('pump', { ...on, pulseMs: 3_600_000 });
    await at.house.devices.write('fan', on);
    await at.house.devices.stop();
    expect(at.house.clock.waiting).toBe(0);
    expect(at.house.devices.get('fan')).toMatchObject({ reported: false, desired: false });
    expect(at.house.told().map((row) => row.desired)).toEqual(['false', 'false']);
    const after = at.house.events('chainbot.device.written').length;
    await at.house.start();
    await at.house.clock.advance(1);
    expect(at.house.events('chainbot.device.written').length).toBe(after);
  });

  it('after a power cut switch nothing on', async () => {
    await at.house.start();
    await at.house.devices.write('fan', on);
    const cut = at.house.devices;
    await at.house.start();
    expect(at.house.devices.get('fan')).toMatchObject({ reported: false, desired: false });
    await vi.waitFor(() =>
      expect(at.house.events('chainbot.device.written').at(-1)?.data).toEqual({
        device: 'fan',
        value: false,
        reason: 'start',
      }),
    );
    await cut.stop();
  });

  it('works with a store that cannot be read or written', async () => {
    at.house.build();
    const broken = new Devices({
      declarations: DECLARED,
      drivers: new SimulatedGreenhouse(at.house.clock).drivers,
      writer: { commit: () => Promise.reject(new RetryableError('store.degraded', 'no writes')) },
      reader: {
        all: () => [],
        get: () => {
          throw new Error('no reads');
        },
        version: () => 0,
      },
      telemetry: { record: () => {}, history: () => [] },
      clock: at.house.clock,
      log: silentLog,
    });
    await broken.start(never);
    expect(broken.list()).toHaveLength(7);
    await broken.stop();
  });

  it('does not switch on what waited for the disk', async () => {
    await at.house.start();
    const { promise, resolve } = Promise.withResolvers<void>();
    at.house.gate.before = () => promise;
    const late = at.house.devices.write('fan', on).catch((error: unknown) => error);
    await at.house.clock.advance(1);
    const stopped = at.house.devices.stop();
    resolve();
    expect(await late).toMatchObject({ code: 'device.stopped' });
    await stopped;
    expect(at.house.devices.get('fan').reported).toBe(false);
  });
});
