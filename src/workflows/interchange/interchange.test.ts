import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Json } from '#core/json.ts';
import { trialRig } from '../../../tests/support/trial-rig.ts';
import { checkStatically } from '../../static-check.ts';
import { readTrialCase } from '../trial/trial-case.ts';
import { translateN8n } from './n8n.ts';
import { translateNodeRed } from './node-red.ts';
import type { Translation } from './translation.ts';

const fixture = (name: string): Json =>
  JSON.parse(
    readFileSync(new URL(`../../../tests/fixtures/interchange/${name}.json`, import.meta.url), 'utf8'),
  ) as Json;

function shown({ workflows, notes, nodes, translated }: Translation): string {
  const report = notes.map(({ node, type, message }) => `${node} (${type}): ${message}`);
  return [...workflows.map(({ source }) => source), `${translated} of ${nodes}`, ...report].join('\n');
}

function expectStorable({ workflows }: Translation): void {
  for (const { name, source } of workflows) {
    const errors = checkStatically(source, 'yaml').problems.filter(({ severity }) => severity === 'error');
    expect({ name, errors }).toEqual({ name, errors: [] });
  }
}

describe.each([
  ['n8n-orders', translateN8n],
  ['n8n-old', translateN8n],
  ['node-red-greenhouse', translateNodeRed],
] as const)('%s', (name, translate) => {
  it('becomes workflows that can be stored, and a report', async () => {
    const translation = translate(fixture(name));
    expectStorable(translation);
    await expect(shown(translation)).toMatchFileSnapshot(
      `../../../tests/fixtures/interchange/${name}.translated.txt`,
    );
  });
});

describe('what was translated runs', () => {
  const { trials } = trialRig();

  it('the orders of n8n', async () => {
    const { workflows } = translateN8n(fixture('n8n-orders'));
    const orders = [
      { kind: 'express', id: 1 },
      { kind: 'bulk goods', id: 2 },
    ];
    const body = { shop: 'north', orders };
    const report = await trials.run(
      (workflows[0]?.source ?? '').replace(
        'for_each: "{{ steps.only_the_list.output }}"',
        'for_each: "{{ steps.only_the_list.output.orders }}"',
      ),
      'yaml',
      readTrialCase({
        given: {
          steps: { get_orders: { output: { status: 200, headers: {}, body } } },
          workflows: { 'pack-bulk-orders': { output: null } },
        },
      }),
    );
    expect(report.error).toBeNull();
    expect(report.effects.map(({ type }) => type)).toEqual(['api_call', 'publish', 'email']);
    expect(report.took).toBe(60_000);
  });

  it('the greenhouse of Node-RED', async () => {
    const { workflows } = translateNodeRed(fixture('node-red-greenhouse'));
    const hot = workflows.find(({ name }) => name === 'greenhouse-temperature');
    const report = await trials.run(hot?.source ?? '', 'yaml', readTrialCase({ input: { payload: 31 } }));
    expect(report.error).toBeNull();
    expect(report.effects).toMatchObject([
      { type: 'device_write', fields: { device: 'gpio_17', value: true } },
      { type: 'publish', fields: { topic: 'greenhouse/state', payload: true } },
    ]);
  });
});

it('refuses files of something else', () => {
  expect(() => translateN8n({ a: 1 })).toThrow('not a workflow of n8n');
  expect(() => translateN8n([])).toThrow('not a workflow of n8n');
  expect(() => translateNodeRed({ a: 1 })).toThrow('no flows of Node-RED');
  expect(() => translateNodeRed([1])).toThrow('no flows of Node-RED');
  expect(translateNodeRed([]).workflows).toEqual([]);
  expect(translateN8n({ nodes: [], connections: {} }).workflows).toEqual([]);
});
