import { expect, it } from 'vitest';
import { mqttFilterFault } from './mqtt-filter.ts';

it.each(['a', 'a/b', '+', '#', 'a/+/b', '+/a/#', '/', '$SYS/#', 'a//b'])('takes %s', (filter) => {
  expect(mqttFilterFault(filter)).toBeUndefined();
});

it.each([
  ['', 'at least one character'],
  ['a#', '# stands alone'],
  ['#/a', '# stands alone'],
  ['a/b+', '+ stands alone'],
  ['a\0', 'U+0000'],
  ['x'.repeat(65_536), 'at most 65535 bytes'],
])('refuses %.20j', (filter, message) => {
  expect(mqttFilterFault(filter)).toContain(message);
});
