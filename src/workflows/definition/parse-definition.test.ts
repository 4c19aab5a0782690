import { describe, expect, it } from 'vitest';
import { type Fault, TerminalError } from '#core/errors.ts';
import type { JsonObject } from '#core/json.ts';
import type { StepType } from '../port.ts';
import { transformStep } from '../steps/transform.ts';
import type { CompiledDefinition, CompiledStep } from './compiled.ts';
import { compileDefinition, parseDefinition } from './parse-definition.ts';
import { stepTypes } from './step-types.ts';

const callStep: StepType = {
  type: 'api_call',
  check: (fields: JsonObject) =>
    typeof fields.url === 'string' ? [] : [{ path: 'url', message: '"url" is missing', hint: 'Add url.' }],
  onInterrupt: () => 'retry',
  run: async () => null,
};
const types = stepTypes([transformStep, callStep]);

const parse = (source: string, type: 'yaml' | 'json' = 'yaml'): CompiledDefinition =>
  parseDefinition(source, type, types);

function faultsOf(source: string, type: 'yaml' | 'json' = 'yaml'): readonly Fault[] {
  try {
    parse(source, type);
  } catch (error) {
    expect(error).toBeInstanceOf(TerminalError);
    const { code, kind, faults } = error as TerminalError;
    expect([code, kind]).toEqual(['workflow.invalid', 'invalid']);
    expect(faults.length).toBeGreaterThan(0);
    return faults;
  }
  throw new Error('it was taken');
}

/** A definition with these steps, as flow YAML. */
const withSteps = (steps: string, head = ''): string => `name: test\n${head}steps:\n${steps}`;
const messageOf = (steps: string, head = ''): string =>
  faultsOf(withSteps(steps, head))
    .map(({ path, message, hint }) => `${path}: ${message} | ${hint ?? ''}`)
    .join('\n');

const FULL = `
name: full-house
description: Everything at once
mode: sequential
input:
  type: object
  properties:
    limit: {type: number, default: 28}
    zones: {type: array, items: {type: string}, default: []}
vars: {double: "{{ input.limit * 2 }}"}
triggers:
  - {type: manual}
  - {type: schedule, cron: "*/5 * * * *", timezone: Europe/Berlin, input: {limit: 3}}
  - {type: mqtt, topic: greenhouse/+/report, when: "{{ trigger.payload.temperature > 30 }}", input: "{{ trigger.payload }}"}
  - {type: event, event: alex_os.system.status}
concurrency: 2
timeout: 1h
steps:
  - {id: read, type: transform, value: "{{ input.limit + 1 }}", name: Read it}
  - id: hot
    type: condition
    if: steps.read.output > 20
    then: [{id: cool, type: transform, value: 1}]
    else:
      - {id: fine, type: transform, value: 2}
  - id: each
    type: loop
    for_each: "{{ input.zones }}"
    as: zone
    steps:
      - {id: one, type: transform, value: "{{ zone + loop.item + loop.index }}"}
      - {id: two, type: transform, value: "{{ steps.one.output }}"}
  - id: poll
    type: loop
    while: "{{ default(steps.probe.output, 0) < 5 }}"
    max: 20
    steps: [{id: probe, type: transform, value: "{{ loop.index }}"}]
  - {id: thrice, type: loop, times: 3, steps: [{id: t, type: transform, value: null}]}
  - id: both
    type: parallel
    branches:
      a: [{id: a1, type: transform, value: 1}]
      b: [{id: b1, type: transform, value: "{{ steps.read.output }}"}]
    wait: any
  - {id: hold, type: wait, for: 10m}
  - {id: till, type: wait, until: "2026-05-01T08:00:00+02:00"}
  - {id: ask, type: wait, signal: "ok-{{ run.id }}", timeout: 5m, default: {answer: no}}
  - {id: heard, type: wait, event: chainbot.device.*, where: "event.data.device == 'pump'", timeout: "{{ input.limit }}"}
  - {id: sub, type: run_workflow, workflow: other, input: {n: "{{ vars.double }}"}, wait: false}
  - id: call
    type: api_call
    url: "http://localhost/{{ steps.a1.output }}"
    when: "{{ has(steps.cool) }}"
    retry: 5
    timeout: 30s
    on_interrupt: skip
    on_error:
      - {id: sorry, type: transform, value: "{{ error.message + steps.call.status }}"}
output: {limit: "{{ steps.sorry.output }}", all: "{{ steps.each.output }}"}
on_error: [{id: alarm, type: transform, value: "{{ error.code }}"}]
`;

