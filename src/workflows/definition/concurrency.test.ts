import { describe, expect, test } from 'vitest';
import { transformStep } from '../steps/transform.ts';
import { parseDefinition } from './parse-definition.ts';
import { stepTypes } from './step-types.ts';

const parse = (concurrency: unknown) =>
  parseDefinition(
    JSON.stringify({ name: 'w', concurrency, steps: [{ id: 'a', type: 'transform', value: 1 }] }),
    'json',
    stepTypes([transformStep]),
  );
const faultOf = (concurrency: unknown): string => {
  try {
    parse(concurrency);
    return 'none';
  } catch (error) {
    return (error as Error).message;
  }
};

describe('concurrency', () => {
  test.each([
    [2, { max: 2, on_limit: 'queue' }],
    ['single', { max: 1, on_limit: 'skip' }],
    ['restart', { max: 1, on_limit: 'replace' }],
    ['queued', { max: 1, on_limit: 'queue' }],
    ['parallel', { max: 10, on_limit: 'queue' }],
    [
      { mode: 'parallel', max: 3, on_limit: 'skip' },
      { max: 3, on_limit: 'skip' },
    ],
    [
      { mode: 'restart', max: 2 },
      { max: 2, on_limit: 'replace' },
    ],
    [
      { max: 1, max_queued: 4, key: '{{ input.zone }}' },
      { max: 1, on_limit: 'queue', max_queued: 4, key: '{{ input.zone }}' },
    ],
  ])('%j', (written, stored) => {
    const { definition } = parse(written);
    expect(definition.concurrency).toEqual(stored);
    expect(parse(definition.concurrency).definition).toEqual(definition);
  });

  test.each([
    ['sometimes', 'must be a number of runs'],
    [{ on_limit: 'skip' }, '"max" is missing'],
    [{ mode: 'single', on_limit: 'queue' }, 'contradicts mode single'],
    [{ mode: 'single', max: 2 }, 'mode single means one run'],
    [{ max: 1, key: '{{ steps.a.output }}' }, 'steps'],
  ])('%j is a fault', (written, message) => {
    expect(faultOf(written)).toContain(message);
  });
});
