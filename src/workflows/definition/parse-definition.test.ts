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

describe('what a text may not be', () => {
  it.each([
    ['', 'the definition is empty'],
    ['   \n', 'the definition is empty'],
    ['- a', 'must be a map, not a list'],
    ['just text', 'must be a map, not a string'],
    ['name: 5\nsteps: [1]', 'must be a string, not a number'],
    ['name: {{ x }}', '{{ … }} without quotes'],
    ['name: a\nname: b\nsteps: []', 'unique'],
    ['name: a\n---\nname: b', 'more than one document'],
    ['name: a\n\tsteps: []', 'Tabs are not allowed'],
    ['name: [a', 'end with a ]'],
    ['name: !!binary aGk=', 'missing'],
    ['name: !thing x', 'Unresolved tag'],
    ['name: .nan\nsteps: []', 'NaN is not JSON'],
    [`x: &a [1]\ny: [${'*a, '.repeat(150)}]`, 'alias'],
    [`${'['.repeat(100_000)}`, 'brackets nest too deeply'],
    [`${'- '.repeat(100_000)}a`, 'nest too deeply'],
    [
      `${Array.from({ length: 5000 }, (_, i) => `${' '.repeat(i)}a:`)
        .join('\n')
        .slice(0, 250_000)}`,
      'deep',
    ],
    [`a: ${'x'.repeat(300_000)}`, 'at most 262144'],
    [`a: ${'['.repeat(70)}${']'.repeat(70)}`, 'nests too deeply'],
  ])('%.40j', (source, message) => {
    const started = performance.now();
    expect(faultsOf(source)[0]?.message).toContain(message);
    expect(performance.now() - started).toBeLessThan(1500);
  });

  it('refuses the laughs that aliases can grow to', () => {
    const bomb = ['a: &a [x, x, x, x, x, x, x, x, x]'];
    for (let i = 1; i < 9; i++) {
      const [from, to] = ['abcdefghi'[i - 1], 'abcdefghi'[i]];
      bomb.push(`${to}: &${to} [${Array(9).fill(`*${from}`).join(', ')}]`);
    }
    expect(faultsOf(bomb.join('\n'))[0]?.message).toContain('alias');
  });

  it('takes an alias or two', () => {
    const source = withSteps(
      '  - {id: a, type: transform, value: &v {x: 1}}\n  - {id: b, type: transform, value: *v}',
    );
    expect(parse(source).definition.steps[1]).toMatchObject({ value: { x: 1 } });
  });

  it.each([
    ['{"name": "a",}', 1, 14],
    ['{\n "name": "a"\n "b": 1}', 3, 2],
    ['{"name": "a"', 1, 13],
    ['name: a', 1, 2],
    ['{"name": "a", "name": "b"}', 1, 15],
  ])('JSON %j', (source, line, column) => {
    const [fault] = faultsOf(source, 'json');
    expect([fault?.line, fault?.column]).toEqual([line, column]);
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
    ['  - {id: a, type: transform, value: "{{ error.code }}"}', 'Only steps of on_error see error'],
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

describe('steps', () => {
  it.each([
    ['  - text', 'steps[0]: a step is an object'],
    ['  - {type: transform}', 'steps[0].id: "id" is missing'],
    ['  - {id: a}', 'steps[0].type: "type" is missing'],
    ['  - {id: "1a", type: transform, value: 1}', 'steps[0].id: must be letters'],
    ['  - {id: in, type: transform, value: 1}', '"in" cannot be an id'],
    [
      '  - {id: a, type: transform, vlaue: 1}',
      'there is no field "vlaue" in this step | Did you mean "value"?',
    ],
    ['  - {id: a, type: transform, value: 1, when: 5}', 'steps[0].when: must be a condition'],
    ['  - {id: a, type: transform, value: 1, retry: 0}', 'steps[0].retry.max_attempts: too small'],
    ['  - {id: a, type: transform, value: 1, retry: often}', 'must be a number of tries'],
    ['  - {id: a, type: transform, value: 1, retry: {dealy: 1s}}', 'there is no field "dealy" here'],
    [
      '  - {id: a, type: transform, value: 1, retry: {delay: x}}',
      'steps[0].retry.delay: "x" is not a duration',
    ],
    ['  - {id: a, type: transform, value: 1, timeout: [1]}', 'steps[0].timeout: must be a duration'],
    ['  - {id: a, type: transform, value: 1, on_error: ignore}', 'must be fail, continue or a list of steps'],
    [
      '  - {id: a, type: transform, value: 1, on_error: [{id: a, type: transform, value: 2}]}',
      'the id "a" stands twice',
    ],
    ['  - {id: a, type: transform, value: 1, on_interrupt: maybe}', 'steps[0].on_interrupt: invalid'],
    ['  - {id: a, type: condition, then: []}', 'steps[0].if: "if" is missing'],
    ['  - {id: a, type: condition, if: "1 +", then: []}', 'steps[0].if: 1 +: it cannot be read'],
    [
      '  - {id: a, type: condition, if: true, thn: [], then: []}',
      'there is no field "thn" here | Did you mean "then"?',
    ],
    ['  - {id: a, type: condition, if: true, then: "{{ x }}"}', 'steps[0].then: must be a list of steps'],
    ['  - {id: a, type: loop, steps: [{id: b, type: transform, value: 1}]}', 'here is none'],
    [
      '  - {id: a, type: loop, times: 2, while: true, steps: [{id: b, type: transform, value: 1}]}',
      'times and while',
    ],
    ['  - {id: a, type: loop, times: 2, steps: []}', 'a loop needs at least one step'],
    [
      '  - {id: a, type: loop, times: 200, steps: [{id: b, type: transform, value: 1}]}',
      'times is 200, but max is 100',
    ],
    [
      '  - {id: a, type: loop, times: 2, max: 20000, steps: [{id: b, type: transform, value: 1}]}',
      'steps[0].max: must be a whole number from 1 to 10000',
    ],
    [
      '  - {id: a, type: loop, times: 2, as: input, steps: [{id: b, type: transform, value: 1}]}',
      '"input" is taken',
    ],
    ['  - {id: a, type: parallel, branches: {}}', 'at least one branch'],
    ['  - {id: a, type: parallel, branches: {"a/b": []}}', '"a/b" is no name of a branch'],
    ['  - {id: a, type: parallel, branches: {x: [], y: []}, wait: 3}', 'wait is 3, but there are 2 branches'],
    [
      '  - {id: a, type: parallel, branches: {x: []}, wait: some}',
      'steps[0].wait: must be all, any or a number',
    ],
    ['  - {id: a, type: wait}', 'a wait has one of for, until, signal and event; here is none'],
    ['  - {id: a, type: wait, for: 1m, signal: x}', 'here is for and signal'],
    ['  - {id: a, type: wait, for: later}', 'steps[0].for: "later" is not a duration'],
    ['  - {id: a, type: wait, until: tomorrow}', 'steps[0].until: "tomorrow" is not a time'],
    ['  - {id: a, type: wait, event: "a b"}', '"a b" is no event type'],
    ['  - {id: a, type: wait, for: 1m, where: "true"}', '`where` looks at an event'],
    ['  - {id: a, type: wait, signal: x, default: 1}', '`default` is for a wait with a timeout'],
    ['  - {id: a, type: run_workflow}', 'steps[0].workflow: "workflow" is missing'],
    ['  - {id: a, type: run_workflow, workflow: x, wait: maybe}', 'steps[0].wait: must be a boolean'],
  ])('%s', (steps, message) => {
    expect(messageOf(steps)).toContain(message);
  });

  it('bounds how many and how deep', () => {
    const many = Array.from({ length: 501 }, (_, i) => `  - {id: s${i}, type: transform, value: 1}`).join(
      '\n',
    );
    expect(messageOf(many)).toContain('there are more than 500 steps');
    let deep = '{id: s, type: transform, value: 1}';
    for (let i = 0; i < 17; i++) deep = `{id: c${i}, type: condition, if: true, then: [${deep}]}`;
    expect(messageOf(`  - ${deep}`)).toContain('steps nest deeper than 16');
  });
});

describe('triggers', () => {
  it.each([
    ['{type: sometimes}', 'triggers[0].type: invalid'],
    ['{type: mqtt, topic: a, qos: 1}', 'there is no field "qos" here'],
    ['{type: mqtt}', '"topic" is missing'],
    ['{type: mqtt, topic: "a/#/b"}', '# stands alone'],
    ['{type: mqtt, topic: "a+/b"}', '+ stands alone'],
    ['{type: mqtt, topic: ""}', 'at least one character'],
    ['{type: schedule, cron: "61 * * * *"}', 'triggers[0].cron: "61 * * * *" is no schedule'],
    ['{type: schedule, cron: "* * *"}', 'is no schedule'],
    ['{type: schedule, cron: "0 0 30 2 *"}', 'never comes'],
    ['{type: schedule, cron: "* * * * *", timezone: Mars/Base}', '"Mars/Base" is no time zone'],
    ['{type: event, event: "x y"}', '"x y" is no event type'],
  ])('%s', (trigger, message) => {
    expect(messageOf('  - {id: a, type: transform, value: 1}', `triggers: [${trigger}]\n`)).toContain(
      message,
    );
  });
});