const stepOf = <K extends CompiledStep['kind']>(
  compiled: CompiledDefinition,
  id: string,
  kind: K,
): Extract<CompiledStep, { kind: K }> => {
  const step = compiled.byId.get(id);
  expect(step?.kind).toBe(kind);
  return step as Extract<CompiledStep, { kind: K }>;
};

describe('a definition that holds', () => {
  const compiled = parse(FULL);

  it('has every step in the tree and by id', () => {
    expect(compiled.steps.map(({ id }) => id)).toEqual(
      'read hot each poll thrice both hold till ask heard sub call'.split(' '),
    );
    expect([...compiled.byId.keys()].sort()).toEqual(
      'a1 alarm ask b1 both call cool each fine heard hold hot one poll probe read sorry sub t thrice till two'.split(
        ' ',
      ),
    );
    expect(compiled.byId.get('fine')?.at).toBe('steps[1].else[0]');
    expect(compiled.byId.get('b1')?.at).toBe('steps[5].branches.b[0]');
    expect(compiled.onError.map(({ id }) => id)).toEqual(['alarm']);
  });

  it('compiles what each kind needs', () => {
    const scope = { input: { limit: 28, zones: ['n'] }, vars: {}, run: { id: 'r' } };
    expect(stepOf(compiled, 'read', 'task').fields.evaluate(scope)).toEqual({ value: 29 });
    expect(stepOf(compiled, 'read', 'task').written).toEqual({ value: '{{ input.limit + 1 }}' });
    expect(stepOf(compiled, 'read', 'task').name).toBe('Read it');
    const each = stepOf(compiled, 'each', 'loop');
    expect([each.over.by, each.max, each.as]).toEqual(['for_each', 100, 'zone']);
    expect(stepOf(compiled, 'poll', 'loop').over.by).toBe('while');
    expect(stepOf(compiled, 'thrice', 'loop').over).toMatchObject({ by: 'times' });
    expect(stepOf(compiled, 'both', 'parallel')).toMatchObject({ needed: 1 });
    expect(stepOf(compiled, 'hold', 'wait').on).toMatchObject({ for: 'duration', duration: { ms: 600_000 } });
    expect(stepOf(compiled, 'till', 'wait').on.for).toBe('time');
    const ask = stepOf(compiled, 'ask', 'wait');
    expect(ask.on.for === 'signal' && ask.on.signal.evaluate(scope)).toBe('ok-r');
    expect(ask.fallback?.evaluate(scope)).toEqual({ answer: 'no' });
    const heard = stepOf(compiled, 'heard', 'wait');
    expect(heard.on).toMatchObject({ for: 'event', event: 'chainbot.device.*' });
    expect(heard.timeout?.ms).toBeUndefined();
    expect(heard.timeout?.evaluate(scope)).toBe(28_000);
    expect(() => heard.timeout?.evaluate({ input: { limit: null } })).toThrow('null is not a duration');
    expect(stepOf(compiled, 'sub', 'run_workflow').wait).toBe(false);
    const call = stepOf(compiled, 'call', 'task');
    expect(call.stepType).toBe(callStep);
    expect(call.retry).toEqual({
      maxAttempts: 5,
      delayMs: 1000,
      factor: 2,
      maxDelayMs: 300_000,
      jitter: true,
    });
    expect(call.timeout?.ms).toBe(30_000);
    expect(call.onInterrupt).toBe('skip');
    expect(call.onError).toMatchObject([{ id: 'sorry' }]);
    expect(compiled.steps[0]?.onError).toBe('fail');
  });

  it('has the head in its final form', () => {
    expect(compiled.concurrency).toEqual({ max: 2, on_limit: 'queue' });
    expect(compiled.timeoutMs).toBe(3_600_000);
    expect(compiled.vars?.evaluate({ input: { limit: 4 } })).toEqual({ double: 8 });
    expect(compiled.triggers).toHaveLength(4);
    expect(compiled.triggers[2]?.when?.evaluate({ trigger: { payload: { temperature: 31 } } })).toBe(true);
    expect(compiled.triggers[1]?.input?.evaluate({})).toEqual({ limit: 3 });
    expect(compiled.validateInput(null)).toEqual({ ok: true, value: { limit: 28, zones: [] } });
  });

  it('compiles again from what is stored, to the same', () => {
    const again = compileDefinition(compiled.definition, types);
    expect(again.definition).toEqual(compiled.definition);
    expect(JSON.parse(JSON.stringify(compiled.definition))).toEqual(compiled.definition);
    expect([...again.byId.keys()]).toEqual([...compiled.byId.keys()]);
    expect(parse(JSON.stringify(compiled.definition), 'json').definition).toEqual(compiled.definition);
  });

  it('needs little', () => {
    const small = parse('name: a\nsteps: [{id: x, type: transform, value: 1}]');
    expect(small.definition).toEqual({
      name: 'a',
      mode: 'sequential',
      triggers: [],
      steps: [{ id: 'x', type: 'transform', value: 1 }],
    });
    expect(small.validateInput(null)).toEqual({ ok: true, value: {} });
    expect(small.validateInput([1])).toEqual({ ok: true, value: [1] });
  });
});

