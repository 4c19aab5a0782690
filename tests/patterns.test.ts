import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { type Case, cases } from './patterns/cases.ts';
import { type Played, play, prepared, type Scenario } from './support/crash-check.ts';
import type { EngineRig } from './support/engine-rig.ts';

/**
 * The control-flow workflow patterns (docs/workflow-patterns.md): each definition of tests/patterns runs on the
 * real engine and a real store, with time that a test moves; once as it is, and again with a crash in its middle,
 * after which the same must come out. `wcp-NN-<name>.<other>.yaml` is a further workflow of the pattern.
 */
const FOLDER = new URL('./patterns/', import.meta.url).pathname;
const DOCS = new URL('../docs/', import.meta.url).pathname;
const FILES = readdirSync(FOLDER).filter((file) => file.endsWith('.yaml'));
const PATTERNS = FILES.filter((file) => file.split('.').length === 2).map((file) =>
  file.replace('.yaml', ''),
);

function scenarioOf(pattern: string, given: Case): Scenario {
  const own = [`${pattern}.yaml`, ...FILES.filter((file) => file.startsWith(`${pattern}.`))];
  const workflows = [...new Set(own)].map(
    (file) => parse(readFileSync(join(FOLDER, file), 'utf8')) as object,
  );
  const starts = Array.from({ length: given.starts ?? 1 }, () => pattern);
  const { input, verbs } = given;
  return { workflows, starts, ...(input !== undefined && { input }), ...(verbs && { verbs }) };
}

/** `wcp-12-instance/issued` is `instance/issued`; what belongs to the pattern's own workflow stands alone. */
function orderOf(pattern: string, played: Played): string[] {
  const number = pattern.slice(0, 'wcp-NN-'.length);
  return played.order.map((one) =>
    one.replace(new RegExp(`^${pattern}(?=[/!])/?`), '').replace(new RegExp(`^${number}`), ''),
  );
}

function mustHold(pattern: string, given: Case, played: Played): void {
  const order = orderOf(pattern, played);
  const { status = 'completed', starts = 1 } = given;
  expect(played.ends.map((end) => end.status)).toEqual(Array.from({ length: starts }, () => status));
  if (given.output !== undefined) expect(played.ends[0]?.output).toEqual(given.output);
  for (const chain of given.chains) inOrder(chain.split(' < '), order);
  for (const one of given.never ?? []) expect(order).not.toContain(one);
  const counted = Object.keys(given.times ?? {}).map((one) => [one, order.filter((it) => it === one).length]);
  expect(Object.fromEntries(counted)).toEqual(given.times ?? {});
  if (given.alone) oneAtATime(given.alone, order);
}

function inOrder(chain: readonly string[], order: readonly string[]): void {
  for (const [i, one] of chain.entries()) {
    expect(order).toContain(one);
    const next = chain[i + 1];
    if (next === undefined) continue;
    const isBefore = order.lastIndexOf(one) < order.indexOf(next);
    expect(isBefore, `${one} before ${next} in:\n${order.join('\n')}`).toBe(true);
  }
}

function oneAtATime([begun, done]: readonly [string, string], order: readonly string[]): void {
  const inside = order.filter((one) => one === begun || one === done);
  const expected = inside.map((_, i) => (i % 2 === 0 ? begun : done));
  expect(inside).toEqual(expected);
}

describe.each(PATTERNS)('%s', (pattern) => {
  test('runs as the pattern says, also with a crash in the middle', async () => {
    const given = cases[pattern] as Case;
    expect(given, `tests/patterns/cases.ts says nothing of ${pattern}`).toBeDefined();
    const scenario = scenarioOf(pattern, given);
    const home: EngineRig = await prepared(scenario);
    try {
      const whole = await play(home.path, scenario, []);
      mustHold(pattern, given, whole);
      const after = Math.max(1, Math.floor(whole.units / 2));
      for (const deaf of [false, true]) {
        const crashed = await play(home.path, scenario, [{ after, deaf }]);
        expect(crashed.ends).toEqual(whole.ends);
        mustHold(pattern, given, crashed);
      }
    } finally {
      home.drop();
    }
  });
});

test('docs/workflow-patterns.md names all 43, and links each definition', () => {
  const page = readFileSync(join(DOCS, 'workflow-patterns.md'), 'utf8');
  const rows = [...page.matchAll(/^\| WCP-(\d+) \| (.*?) \| (yes|with a limit|no) \| (.+) \|$/gm)];
  expect(rows.map(([, number]) => Number(number))).toEqual(Array.from({ length: 43 }, (_, i) => i + 1));
  const linked = rows.flatMap(([, , name, here]) => {
    const file = /\(\.\.\/tests\/patterns\/(wcp-\d\d-.*)\.yaml\)$/.exec(name ?? '')?.[1];
    expect(file === undefined, `${name}: ${here}`).toBe(here === 'no');
    return file ?? [];
  });
  expect(linked).toEqual(PATTERNS.toSorted());
  expect(linked.length).toBeGreaterThanOrEqual(30);
  const limits = rows.filter(([, , , here]) => here === 'with a limit').length;
  expect(page.replaceAll('\n', ' ')).toContain(`expresses ${linked.length} of them, ${limits} with a limit`);
});
