import { describe, expect, it } from 'vitest';
import type { DeviceDeclaration } from './declaration.ts';
import { checkWrite } from './device-value.ts';

const relay: DeviceDeclaration = { id: 'relay', driver: 'x', kind: 'switch' };
const dimmer: DeviceDeclaration = { ...relay, id: 'dimmer', safe: 0, min: 0, max: 100 };

describe('a value to write', () => {
  it('is true or false for a switch, a number in range for a dimmer', () => {
    expect(checkWrite(relay, true, undefined)).toBe(true);
    expect(checkWrite(relay, true, 10)).toBe(true);
    expect(checkWrite(dimmer, 55, undefined)).toBe(55);
    expect(checkWrite({ ...dimmer, min: undefined, max: undefined }, -5, undefined)).toBe(-5);
  });

  it.each<[DeviceDeclaration, unknown, number | undefined, string]>([
    [relay, 'on', undefined, 'takes true or false, not "on"'],
    [relay, 'x'.repeat(100), undefined, '…'],
    [relay, undefined, undefined, 'not undefined'],
    [relay, false, 10, 'would change nothing'],
    [relay, true, 0, 'up to 24 h'],
    [relay, true, Number.NaN, 'up to 24 h'],
    [dimmer, 101, undefined, 'takes 0 to 100, not 101'],
    [dimmer, true, undefined, 'takes a number'],
    [{ ...dimmer, min: undefined }, 101, undefined, 'takes any to 100'],
    [{ ...dimmer, max: undefined }, -1, undefined, 'takes 0 to any'],
  ])('is refused: %j %s', (declaration, value, pulse, message) => {
    expect(() => checkWrite(declaration, value, pulse)).toThrow(
      expect.objectContaining({ code: 'device.value_invalid', message: expect.stringContaining(message) }),
    );
  });

  it('goes only to switches', () => {
    expect(() => checkWrite({ ...relay, kind: 'sensor' }, true, undefined)).toThrow(
      expect.objectContaining({ code: 'device.read_only' }),
    );
  });
});
