import { describe, expect, it, vi } from 'vitest';
import { RetryableError } from '#core/errors.ts';
import { ANNA, houses, off, on } from '../../tests/support/open-house.ts';

const at = houses();

describe('writing', () => {
  it('is on disk with its event before it acts', async () => {
    await at.house.start();
    const { promise, resolve } = Promise.withResolvers<void>();
    at.house.gate.before = () => promise;
    const written = at.house.devices.write('fan', on);
    await at.house.clock.advance(10);
    expect((await at.house.devices.read('fan')).value).toBe(false);
    resolve();
    expect(await written).toMatchObject({ device: 'fan', value: true, quality: 'good' });
    expect(at.house.told().find((row) => row.id === 'fan')).toEqual({
      id: 'fan',
      desired: 'true',
      actor: 'person:anna',
    });
    expect(at.house.events('chainbot.device.written').at(-1)).toMatchObject({
      subject: 'device/fan',
      actor: 'person:anna',
      data: { device: 'fan', value: true },
    });
  });

  it('does not act when the disk refuses', async () => {
    await at.house.start();
    at.house.gate.before = () => Promise.reject(new RetryableError('store.full', 'the disk is full'));
    await expect(at.house.devices.write('fan', on)).rejects.toMatchObject({ code: 'store.full' });
    expect((await at.house.devices.read('fan')).value).toBe(false);
  });

  it('to the safe value acts first and needs no disk', async () => {
    await at.house.start();
    await at.house.devices.write('fan', on);
    at.house.gate.before = () => Promise.reject(new RetryableError('store.full', 'the disk is full'));
    expect((await at.house.devices.write('fan', off)).value).toBe(false);
    expect(at.house.devices.get('fan')).toMatchObject({ reported: false, desired: false });
    expect(at.house.devices.health().reasons.join()).toContain('did not reach the log');
  });

  it('gives way to a safe move that came later', async () => {
    await at.house.start();
    const { promise, resolve } = Promise.withResolvers<void>();
    at.house.gate.before = () => promise;
    const first = at.house.devices.write('fan', on).catch((error: unknown) => error);
    const second = at.house.devices.write('fan', on).catch((error: unknown) => error);
    await at.house.clock.advance(1);
    await at.house.devices.safe('somebody shouted');
    resolve();
    expect(await first).toMatchObject({ code: 'device.superseded' });
    expect(await second).toMatchObject({ code: 'device.superseded' });
    await vi.waitFor(() => expect(at.house.told()[0]).toMatchObject({ id: 'fan', desired: 'false' }));
    expect((await at.house.devices.read('fan')).value).toBe(false);
  });

  it('acts once for a key', async () => {
    await at.house.start();
    await at.house.waitFor('chainbot.device.written', 2);
    const write = { ...on, key: 'run-1/fan' };
    const [one, two] = await Promise.all([
      at.house.devices.write('fan', write),
      at.house.devices.write('fan', write),
    ]);
    expect(two).toEqual(one);
    await at.house.devices.write('fan', off);
    expect(await at.house.devices.write('fan', write)).toEqual(one);
    expect((await at.house.devices.read('fan')).value).toBe(false);
    expect(at.house.events('chainbot.device.written').length).toBe(4);
  });

  it('refuses wrong values and aborted calls', async () => {
    await at.house.start();
    await expect(at.house.devices.write('temp', on)).rejects.toMatchObject({ code: 'device.read_only' });
    await expect(at.house.devices.write('fan', { value: 'on', actor: ANNA })).rejects.toMatchObject({
      code: 'device.value_invalid',
    });
    const aborted = AbortSignal.abort(new Error('cancelled'));
    await expect(at.house.devices.write('fan', on, aborted)).rejects.toThrow('cancelled');
    await expect(at.house.devices.read('fan', aborted)).rejects.toThrow('cancelled');
  });

  it('is bounded', async () => {
    await at.house.start();
    const { promise, resolve } = Promise.withResolvers<void>();
    at.house.gate.before = () => promise;
    const all = Array.from({ length: 33 }, () => at.house.devices.write('fan', on));
    await expect(all.at(-1)).rejects.toMatchObject({ code: 'device.busy' });
    resolve();
    await Promise.all(all.slice(0, 32));
  });
});

describe('a pulse', () => {
  it('ends by itself at the safe value', async () => {
    await at.house.start();
    await at.house.devices.write('pump', { ...on, pulseMs: 5000 });
    expect(at.house.events('chainbot.device.written').at(-1)?.data).toEqual({
      device: 'pump',
      value: true,
      pulse_ms: 5000,
    });
    await at.house.clock.advance(4999);
    expect((await at.house.devices.read('pump')).value).toBe(true);
    await at.house.clock.advance(1);
    expect((await at.house.devices.read('pump')).value).toBe(false);
    await vi.waitFor(() =>
      expect(at.house.events('chainbot.device.written').at(-1)?.data).toEqual({
        device: 'pump',
        value: false,
        reason: 'the pulse ended',
      }),
    );
  });

  it('is forgotten when something newer holds', async () => {
    await at.house.start();
    await at.house.devices.write('pump', { ...on, pulseMs: 5000 });
    await at.house.devices.write('pump', on);
    await at.house.clock.advance(10_000);
    expect((await at.house.devices.read('pump')).value).toBe(true);
    await at.house.devices.write('pump', { ...on, pulseMs: 5000 });
    await at.house.devices.write('pump', off);
    await at.house.devices.write('pump', on);
    await at.house.clock.advance(10_000);
    expect((await at.house.devices.read('pump')).value).toBe(true);
  });
});
