import { describe, expect, it } from 'vitest';
import { checkDeclarations, type DeviceDeclaration, sampleMs } from './declaration.ts';

const fan: DeviceDeclaration = {
  id: 'fan',
  driver: 'simulator',
  kind: 'switch',
  simulate: { quantity: 'fan' },
};
const check = (...declarations: DeviceDeclaration[]) =>
  checkDeclarations(declarations, ['simulator', 'gpio']);

describe('declarations', () => {
  it('take what is right', () => {
    expect(check(fan)).toEqual([]);
  });

  it.each<[string, DeviceDeclaration, string, RegExp]>([
    ['driver', { ...fan, driver: 'simulater' }, 'fan.driver', /no driver/],
    ['physics', { ...fan, simulate: undefined }, 'fan.simulate', /missing/],
    ['kind', { ...fan, kind: 'sensor' }, 'fan.kind', /a simulated fan is a switch/],
    ['range', { ...fan, min: 3, max: 1 }, 'fan.min', /above max/],
    [
      'safe',
      { ...fan, kind: 'button', simulate: { quantity: 'button' }, safe: false },
      'fan.safe',
      /only a switch/,
    ],
    ['safe text', { ...fan, safe: 'off' }, 'fan.safe', /true, false or a number/],
  ])('refuse a wrong %s', (_, declaration, path, message) => {
    const [fault] = check(declaration);
    expect(fault?.path).toBe(path);
    expect(fault?.message).toMatch(message);
  });

  it('say all faults at once, with what was meant', () => {
    const faults = check({ ...fan, driver: 'simulater' }, { ...fan, driver: 'zigbee' }, fan);
    expect(faults.map((fault) => fault.path)).toEqual(['fan.driver', 'fan.driver', 'fan', 'fan']);
    expect(faults[0]?.hint).toBe('Did you mean "simulator"?');
    expect(faults[1]?.hint).toBe('There is simulator, gpio.');
  });

  it('say how often to sample', () => {
    expect(sampleMs(fan, 5000)).toBe(5000);
    expect(sampleMs({ ...fan, simulate: { quantity: 'fan', every: '2s' } }, 5000)).toBe(2000);
    expect(sampleMs({ ...fan, simulate: { quantity: 'fan', every: 0 } }, 5000)).toBe(100);
  });
});
