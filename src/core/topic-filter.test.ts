import { expect, test } from 'vitest';
import { filterCovers, topicMatcher } from './topic-filter.ts';

test.each([
  // §4.7.1.2: the multi-level wildcard
  ['sport/tennis/player1/#', 'sport/tennis/player1', true],
  ['sport/tennis/player1/#', 'sport/tennis/player1/ranking', true],
  ['sport/tennis/player1/#', 'sport/tennis/player1/score/wimbledon', true],
  ['sport/tennis/player1/#', 'sport/tennis/player2', false],
  ['sport/#', 'sport', true],
  ['sport/#', 'sports', false],
  ['#', 'anything/at/all', true],
  // §4.7.1.3: the single-level wildcard
  ['sport/tennis/+', 'sport/tennis/player1', true],
  ['sport/tennis/+', 'sport/tennis/player1/ranking', false],
  ['sport/+', 'sport', false],
  ['sport/+', 'sport/', true],
  ['+/+', '/finance', true],
  ['/+', '/finance', true],
  ['+', '/finance', false],
  ['+/tennis/#', 'sport/tennis', true],
  ['sport/+/player1', 'sport/tennis/player1', true],
  ['a/+/c/#', 'a/b/c/d/e', true],
  ['a/+/c/#', 'a/b/x/d', false],
  // §4.7.2: topics beginning with $
  ['#', '$SYS/uptime', false],
  ['+/monitor/Clients', '$SYS/monitor/Clients', false],
  ['$SYS/#', '$SYS/uptime', true],
  ['$SYS/monitor/+', '$SYS/monitor/Clients', true],
  ['sport/#', 'sport/$x', true],
  // §4.7.3: case, spaces, empty levels
  ['ACCOUNTS', 'Accounts', false],
  ['a b', 'a b', true],
  ['/finance', 'finance', false],
  ['a//b', 'a//b', true],
  ['a/+/b', 'a//b', true],
  ['a/b', 'a/b/', false],
  ['a/#', 'a/', true],
])('%s on %s: %s', (filter, topic, matches) => {
  expect(topicMatcher(filter)(topic)).toBe(matches);
});

test.each([
  ['a/#', 'a/+', true],
  ['a/+', 'a/#', false],
  ['#', '+/#', true],
  ['a/+', 'a/b', true],
  ['a/b', 'a/+', false],
  ['+/b', 'a/+', false],
])('%s covers %s: %s', (outer, inner, covers) => {
  expect(filterCovers(outer, inner)).toBe(covers);
});
