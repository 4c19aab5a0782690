import { expect, it } from 'vitest';
import type { StepContext } from '../port.ts';
import { transformStep } from './transform.ts';

it('gives its value', async () => {
  expect(await transformStep.run({ value: { a: [1] } }, {} as StepContext)).toEqual({ a: [1] });
  expect(transformStep.check({ value: null })).toEqual([]);
  expect(transformStep.check({})).toHaveLength(1);
  expect(transformStep.onInterrupt({})).toBe('retry');
});