describe('every fault at once, each at its place', () => {
  it('names path, line and column', () => {
    const source = `name: Bad Name
mode: sideways
stesp: []
steps:
  - id: read
    type: transfrom
    value: 1
  - id: call
    type: api_call
    urk: x
    timeout: soon
  - id: read
    type: transform
    value: "{{ steps.later.output + nosuch(1) }}"
`;
    const faults = faultsOf(source);
    expect(faults.map(({ path, line, column }) => [path, line, column])).toEqual([
      ['name', 1, 7],
      ['mode', 2, 7],
      ['stesp', 3, 1],
      ['steps[0].type', 6, 11],
      ['steps[1].url', 8, 5],
      ['steps[1].timeout', 11, 14],
      ['steps[2].id', 12, 9],
      ['steps[2].value', 14, 12],
    ]);
    expect(faults[2]).toMatchObject({
      message: 'there is no field "stesp" here',
      hint: 'Did you mean "steps"?',
    });
    expect(faults[3]?.hint).toContain('"transform"');
    expect(faults[7]?.message).toContain('there is no function "nosuch"');
  });

  it('says the first one in the message', () => {
    const act = (): unknown => parse('name: a\nsteps: []');
    expect(act).toThrow('line 2, column 8: steps: a workflow needs at least one step');
  });

  it('points into JSON too', () => {
    const source = '{\n  "name": "a",\n  "steps": [\n    {"id": "x", "type": "nope"}\n  ]\n}';
    expect(faultsOf(source, 'json')[0]).toMatchObject({ path: 'steps[0].type', line: 4, column: 25 });
  });

  it.each([
    ['- a', 'must be a map, not a list'],
    ['just text', 'must be a map, not a string'],
    ['name: 5\nsteps: [1]', 'must be a string, not a number'],
    ['name: !!binary aGk=', 'missing'],
  ])('%j', (source, message) => {
    expect(faultsOf(source)[0]?.message).toContain(message);
  });

  it('has no places for what was stored', () => {
    const { definition } = parse('name: a\nsteps: [{id: x, type: transform, value: 1}]');
    try {
      compileDefinition(definition, stepTypes([]));
      expect.unreachable();
    } catch (error) {
      expect((error as TerminalError).faults).toMatchObject([{ path: 'steps[0].type', line: undefined }]);
    }
  });

  it('stops at a hundred', () => {
    const steps = Array.from({ length: 150 }, (_, i) => `  - {id: s${i}, type: nope}`).join('\n');
    expect(faultsOf(withSteps(steps))).toHaveLength(100);
  });
});

