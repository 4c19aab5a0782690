import { describe, expect, it } from 'vitest';
import { didYouMean, nearNames } from './near-names.ts';

describe('near names', () => {
  const known = ['greenhouse_temp', 'greenhouse_fan', 'greenhouse_pump', 'door'];

  it('finds typing errors, nearest first', () => {
    expect(nearNames('greenhouse_fna', known)[0]).toBe('greenhouse_fan');
    expect(nearNames('doro', known)).toEqual(['door']);
    expect(nearNames('Door', known)).toEqual(['door']);
  });

  it('finds a name by its part', () => {
    expect(nearNames('fan', known)).toEqual(['greenhouse_fan']);
  });

  it('says nothing when nothing is near, empty or far too long', () => {
    expect(nearNames('kitchen', known)).toEqual([]);
    expect(nearNames('', known)).toEqual([]);
    expect(nearNames('x'.repeat(65), ['x'.repeat(65)])).toEqual([]);
    expect(nearNames('door', ['d'.repeat(65)])).toEqual([]);
  });

  it('is bounded in what it looks at', () => {
    const many = Array.from({ length: 5000 }, (_, i) => `device_${i}`);
    expect(nearNames('device_4999', many)).not.toContain('device_4999');
  });

  it('words the answer', () => {
    expect(didYouMean('greenhouse_tmp', known)).toContain('Did you mean "greenhouse_temp"');
    expect(didYouMean('kitchen', known)).toBeUndefined();
  });
});
