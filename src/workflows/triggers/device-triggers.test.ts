import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { TriggerRig } from '../../../tests/support/trigger-rig.ts';
import { step, verdict } from './level.ts';

let rig: TriggerRig;

beforeEach(async () => {
  rig = await new TriggerRig().open();
});
afterEach(() => rig.close());

const values = (workflow = 'w') => rig.fired(workflow).map((trigger) => trigger.value);

describe('becoming a value', () => {
  test('fires at the change, not at the same again, nor at the first that was heard', async () => {
    await rig.save('w', [{ type: 'device', device: 'door', to: true }]);
    await rig.report('door', true);
    expect(rig.fired('w')).toEqual([]);
    await rig.report('door', false);
    await rig.report('door', true);
    await rig.report('window', true);
    expect(rig.fired('w')).toEqual([
      {
        type: 'device',
        device: 'door',
        value: true,
        previous: false,
        at: new Date(rig.rig.clock.now()).toISOString(),
      },
    ]);
  });

  test('a short press is not missed', async () => {
    await rig.save('w', [{ type: 'device', device: 'button', to: true }]);
    await rig.report('button', false);
    await rig.report('button', true);
    await rig.report('button', false);
    expect(values()).toEqual([true]);
  });

  test('a change while the daemon was away is one, by what the log last knew', async () => {
    await rig.save('w', [{ type: 'device', device: 'door', to: 'open' }]);
    await rig.report('door', 'closed');
    await rig.away(60_000);
    rig.devices.clear();
    await rig.report('door', 'open');
    expect(values()).toEqual(['open']);
    await rig.away(60_000);
    rig.devices.clear();
    await rig.report('door', 'open');
    expect(values()).toEqual(['open']);
  });

  test('from some value, to one of several, and any change', async () => {
    await rig.save('from', [{ type: 'device', device: 'mode', to: ['heat', 'cool'], from: 'off' }]);
    await rig.save('any', [{ type: 'device', device: 'mode' }]);
    for (const value of ['off', 'heat', 'cool', 'off', 'cool', 'auto']) await rig.report('mode', value);
    expect(values('from')).toEqual(['heat', 'cool']);
    expect(values('any')).toEqual(['heat', 'cool', 'off', 'cool', 'auto']);
  });
});

describe('a level', () => {
  test('fires once above it, and again only after it was below its hysteresis', async () => {
    await rig.save('w', [{ type: 'device', device: 'temp', above: 30, hysteresis: 2 }]);
    for (const value of [25, 31, 29, 32, 28, 30, 30.5, 29, 31]) {
      await rig.report('temp', value);
      await rig.pass(2);
    }
    expect(values()).toEqual([31, 30.5]);
  });

  test('below, and one that is so when the trigger is stored', async () => {
    await rig.report('soil', 10);
    await rig.save('w', [{ type: 'device', device: 'soil', below: 20 }]);
    await rig.pass(2);
    expect(values()).toEqual([10]);
    await rig.report('soil', 20);
    await rig.pass(2);
    await rig.report('soil', 19);
    await rig.pass(2);
    expect(values()).toEqual([10, 19]);
  });

  test('for a while: a short fall ends the hold, a glitch between two looks too', async () => {
    await rig.save('w', [{ type: 'device', device: 'temp', above: 30, for: '10s' }]);
    await rig.report('temp', 35);
    await rig.pass(8);
    expect(rig.status('w')?.next).toBe(rig.rig.clock.now() + 3000);
    await rig.report('temp', 20);
    await rig.report('temp', 35);
    await rig.pass(8);
    expect(values()).toEqual([]);
    await rig.pass(5);
    expect(rig.fired('w')).toMatchObject([{ value: 35, quality: 'good', for_ms: 10_000 }]);
    await rig.pass(60);
    expect(values().length).toBe(1);
  });

  test('a hold that ran goes on over a restart by the tick clock, and fires once', async () => {
    await rig.save('w', [{ type: 'device', device: 'temp', above: 30, for: '60s' }]);
    await rig.report('temp', 35);
    await rig.pass(20);
    rig.rig.clock.leap(-365 * 86_400_000);
    await rig.away(30_000);
    await rig.pass(5);
    expect(values()).toEqual([]);
    await rig.pass(10);
    expect(values()).toEqual([35]);
    await rig.crash();
    await rig.pass(120);
    expect(values()).toEqual([35]);
  });

  test('crossed while the daemon was away is not lost', async () => {
    await rig.save('w', [{ type: 'device', device: 'temp', above: 30 }]);
    await rig.report('temp', 20);
    await rig.pass(2);
    await rig.away(3_600_000);
    await rig.report('temp', 40);
    await rig.pass(2);
    expect(values()).toEqual([40]);
  });

  test('a sensor in fault neither begins nor ends a hold; a silent one is what `stale` waits for', async () => {
    await rig.save('w', [{ type: 'device', device: 'temp', above: 30, for: '5s' }]);
    await rig.save('s', [{ type: 'device', device: 'temp', stale: true, for: '20s' }]);
    await rig.report('temp', 35);
    await rig.pass(3);
    await rig.report('temp', 35, 'fault');
    await rig.pass(10);
    expect(values()).toEqual([]);
    await rig.report('temp', 35);
    await rig.pass(2);
    expect(values()).toEqual([35]);
    expect(values('s')).toEqual([]);
    await rig.report('temp', 35, 'stale');
    await rig.pass(25);
    expect(rig.fired('s')).toMatchObject([{ quality: 'stale' }]);
  });

  test('at a value for a while', async () => {
    await rig.save('w', [{ type: 'device', device: 'door', to: true, for: '1m' }]);
    await rig.report('door', true);
    await rig.pass(50);
    await rig.report('door', false);
    await rig.report('door', true);
    await rig.pass(50);
    expect(values()).toEqual([]);
    await rig.pass(12);
    expect(values()).toEqual([true]);
  });

  test('a device that is not declared holds the trigger up', async () => {
    await rig.save('w', [{ type: 'device', device: 'freezer', above: -15 }]);
    await rig.pass(2);
    expect(rig.status('w')).toMatchObject({ held: 'there is no device "freezer"' });
  });
});

test('verdicts and steps', () => {
  const good = (value: number | string | boolean | null) => ({ value, quality: 'good' as const });
  const trigger = { type: 'device', device: 'd' } as const;
  expect(
    [31, 30, 28, 27].map((value) => verdict({ ...trigger, above: 30, hysteresis: 3 }, good(value))),
  ).toEqual([...[true, undefined, undefined, false]]);
  expect(verdict({ ...trigger, above: 3 }, good('warm'))).toBeUndefined();
  expect(verdict({ ...trigger, above: 3 }, good(null))).toBeUndefined();
  expect(verdict(trigger, good(3))).toBeUndefined();
  const disarmed = { armed: false, sinceTick: null };
  expect(step(disarmed, true, true, 0, 5)).toEqual({ state: disarmed, fires: false });
  expect(step({ armed: true, sinceTick: null }, undefined, true, 0, 5).fires).toBe(false);
});
