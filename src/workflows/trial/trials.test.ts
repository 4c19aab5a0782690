import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { RetryableError } from '#core/errors.ts';
import type { Json } from '#core/json.ts';
import { trialRig } from '../../../tests/support/trial-rig.ts';
import { ANYTHING } from './differences.ts';
import { readTrialCase } from './trial-case.ts';
import { Trials } from './trials.ts';

const sample = (name: string) =>
  readFileSync(new URL(`../../../config/workflows/${name}.yaml`, import.meta.url), 'utf8');
const rig = trialRig();
const trial = (source: string, value: Json = {}) => rig.trials.run(source, 'yaml', readTrialCase(value));

describe('a trial', () => {
  it('records what would be done, and jumps over the waits', async () => {
    const report = await trial(sample('greenhouse-cooling'), {
      given: { devices: { greenhouse_temp: [33, 31, 29, 27] } },
      expect: {
        status: 'completed',
        output: { cooled: true, before: 33, after: 27 },
      },
    });
    expect(report.differences).toEqual([]);
    expect(report.passed).toBe(true);
    expect(report.effects[0]).toMatchObject({ type: 'device_write', fields: { value: true } });
    expect(report.took).toBeGreaterThan(1000);
  });

  it('waits for years in a moment, and tries again without a pause', async () => {
    const began = performance.now();
    const report = await trial(
      `name: long
steps:
  - { id: month, type: wait, for: 720h }
  - { id: fetch, type: api_call, url: "http://192.168.1.4/x", retry: { max_attempts: 3, delay: 5m, jitter: false } }
output: "{{ steps.fetch.output.body.n }}"`,
      {
        given: {
          steps: {
            fetch: [
              { error: { code: 'http.status', message: 'down', retryable: true } },
              { output: { status: 200, headers: {}, body: { n: 4 } } },
            ],
          },
        },
      },
    );
    expect(report).toMatchObject({ status: 'completed', output: 4, took: 720 * 3_600_000 + 300_000 });
    expect(report.effects).toMatchObject([{ attempt: 1, failed: true, at: 720 * 3_600_000 }, { attempt: 2 }]);
    expect(performance.now() - began).toBeLessThan(5000);
  });

  it('says what the case has to answer', async () => {
    const report = await trial('name: a\nsteps: [{ id: r, type: device_read, device: temp }]');
    expect(report).toMatchObject({
      status: 'failed',
      error: { code: 'trial.not_given', hint: 'Say it in the case: given: {devices: {temp: 21.5}}' },
    });
    const call = await trial('name: a\nsteps: [{ id: c, type: api_call, url: "http://x.example/" }]');
    expect(call.error?.hint).toContain('{steps: {c: {output: ');
  });

  it('reads what was written', async () => {
    const report = await trial(`name: a
steps:
  - { id: on, type: device_write, device: fan, value: true }
  - { id: r, type: device_read, device: fan }
output: "{{ steps.r.output.value }}"`);
    expect(report.output).toBe(true);
  });

  it('lets signals and events come, and says when nothing does', async () => {
    const waits = `name: a
steps:
  - { id: ok, type: wait, signal: go }
  - { id: door, type: wait, event: chainbot.device.changed, where: "event.data.device == 'door'" }
output: ["{{ steps.ok.output.by }}", "{{ steps.door.output.data.value }}"]`;
    const report = await trial(waits, {
      given: {
        signals: [{ name: 'go', payload: { by: 'anna' }, after: '1h' }],
        events: [
          { type: 'chainbot.device.changed', data: { device: 'other', value: 1 } },
          { type: 'chainbot.device.changed', data: { device: 'door', value: 2 } },
        ],
      },
    });
    expect(report).toMatchObject({ status: 'completed', output: ['anna', 2], took: 3_600_000 });
    const stuck = await trial(waits, { given: { signals: [{ name: 'go', payload: { by: 'x' } }] } });
    expect(stuck.status).toBe('waiting');
    expect(stuck.notes[0]).toContain('It still waits');
  });

  it('runs the workflows it starts, or takes the case at its word', async () => {
    rig.stored.set(
      'other',
      'name: other\nsteps: [{ id: tell, type: publish, topic: t, payload: "{{ input }}" }]',
    );
    const source = `name: a
steps:
  - { id: one, type: run_workflow, workflow: other, input: { n: 1 } }
  - { id: two, type: run_workflow, workflow: third }
output: "{{ steps.two.output.output }}"`;
    const report = await trial(source, { given: { workflows: { third: { output: { deep: true } } } } });
    expect(report).toMatchObject({ status: 'completed', output: { deep: true } });
    expect(report.effects).toMatchObject([{ step: 'other:tell', fields: { topic: 't', payload: { n: 1 } } }]);
    const failed = await trial(source, { given: { workflows: { third: { error: {} } } } });
    expect(failed.status).toBe('failed');
  });

  it('lets people answer', async () => {
    const source = `name: a
steps:
  - { id: may, type: approval, title: Open the valve?, anyone: true }
output: "{{ steps.may.output.approved }}"`;
    const yes = { given: { approvals: [{ step: 'may', approve: true, after: '5m' }] } };
    expect(await trial(source, yes)).toMatchObject({ status: 'completed', output: true, took: 300_000 });
    const no = await trial(source, { given: { approvals: [{ step: 'may', approve: false }] } });
    expect(no.output).toBe(false);
    expect((await trial(source)).status).toBe('waiting');
  });

  it('shows each difference', async () => {
    const report = await trial(
      `name: a
steps:
  - { id: tell, type: publish, topic: t, payload: { a: 1, b: [1, 2] } }
  - { id: more, type: notification, title: Hi }
output: { at: "{{ now() }}", n: 3 }`,
      {
        expect: {
          status: 'failed',
          output: { at: ANYTHING, n: 4, m: 1 },
          effects: [{ type: 'publish', payload: { a: 1, b: [1, 3] } }],
        },
      },
    );
    expect(report.passed).toBe(false);
    expect(report.differences).toEqual([
      { path: 'status', expected: 'failed', got: 'completed' },
      { path: 'output.n', expected: 4, got: 3 },
      { path: 'output.m', expected: 1 },
      { path: 'effects[0].payload.b[1]', expected: 3, got: 2 },
      { path: 'effects[1]', got: { step: 'more', type: 'notification', title: 'Hi', at: 0 } },
    ]);
  });

  it('checks the fields as the real step would', async () => {
    const report = await trial('name: a\nsteps: [{ id: n, type: notification, title: "{{ 3 }}" }]');
    expect(report.error).toMatchObject({ code: 'step.fields_invalid' });
  });

  it('begins when the case says, and sees the trigger', async () => {
    const report = await trial(
      'name: a\nsteps: [{ id: t, type: transform, value: "{{ trigger.topic + string(now()) }}" }]',
      { at: '2026-03-01T08:00:00Z', trigger: { type: 'mqtt', topic: 'x', payload: 1 } },
    );
    expect(report.output).toBe('x2026-03-01T08:00:00.000Z');
  });

  it('refuses a definition, an input and a case that are wrong', async () => {
    await expect(async () => trial('name: a')).rejects.toMatchObject({ code: 'workflow.invalid' });
    const source =
      'name: a\ninput: { type: object, required: [n] }\nsteps: [{ id: t, type: transform, value: 1 }]';
    await expect(trial(source)).rejects.toMatchObject({ code: 'run.input_invalid' });
    expect(() => readTrialCase({ given: { steps: { a: { outputs: 1 } } } })).toThrow('given.steps.a');
    expect(() => readTrialCase({ givn: {} })).toThrow('the case');
  });

  it('does one after the other, and not too many', async () => {
    const quick = 'name: a\nsteps: [{ id: t, type: transform, value: 1 }]';
    const many = Array.from({ length: 4 }, () => trial(quick));
    await expect(async () => trial(quick)).rejects.toThrow(RetryableError);
    expect((await Promise.all(many)).map(({ output }) => output)).toEqual([1, 1, 1, 1]);
    expect((await trial(quick)).output).toBe(1);
  });

  it('gives up what takes too long', async () => {
    const trials = new Trials({ ...rig.options, mostMs: 300 });
    const loop = `name: a
steps:
  - id: l
    type: loop
    times: 10000
    max: 10000
    steps: [{ id: w, type: wait, for: 1s }]`;
    const report = await trials.run(loop, 'yaml', readTrialCase({}));
    expect(report.notes[0]).toContain('given up');
  });
});
