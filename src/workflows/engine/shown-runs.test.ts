import { expect, test } from 'vitest';
import type { RunDetail } from '../runs-port.ts';
import { ShownRuns } from './shown-runs.ts';

const run = (status: string): RunDetail => ({ status }) as RunDetail;

test('an ended run is read once until something is written; a live one each time', () => {
  const shown = new ShownRuns();
  let reads = 0;
  const ended = (): RunDetail => {
    reads++;
    return run('completed');
  };
  const first = shown.get('a', 1, ended);
  expect(shown.get('a', 1, ended)).toBe(first);
  expect(reads).toBe(1);
  expect(shown.get('a', 2, ended)).not.toBe(first);
  const live = shown.get('b', 2, () => run('running'));
  expect(shown.get('b', 2, () => run('waiting'))).not.toBe(live);
  for (let index = 0; index < 100; index++) shown.get(`${index}`, 2, ended);
  expect(shown.get('99', 2, ended)).not.toBe(shown.get('99', 2, ended));
});
