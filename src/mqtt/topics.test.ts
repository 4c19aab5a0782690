import { expect, test } from 'vitest';
import { assertTopic, FilterSet, filterFault, OwnTopics, topicFault, withoutCovered } from './topics.ts';

test.each([
  ['a/b', 'a/b', true],
  ['a/+', 'a/b', true],
  ['a/+', 'a/b/c', false],
  ['a/#', 'a', true],
  ['a/#', 'a/b/c', true],
  ['#', 'a/b', true],
  ['+/b', 'a/b', true],
  ['a/b', 'a', false],
  ['a', 'a/b', false],
  ['+', '/a', false],
  ['/+', '/a', true],
  ['#', '$SYS/x', false],
  ['+/x', '$SYS/x', false],
])('%s on %s: %s', (filter, topic, matches) => {
  expect(new FilterSet([filter]).matches(topic)).toBe(matches);
});

test('a topic to publish to', () => {
  expect(topicFault('greenhouse/fan')).toBeUndefined();
  for (const bad of ['', 'a/+', '#', '$SYS/x', 'a\u0000', 'x'.repeat(70_000), 'a/'.repeat(100)]) {
    expect(topicFault(bad)).toBeTypeOf('string');
  }
  expect(() => assertTopic('a/#')).toThrow(expect.objectContaining({ code: 'mqtt.topic_invalid' }));
});

test('a filter to subscribe to', () => {
  for (const good of ['#', '+', 'a/+/b/#', '/']) expect(filterFault(good)).toBeUndefined();
  for (const bad of ['', 'a#', 'a/#/b', 'a+/b', '$share/x/y']) expect(filterFault(bad)).toBeTypeOf('string');
});

test('filters that another one covers are left out', () => {
  expect(withoutCovered(['a/b', 'a/#', 'a/+', 'b', 'b'])).toEqual(['a/#', 'b']);
  expect(withoutCovered(['a/+', '+/b', 'a/b'])).toEqual(['a/+', '+/b']);
  expect(withoutCovered(['+/#', '#'])).toEqual(['#']);
});

test("an event's topic stands below the base topic", () => {
  const topics = new OwnTopics('home/pi');
  expect(topics.ofEvent('chainbot.workflow.started')).toBe('home/pi/workflow/started');
  expect(topics.ofEvent('alex_os.system.status')).toBe('home/pi/alex_os/system/status');
  expect(topics.isControl('home/pi/bridge/state')).toBe(true);
  expect(topics.isBelow('home/pi2')).toBe(false);
});
