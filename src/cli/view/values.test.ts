import { describe, expect, test } from 'vitest';
import { ago, brief, clockTime, deviceValue, localTime, timeMs, took } from './values.ts';

const AT = '2026-03-01T08:15:30.250Z';
const NOW = Date.parse(AT) + 90_000;

describe('times', () => {
  test('are shown in the local zone, and as nothing when there is none', () => {
    expect(localTime(AT)).toMatch(/^2026-0[23]-\d\d \d\d:15:30$/);
    expect(clockTime(AT)).toMatch(/^\d\d:15:30$/);
    expect([localTime(null), clockTime('soon'), timeMs(undefined)]).toEqual(['-', '--:--:--', undefined]);
    expect(timeMs(5)).toBe(5);
  });

  test('ago', () => {
    expect(ago(AT, NOW)).toBe('1 min 30 s ago');
    expect(ago(AT, Date.parse(AT) + 10)).toBe('just now');
    expect(ago(null, NOW)).toBe('never');
    expect(ago(AT, 0)).toBe(localTime(AT));
  });

  test('took', () => {
    expect(took(AT, '2026-03-01T08:15:31.500Z', NOW)).toBe('1.3 s');
    expect(took(AT, null, NOW)).toBe('1 min 30 s+');
    expect(took(null, null, NOW)).toBe('-');
    expect(took(AT, '2026-03-01T08:15:00Z', NOW)).toBe('0 ms');
  });
});

describe('values', () => {
  test.each([
    [null, ''],
    ['text\nmore', 'text more'],
    [{ a: [1] }, '{"a":[1]}'],
    [0, '0'],
  ])('brief %j is %j', (value, text) => {
    expect(brief(value)).toBe(text);
  });

  test('a huge value is cut before anything is done with it', () => {
    expect(brief('x'.repeat(1_000_000)).length).toBeLessThan(2100);
  });

  test.each([
    [null, null, '-'],
    [true, null, 'on'],
    [false, undefined, 'off'],
    [21.50001, 'Cel', '21.5 °C'],
    [3, '1', '3'],
    [3, '%', '3 %'],
    ['warm', null, 'warm'],
  ])('a device at %j with unit %j shows %j', (value, unit, text) => {
    expect(deviceValue(value, unit)).toBe(text);
  });
});
