import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import type { JsonObject } from '#core/json.ts';
import { readTemplate, renderTemplate } from '#workflows/templates/template-file.ts';

// config/workflow.schema.json, as an editor would use it.
const CONFIG = join(import.meta.dirname, '../config');
const text = (...path: string[]): string => readFileSync(join(CONFIG, ...path), 'utf8');
const ajv = new Ajv({ strict: false, validateFormats: false, allErrors: true });
const validate = ajv.compile(JSON.parse(text('workflow.schema.json')) as JsonObject);
const faults = (source: string) => (validate(parse(source)) ? [] : validate.errors);

describe('every sample and template', () => {
  it.each(readdirSync(join(CONFIG, 'workflows')))('workflows/%s', (file) => {
    expect(faults(text('workflows', file))).toEqual([]);
  });

  it.each(readdirSync(join(CONFIG, 'templates')))('templates/%s', (file) => {
    const template = readTemplate(text('templates', file));
    for (const { set } of template.tests) expect(faults(renderTemplate(template, set))).toEqual([]);
  });

  it('the examples of docs/steps.md', () => {
    const page = readFileSync(join(CONFIG, '../docs/steps.md'), 'utf8');
    for (const [, steps] of page.matchAll(/```yaml\n(- .*?)```/gs)) {
      const source = `name: example\nsteps:\n${(steps ?? '').replace(/^/gm, '  ')}`;
      expect({ steps, faults: faults(source) }).toEqual({ steps, faults: [] });
    }
  });
});

describe('what is wrong', () => {
  it.each([
    'name: a',
    'name: A b\nsteps: []',
    'name: a\nstep: []\nsteps: []',
    'name: a\nsteps: [{ id: x, type: devic_read, device: d }]',
    'name: a\nsteps: [{ id: x, type: device_read }]',
    'name: a\nsteps: [{ id: x, type: device_read, device: d, valeu: 1 }]',
    'name: a\nsteps: [{ id: x, type: condition, if: true, then: [{ id: y }] }]',
    'name: a\ntriggers: [{ type: schedul }]\nsteps: []',
    'name: a\nsteps: [{ id: x, type: publish, topic: t, qos: 3 }]',
  ])('%s', (source) => expect(faults(source)).not.toEqual([]));

  it('a template may stand in the place of any value', () => {
    expect(faults('name: a\nsteps: [{ id: x, type: publish, topic: t, qos: "{{ input.qos }}" }]')).toEqual(
      [],
    );
  });
});
