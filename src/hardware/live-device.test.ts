import { describe, expect, it } from 'vitest';
import { houses, off, on, StubDriver } from '../../tests/support/open-house.ts';
import type { DeviceDeclaration } from './declaration.ts';
import type { DeviceValue } from './port.ts';

const at = houses();

describe('a thing that does not obey', () => {
  const relay: DeviceDeclaration = { id: 'relay', driver: 'stub', kind: 'switch' };

  it('is a fault when it does not answer, and the next call goes on', async () => {
    const driver = new StubDriver();
    await at.house.start([relay], { stub: () => driver });
    const read = driver.read;
    driver.read = () => new Promise(() => {});
    const reading = at.house.devices.read('relay').catch((error: unknown) => error);
    await at.house.clock.advance(1);
    driver.read = read;
    await at.house.clock.advance(2000);
    expect(await reading).toMatchObject({
      code: 'device.fault',
      message: expect.stringContaining('did not answer'),
    });
    expect((await at.house.devices.read('relay')).value).toBe(false);
    expect(driver.opens).toBe(1);
  });

  it('shares one waiting read among all who ask', async () => {
    const driver = new StubDriver();
    await at.house.start([relay], { stub: () => driver });
    let reads = 0;
    driver.read = async () => {
      reads++;
      return { value: true, at: 1 };
    };
    await Promise.all(Array.from({ length: 50 }, () => at.house.devices.read('relay')));
    expect(reads).toBeLessThanOrEqual(2);
  });

  it('goes to its safe value when a write fails half-way, again and again', async () => {
    const driver = new StubDriver();
    await at.house.start([relay], { stub: () => driver });
    const write = driver.write;
    driver.write = async (value) => {
      driver.value = value;
      throw new Error('EIO');
    };
    await expect(at.house.devices.write('relay', on)).rejects.toMatchObject({ code: 'device.fault' });
    await expect(at.house.devices.write('relay', off)).rejects.toMatchObject({ code: 'device.fault' });
    expect(at.house.devices.health().reasons.join()).toContain('relay could not be moved to its safe value');
    expect(at.house.devices.health().score).toBe(0);
    driver.value = true;
    driver.write = write;
    await at.house.clock.advance(5000);
    expect(driver.value).toBe(false);
    expect(at.house.devices.health().reasons.join()).not.toContain('safe value');
  });

  it('may fail to open and is opened again', async () => {
    const driver = new StubDriver();
    const { open } = driver;
    driver.open = () => Promise.reject(new Error('EBUSY'));
    await at.house.start([relay], { stub: () => driver });
    expect(at.house.devices.get('relay')).toMatchObject({ quality: 'fault', reported: null });
    expect(at.house.devices.health().score).toBe(0);
    driver.open = open;
    await at.house.clock.advance(5000);
    expect(at.house.devices.get('relay')).toMatchObject({ quality: 'good', reported: false });
  });

  it('is stale when it was silent for long', async () => {
    const driver = new StubDriver();
    await at.house.start([relay], { stub: () => driver });
    driver.read = () => new Promise(() => {});
    await at.house.clock.advance(4000);
    await at.house.clock.advance(40_000);
    expect(at.house.devices.get('relay').quality).toBe('fault');
    driver.read = async () => ({ value: false, at: 1 });
    await at.house.clock.advance(6000);
    expect(at.house.devices.get('relay').quality).toBe('good');
  });

  it('may push what cannot be believed', async () => {
    const driver = new StubDriver();
    driver.value = 20;
    let push: (report: { value: DeviceValue; at: number }) => void = () => {};
    const opening = async (_: DeviceDeclaration, onReport: typeof push) => {
      push = onReport;
    };
    driver.open = opening as never;
    await at.house.start([{ id: 'level', driver: 'stub', kind: 'sensor', unit: 'm', min: 0, max: 50 }], {
      stub: () => driver,
    });
    push({ value: 99, at: 2 });
    expect(at.house.devices.get('level')).toMatchObject({ quality: 'fault', reported: 20 });
    push({ value: 30, at: 3 });
    expect(at.house.devices.get('level')).toMatchObject({ quality: 'good', reported: 30 });
  });
});
