import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import type { TrialAnswer } from '#api/contract/workbench.ts';
import { TestConsole, type TestRun } from './cli/test-console.ts';
import { type Booted, bootAppliance } from './rigs/appliance.ts';

// The workbench as people use it: the command line, the API, a whole appliance.
const folder = mkdtempSync(join(tmpdir(), 'chainbot-workbench-'));
let booted: Booted;

beforeAll(async () => {
  booted = await bootAppliance();
});
afterAll(async () => {
  await booted[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

const file = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text);
  return name;
};
const cli = (...argv: string[]): Promise<TestRun> =>
  new TestConsole({ cwd: folder, environment: { socket: booted.site.socket } }).run(...argv);
const nowhere = (...argv: string[]): Promise<TestRun> =>
  new TestConsole({ cwd: folder, environment: { socket: join(folder, 'nobody.sock') } }).run(...argv);

const ODD = `name: odd
steps:
  - { id: read, type: device_read, device: greenhouse_tmp }
  - { id: sub, type: run_workflow, workflow: greenhouse-colling }
  - { id: hot, type: transform, value: "{{ steps.read.output.valeu }}" }
`;

describe('workflows check', () => {
  it('knows the devices and workflows of the appliance', async () => {
    file('odd.yaml', ODD);
    const { code, out, err } = await cli('workflows', 'check', 'odd.yaml');
    expect(code).toBe(5);
    expect(out).toMatchInlineSnapshot(`
      "odd.yaml:3:44 error steps[0].device: there is no device "greenhouse_tmp"
          hint: Did you mean "greenhouse_temp"?
      odd.yaml:4:46 warning steps[1].workflow: there is no workflow "greenhouse-colling" yet
          hint: Add it before this one runs: chainbot workflows add FILE.
      odd.yaml:5:40 warning steps[2].value: steps.read.output has no "valeu"
          hint: Did you mean "value"?
      "
    `);
    expect(err).toBe('odd.yaml: 1 error, 2 warnings\n');
  });

  it('says less without a daemon, and nothing of a good one', async () => {
    file('odd.yaml', ODD);
    const offline = await nowhere('workflows', 'check', 'odd.yaml', '--strict');
    expect(offline.code).toBe(1);
    expect(offline.err).toContain('No daemon answers');
    expect(offline.out).not.toContain('greenhouse_tmp');
    file('good.yaml', 'name: good\nsteps: [{ id: a, type: transform, value: 1 }]\n');
    const json = await cli('workflows', 'check', 'good.yaml', 'odd.yaml', '--offline', '--json');
    expect(json.code).toBe(0);
    expect(JSON.parse(json.out)).toMatchObject({ files: [{ ok: true, problems: [] }, { ok: true }] });
    expect(await cli('workflows', 'check', file('no.yaml', 'name: ['))).toMatchObject({ code: 5 });
  });
});

describe('workflows test', () => {
  const definition = `name: cool
input: { type: object, properties: { limit: { type: number, default: 28 } } }
steps:
  - { id: read, type: device_read, device: greenhouse_temp }
  - { id: wait, type: wait, for: 1h }
  - { id: fan, type: device_write, when: "{{ steps.read.output.value > input.limit }}", device: greenhouse_fan, value: true }
output: "{{ steps.read.output.value }}"
`;

  it('shows what would have been done, and does nothing', async () => {
    file('cool.yaml', definition);
    const good = file(
      'good-case.yaml',
      'at: 2026-07-01T10:00:00Z\ngiven: { devices: { greenhouse_temp: 33 } }\nexpect: { status: completed, output: 33, effects: [{ device: greenhouse_fan }] }\n',
    );
    const fan = (await booted.api.device('greenhouse_fan')).reported;
    const { code, out } = await cli('workflows', 'test', 'cool.yaml', '--expect', good);
    expect({ code, out }).toMatchInlineSnapshot(`
      {
        "code": 0,
        "out": "       0s  ✓ read  device_read  {"value":33,"unit":null,"quality":"good","at":"2026-07-01T10:00:00.000Z"}
             0s  ✓ wait  wait
       1h00m00s  ✓ fan  device_write  {"value":true,"at":"2026-01-01T00:00:00.000Z"}

      It would have done:
       1h00m00s  device_write  fan  {"device":"greenhouse_fan","value":true}

      ✓ completed after 1h00m00s  33
      As expected.
      ",
      }
    `);
    expect((await booted.api.device('greenhouse_fan')).reported).toBe(fan);
    expect((await booted.api.runs()).runs.filter(({ workflow }) => workflow === 'cool')).toEqual([]);
  });

  it('says each difference', async () => {
    file('cool.yaml', definition);
    const bad = file(
      'bad-case.yaml',
      'given: { devices: { greenhouse_temp: 33 } }\nexpect: { output: 30, effects: [] }\n',
    );
    const { code, out } = await cli(
      'workflows',
      'test',
      'cool.yaml',
      '--expect',
      bad,
      '--input',
      '{"limit": 40}',
    );
    expect(code).toBe(1);
    expect(out).toContain('Not as expected:\n  output\n    - 30\n    + 33\n');
    expect(out).toContain('It would have done nothing.');
    const only = file('only.yaml', 'status: completed\n');
    expect((await cli('workflows', 'test', 'cool.yaml', '-e', only)).out).toContain('- "completed"');
  });

  it('tells faults with their places', async () => {
    const { code, err } = await cli('workflows', 'test', file('bad.yaml', 'name: bad\nsteps: []\n'));
    expect(code).toBe(5);
    expect(err).toContain('bad.yaml:2:8 steps');
    const wrong = await cli('workflows', 'test', 'cool.yaml', '-e', file('wrong.yaml', 'givn: 1\n'));
    expect(wrong.err).toContain('the case');
    expect((await cli('workflows', 'test', 'cool.yaml', '-e', file('list.yaml', '[1]'))).code).toBe(2);
  });

  it('replays a run that was recorded', async () => {
    await booted.api.saveWorkflow(definition.replace('for: 1h', 'for: 10ms'), 'yaml');
    const { id } = await booted.api.startRun('cool', { input: { limit: 10 } });
    expect((await booted.api.waitForRun(id)).status).toBe('completed');
    const { code, out } = await cli('runs', 'export', id);
    expect(code).toBe(0);
    expect(parse(out)).toMatchObject({
      workflow: 'cool',
      input: { limit: 10 },
      given: { steps: { read: { output: { quality: 'good' } }, fan: {} } },
      expect: { status: 'completed', effects: [{ step: 'fan', type: 'device_write' }] },
    });
    file('case.yaml', out);
    const replay = await cli('workflows', 'test', 'case.yaml', '--json');
    expect(JSON.parse(replay.out) as TrialAnswer).toMatchObject({ passed: true, differences: [] });
    const changed = file(
      'changed.yaml',
      definition.replace('value: true', 'value: false').replace('> input', '< input'),
    );
    expect((await cli('workflows', 'test', changed, '--expect', 'case.yaml')).code).toBe(1);
  });
});

describe('templates', () => {
  it('are listed, filled in, written, stored', async () => {
    expect((await cli('workflows', 'templates')).out).toContain('cold-chain-alarm');
    expect((await cli('workflows', 'templates', 'thermostat')).out).toMatch(/does +heats\|cools +heats/);
    expect((await cli('workflows', 'templates', 'thermostats')).code).toBe(4);
    const make = [
      'workflows',
      'new',
      '--template',
      'cold-chain-alarm',
      '--set',
      'sensor=greenhouse_temp',
      '--set',
      'limit=6',
    ];
    expect((await cli(...make)).out).toContain("data.device == 'greenhouse_temp'");
    expect((await cli(...make, '--add')).out).toBe('cold-chain-alarm stored as version 1\n');
    expect((await cli(...make, '--out', 'made.yaml')).out).toBe('wrote made.yaml\n');
    expect(readFileSync(join(folder, 'made.yaml'), 'utf8')).toContain('name: cold-chain-alarm');
    expect(await cli(...make, '--out', 'made.yaml')).toMatchObject({ code: 2 });
    expect((await cli('workflows', 'new', '--template', 'thermostat', '--set', 'limit=3')).err).toContain(
      '"sensor" is missing',
    );
    expect((await cli('workflows', 'new', '--template', 'thermostat', '--set', 'x')).code).toBe(2);
  });
});

describe('bundles', () => {
  it('go out and come in, all or none', async () => {
    const one = 'name: one # first\nsteps: [{ id: a, type: transform, value: 1 }]\n';
    await booted.api.saveWorkflow(one, 'yaml');
    await booted.api.saveWorkflow(
      JSON.stringify({ name: 'two', steps: [{ id: 'a', type: 'transform', value: 2 }] }),
      'json',
    );
    const { out } = await cli('workflows', 'export', 'one', 'two');
    expect(parse(out)).toMatchObject({
      bundle: 1,
      workflows: [{ name: 'one', source: one }, { type: 'json' }],
    });
    file('both.yaml', out);
    expect((await cli('workflows', 'import', 'both.yaml')).out).toBe(
      'one is unchanged, version 1\ntwo is unchanged, version 1\n',
    );
    await booted.api.removeWorkflow('two');
    await booted.api.saveWorkflow(one.replace('value: 1', 'value: 3'), 'yaml');
    const conflict = await cli('workflows', 'import', 'both.yaml');
    expect(conflict).toMatchObject({ code: 5, out: '' });
    expect(conflict.err).toContain('different here: one');
    expect((await cli('workflows', 'import', 'both.yaml', '--replace')).out).toContain(
      'one stored as version 3',
    );
    const broken = file('broken.yaml', 'bundle: 1\nworkflows: [{ name: x, source: "name: x" }]\n');
    expect((await cli('workflows', 'import', broken)).err).toContain('x: steps');
    expect((await cli('workflows', 'import', file('none.yaml', 'name: x'))).code).toBe(2);
  });
});

describe('import-from', () => {
  const fixtures = join(import.meta.dirname, 'fixtures/interchange');

  it('prints what came of it, and says what did not', async () => {
    const { code, out, err } = await cli(
      'workflows',
      'import-from',
      'n8n',
      join(fixtures, 'n8n-orders.json'),
    );
    expect(code).toBe(0);
    expect(parse(out)).toMatchObject({ name: 'orders-to-the-warehouse' });
    expect(err).toContain('12 of 14 nodes translated, 1 workflows');
    const red = join(fixtures, 'node-red-greenhouse.json');
    expect((await cli('workflows', 'import-from', 'node-red', red, '--add')).out).toContain(
      'greenhouse-temperature stored',
    );
    expect(parse((await cli('workflows', 'import-from', 'node-red', red)).out)).toMatchObject({ bundle: 1 });
    expect((await cli('workflows', 'import-from', 'n8n', red)).err).toContain('not a workflow of n8n');
    expect((await cli('workflows', 'import-from', 'make', red)).code).toBe(2);
  });
});
