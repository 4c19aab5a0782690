import { describe, expect, it } from 'vitest';
import { SYSTEM } from '#core/actor.ts';
import { systemClock } from '#core/clock.ts';
import type { JsonObject } from '#core/json.ts';
import { silentLog } from '#core/log.ts';
import type { StepContext } from '#workflows/port.ts';
import type { DeviceWrite, Reading } from '../port.ts';
import { deviceReadStep } from './device-read.ts';
import { deviceWriteStep } from './device-write.ts';

const context: StepContext = {
  runId: 'run',
  path: 'fan',
  attempt: 1,
  idempotencyKey: 'run/fan',
  actor: SYSTEM,
  signal: new AbortController().signal,
  log: silentLog,
  clock: systemClock,
  written: {},
  conceal: () => {},
};
const reading: Reading = { device: 'temp', value: 21.5, quality: 'good', at: 0, unit: 'Cel' };

describe('device_read', () => {
  const step = deviceReadStep({
    read: async (id) => (id === 'temp' ? reading : { ...reading, unit: undefined }),
  });

  it('gives value, unit, quality and time', async () => {
    expect(await step.run({ device: 'temp' }, context)).toEqual({
      value: 21.5,
      unit: 'Cel',
      quality: 'good',
      at: '1970-01-01T00:00:00.000Z',
    });
    expect(await step.run({ device: 'other' }, context)).toMatchObject({ unit: null });
  });

  it('checks what is written', () => {
    expect(step.check({ device: '{{ input.device }}' })).toEqual([]);
    expect(step.check({ devcie: 'temp' }).map((fault) => fault.path)).toEqual(['device', 'devcie']);
    expect(step.onInterrupt({})).toBe('retry');
  });
});

describe('device_write', () => {
  const writes: [string, DeviceWrite][] = [];
  const step = deviceWriteStep({
    write: async (id, write) => {
      writes.push([id, write]);
      return { ...reading, value: write.value };
    },
  });

  it('writes with the key and the actor of its run', async () => {
    const output = await step.run({ device: 'fan', value: true }, context);
    expect(output).toEqual({ value: true, at: '1970-01-01T00:00:00.000Z' });
    expect(writes.pop()).toEqual(['fan', { value: true, actor: SYSTEM, key: 'run/fan', pulseMs: undefined }]);
    await step.run({ device: 'pump', value: true, pulse_for: '1m30s' }, context);
    expect(writes.pop()?.[1].pulseMs).toBe(90_000);
  });

  it.each<[JsonObject, string[]]>([
    [{ device: 'fan', value: true }, []],
    [{ device: 'fan', value: '{{ input.on }}', pulse_for: '{{ input.s }}s' }, []],
    [{ device: 'fan' }, ['value']],
    [{ device: 'fan', value: {} }, ['value']],
    [{ device: 'fan', value: true, pulse_for: 'soon' }, ['pulse_for']],
    [{ device: 'fan', value: true, pulse: 3 }, ['pulse']],
  ])('checks %j', (written, paths) => {
    expect(step.check(written).map((fault) => fault.path)).toEqual(paths);
  });

  it('repeats an absolute write after a power cut, not a pulse', () => {
    expect(step.onInterrupt({ value: true })).toBe('retry');
    expect(step.onInterrupt({ value: true, pulse_for: 3 })).toBe('fail');
  });
});
