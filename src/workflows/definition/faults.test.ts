import { expect, it } from 'vitest';
import { transformStep } from '../steps/transform.ts';
import { pathText, readPath } from './faults.ts';
import { stepTypes } from './step-types.ts';

it.each([
  [['steps', 2, 'url'], 'steps[2].url'],
  [['headers', 'X-Key', 'a b', 0], 'headers.X-Key["a b"][0]'],
  [['a', '"q"'], 'a["\\"q\\""]'],
  [[], ''],
])('writes and reads the path %j', (path, text) => {
  expect(pathText(path)).toBe(text);
  expect(readPath(text)).toEqual(path);
});

it('reads dotted indexes', () => {
  expect(readPath('expect.0.x')).toEqual(['expect', 0, 'x']);
});

it('refuses a step type that is registered twice', () => {
  const types = stepTypes([transformStep]);
  expect(types.get('transform')).toBe(transformStep);
  expect(types.types()).toEqual(['transform']);
  expect(() => stepTypes([transformStep, transformStep])).toThrow('registered twice');
});