describe('names and order', () => {
  it.each([
    ['  - {id: a, type: transform, value: "{{ steps.b.output }}"}', 'there is no step "b"'],
    [
      '  - {id: a, type: transform, value: "{{ steps.a.output }}"}',
      'the step "a" cannot have run before this',
    ],
    [
      '  - {id: a, type: transform, value: "{{ steps.b.output }}"}\n  - {id: b, type: transform, value: 1}',
      'the step "b" cannot have run before this',
    ],
    [
      '  - {id: l, type: loop, times: 2, steps: [{id: in1, type: transform, value: 1}]}\n  - {id: a, type: transform, value: "{{ steps.in1.output }}"}',
      'the step "in1" cannot have run before this',
    ],
    [
      '  - {id: p, type: parallel, branches: {x: [{id: x1, type: transform, value: 1}], y: [{id: y1, type: transform, value: "{{ steps.x1.output }}"}]}}',
      'the step "x1" cannot have run before this',
    ],
    [
      '  - {id: c, type: condition, if: "true", then: [{id: t1, type: transform, value: 1}], else: [{id: e1, type: transform, value: "{{ steps.t1.output }}"}]}',
      'the step "t1" cannot have run before this',
    ],
    [
      '  - {id: a, type: transform, value: "{{ limit }}"}',
      'there is no "limit" here | Did you mean input.limit?',
    ],
    [
      '  - {id: a, type: transform, value: "{{ inptu.x }}"}',
      'there is no "inptu" here | Did you mean "input"?',
    ],
    ['  - {id: a, type: transform, value: "{{ a }}"}', 'Did you mean steps.a.output?'],
    ['  - {id: a, type: transform, value: "{{ loop.index }}"}', 'Only steps in a loop see loop.'],
    [
      '  - {id: a, type: transform, value: "{{ error.code }}"}',
      'Only steps of on_error, catch, finally and undo see error',
    ],
    ['  - {id: a, type: transform, value: "{{ event.type }}"}', 'Only `where` of a wait sees event'],
    ['  - {id: a, type: transform, value: "{{ zzz }}"}', 'Names here: input, steps'],
    [
      '  - {id: a, type: transform, value: {deep: ["{{ zzz }}"]}}',
      'steps[0].value.deep[0]: there is no "zzz"',
    ],
    [
      '  - {id: a, type: transform, value: 1, when: "{{ a }} x"}',
      'steps[0].when: {{ a }} x: a condition is one',
    ],
  ])('%s', (steps, message) => {
    expect(messageOf(steps, 'input: {properties: {limit: {}}}\n')).toContain(message);
  });

  it('hides the steps of parallel and conditional workflows from each other', () => {
    const steps =
      '  - {id: a, when: "true", type: transform, value: 1}\n  - {id: b, type: transform, value: "{{ steps.a.output }}"}';
    for (const mode of ['parallel', 'conditional']) {
      expect(messageOf(steps, `mode: ${mode}\noutput: "{{ steps.a.output }}"\n`)).toBe(
        'steps[1].value: the step "a" cannot have run before this | No step can have run before this.',
      );
    }
  });

  it('sees that a choice has an end', () => {
    const steps = '  - {id: a, type: transform, value: 1}\n  - {id: b, type: transform, value: 2}';
    expect(messageOf(steps, 'mode: conditional\n')).toContain(
      'steps[1]: this never runs: "a" before it has no when',
    );
  });

  it('checks what triggers, vars and output see', () => {
    const head =
      'vars: {a: "{{ steps.a.output }}", b: "{{ vars.a }}"}\n' +
      'triggers: [{type: mqtt, topic: t, when: "{{ input.x > 1 }}"}]\noutput: "{{ steps.zz.output }}"\n';
    const text = messageOf('  - {id: a, type: transform, value: 1}', head);
    expect(text).toContain('vars.a: there is no "steps" here');
    expect(text).toContain('vars.b: there is no "vars" here');
    expect(text).toContain('triggers[0].when: there is no "input" here');
    expect(text).toContain('output: there is no step "zz"');
  });
});
