import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { trialRig } from '../../../tests/support/trial-rig.ts';
import { checkStatically } from '../../static-check.ts';
import { readTemplate, renderTemplate } from './template-file.ts';
import { Templates } from './templates.ts';

const folder = fileURLToPath(new URL('../../../config/templates', import.meta.url));
const templates = new Templates(folder);
const names = readdirSync(folder).map((file) => file.replace('.yaml', ''));
const { trials } = trialRig();

it('there are at least twelve', () => expect(names.length).toBeGreaterThanOrEqual(12));

describe.each(names)('%s', (name) => {
  it('has nothing odd in it, and behaves as its tests say', async () => {
    const template = await templates.read(name);
    expect(template.template).toBe(name);
    expect(template.tests.length).toBeGreaterThan(0);
    for (const { set, description, ...test } of template.tests) {
      const source = await templates.render(name, set);
      const odd = checkStatically(source, 'yaml').problems;
      expect({ description, odd }).toEqual({ description, odd: [] });
      const report = await trials.run(source, 'yaml', test);
      const { differences, error } = report;
      expect({ description, differences, error: report.status === 'failed' ? null : error }).toEqual({
        description,
        differences: [],
        error: null,
      });
      expect(report.passed).toBe(true);
    }
  });
});

describe('templates', () => {
  it('lists what each asks for', async () => {
    const found = (await templates.list()).find((one) => one.name === 'cold-chain-alarm');
    expect(found?.parameters.find((one) => one.name === 'limit')).toMatchObject({
      type: 'number',
      default: 8,
    });
  });

  it('names every wrong value', async () => {
    const values = { sensr: 'a', limit: 'warm', hold: 'soon', room: 'a "quoted" {{ room }}', name: 'No' };
    await expect(templates.render('cold-chain-alarm', values)).rejects.toMatchObject({
      code: 'template.values_invalid',
      faults: [
        { path: 'sensr', hint: 'Did you mean "sensor"?' },
        { path: 'name' },
        { path: 'sensor', message: '"sensor" is missing' },
        { path: 'limit', message: '"limit" must be a number' },
        { path: 'hold' },
        { path: 'room' },
      ],
    });
    await expect(templates.render('cold-chain', {})).rejects.toMatchObject({
      code: 'template.not_found',
      hint: 'Did you mean "cold-chain-alarm"?',
    });
  });

  it.each([
    ['number', 3, undefined],
    ['number', '1e3', undefined],
    ['number', '', 'must be a number'],
    ['number', 11, 'must be at most 10'],
    ['number', 0, 'must be at least 1'],
    ['duration', '5m', undefined],
    ['topic', 'a/b', undefined],
    ['topic', 'a/#', 'must be an MQTT topic'],
    ['url', 'http://a/b', undefined],
    ['url', 'ftp://a', 'must be an address: http://host/path'],
    ['cron', '0 7 * * 1-5', undefined],
    ['cron', 'daily', 'must be a schedule such as 0 7 * * *'],
    ['choice', 'a', undefined],
    ['choice', 'c', 'must be one of a, b'],
    ['device', 'fan 1', 'is no id of a device'],
    ['text', 'Grüße, all is well: 100 %', undefined],
    ['text', true, 'must be text or a number'],
  ])('a %s may be %j: %s', (type, value, fault) => {
    const choices = type === 'choice' ? ', choices: [a, b]' : '';
    const file = readTemplate(
      `template: t\ndescription: d\nparameters: { x: { type: ${type}, description: d, minimum: 1, maximum: ${
        type === 'number' && value !== 11 ? 2000 : 10
      }${choices} } }\nworkflow: "\${x}"`,
    );
    const render = () => renderTemplate(file, { x: value });
    if (fault === undefined) expect(render()).toBe(String(value));
    else expect(render).toThrow(fault);
  });

  it('wants blanks and parameters to fit', () => {
    const file = (parameters: string, workflow: string) =>
      `template: t\ndescription: d\nparameters: ${parameters}\nworkflow: "${workflow}"`;
    expect(() => readTemplate(file('{}', `\${a}`))).toThrow('has no parameter');
    expect(() => readTemplate(file('{ a: { type: text, description: d } }', 'x'))).toThrow('nowhere');
  });
});
