import { describe, expect, it } from 'vitest';
import type { TerminalError } from '#core/errors.ts';
import { failStep } from '../steps/fail.ts';
import { logStep } from '../steps/log.ts';
import { transformStep } from '../steps/transform.ts';
import { compileDefinition, parseDefinition } from './parse-definition.ts';
import { stepTypes } from './step-types.ts';

const types = stepTypes([transformStep, failStep, logStep]);
const parsed = (steps: string) => parseDefinition(`name: test\nsteps:\n${steps}`, 'yaml', types);

/** What is wrong: `line:column path: message | hint`, one to a line. */
function faultsOf(steps: string): string {
  try {
    parsed(steps);
  } catch (error) {
    const { faults } = error as TerminalError;
    return faults
      .map((fault) => `${fault.line}:${fault.column} ${fault.path}: ${fault.message} | ${fault.hint ?? ''}`)
      .join('\n');
  }
  return 'it was taken';
}

const B = '{id: b, type: transform, value: 1}';

describe('what is wrong with', () => {
  it.each([
    ['switch', '{id: a, type: switch, cases: []}', '3:34 steps[0].cases: a switch needs at least one case'],
    ['switch', '{id: a, type: switch}', '"cases" is missing'],
    ['switch', '{id: a, type: swich, cases: []}', 'Did you mean "switch"?'],
    [
      'switch',
      `{id: a, type: switch, value: 1, cases: [{when: 1, stpes: []}]}`,
      'there is no field "stpes" here',
    ],
    [
      'switch',
      `{id: a, type: switch, cases: [{when: 1, steps: [${B}]}]}`,
      'steps[0].cases[0].when: there is no value to compare this with',
    ],
    [
      'switch',
      `{id: a, type: switch, value: 1, cases: [{when: 2, steps: []}, {when: 2, steps: []}]}`,
      'cases[1].when: this never runs: a case before it has the same when',
    ],
    [
      'switch',
      `{id: a, type: switch, value: 1, cases: [{when: [1, "{{ value > 2 }}"], steps: []}]}`,
      'a list has values only',
    ],
    [
      'switch',
      `{id: a, type: switch, value: 1, cases: [{when: "{{ vlaue > 2 }}", steps: []}]}`,
      'there is no "vlaue" here | Did you mean "value"?',
    ],
    ['switch', `{id: a, type: transform, value: "{{ value }}"}`, 'Only the when of a case sees value.'],
    [
      'switch',
      `{id: a, type: switch, value: 1, cases: [{when: 1, steps: [${B}]}], default: [${B}]}`,
      'the id "b" stands twice',
    ],
    ['set', '{id: a, type: set}', '"vars" is missing'],
    ['set', '{id: a, type: set, vars: {}}', 'nothing is set here'],
    ['set', '{id: a, type: set, vars: {1a: 2}}', 'must be a name'],
    ['set', '{id: a, type: set, vars: {n: "{{ nobody }}"}}', 'steps[0].vars.n: there is no "nobody" here'],
    ['try', `{id: a, type: try, steps: [${B}]}`, 'a try has catch or finally, or both'],
    ['try', '{id: a, type: try, steps: [], catch: []}', 'a try needs at least one step'],
    ['try', `{id: a, type: try, steps: [${B}], cacth: []}`, 'Did you mean "catch"?'],
    ['try', `{id: a, type: try, steps: [${B}], finally: [], grace: soon}`, '"soon" is not a duration'],
    [
      'try',
      '{id: a, type: try, steps: [{id: c, type: transform, value: "{{ error }}"}], catch: []}',
      'Only steps of on_error, catch, finally and undo see error',
    ],
    ['approval', '{id: a, type: approval}', '"title" is missing'],
    ['approval', '{id: a, type: approval, title: x, default: approve}', '`default` is for an approval with'],
    [
      'approval',
      '{id: a, type: approval, title: x, deadline: 1h, default: yes}',
      'must be approve or reject',
    ],
    ['approval', '{id: a, type: approval, title: x, anyone: true, roles: [y]}', 'exclude each other'],
    ['approval', '{id: a, type: approval, title: x, roles: []}', 'steps[0].roles'],
    ['approval', '{id: a, type: approval, title: x, dealine: 1h}', 'Did you mean "deadline"?'],
    ['fail', '{id: a, type: fail}', '"message" is missing'],
    ['fail', '{id: a, type: fail, message: x, code: No Good}', 'must be small letters'],
    ['fail', '{id: a, type: fail, mesage: x}', 'Did you mean "message"?'],
    ['log', '{id: a, type: log, message: x, level: loud}', 'steps[0].level'],
    ['undo', '{id: a, type: transform, value: 1, undo: b}', 'steps[0].undo: must be a list of steps'],
    [
      'undo',
      `{id: a, type: transform, value: 1, undo: [{id: b, type: transform, value: 1, undo: []}]}`,
      'steps[0].undo[0].undo: a step of undo has no undo',
    ],
    ['undo', '{id: undo, type: transform, value: 1}', '"undo" cannot be an id'],
    ['undo', `{id: a, type: parallel, branches: {undo: [${B}]}}`, '"undo" is no name of a branch'],
    [
      'undo',
      `{id: a, type: transform, value: 1, undo: [${B}]}\n  - {id: c, type: transform, value: "{{ steps.b.output }}"}`,
      'the step "b" cannot have run before this',
    ],
  ])('%s: %s', (_of, step, message) => {
    expect(faultsOf(`  - ${step}`)).toContain(message);
  });
});

describe('what is seen', () => {
  it('undo sees its step, what that saw, loop and error', () => {
    const undo =
      '{id: u, type: transform, value: "{{ [steps.s.output, steps.a.output, loop.index, error.code] }}"}';
    const round = `{id: s, type: transform, value: 1, undo: [${undo}]}`;
    expect(faultsOf(`  - ${B.replace('b', 'a')}\n  - {id: l, type: loop, times: 2, steps: [${round}]}`)).toBe(
      'it was taken',
    );
  });

  it('after a switch and a try the steps in them are seen', () => {
    const inner = (id: string) => `{id: ${id}, type: transform, value: 1}`;
    const last = '{id: z, type: transform, value: "{{ [steps.a, steps.d, steps.b, steps.c, steps.f] }}"}';
    const steps = [
      `{id: s, type: switch, value: 1, cases: [{when: 1, steps: [${inner('a')}]}], default: [${inner('d')}]}`,
      `{id: t, type: try, steps: [${inner('b')}], catch: [${inner('c')}], finally: [${inner('f')}]}`,
      last,
    ];
    expect(faultsOf(steps.map((step) => `  - ${step}`).join('\n'))).toBe('it was taken');
  });

  it('a default of a wait is a value, whatever it looks like', () => {
    expect(faultsOf('  - {id: w, type: wait, for: 1s, timeout: 2s, default: [{id: w, type: x}]}')).toBe(
      'it was taken',
    );
  });
});

it('compiling what was stored gives the same', () => {
  const first = parsed(
    [
      `  - {id: s, type: switch, value: 1, cases: [{when: [1, 2], steps: [${B}]}], default: []}`,
      '  - {id: v, type: set, vars: {n: 1}, undo: [{id: u, type: log, message: x}]}',
      '  - {id: t, type: try, steps: [{id: f, type: fail, message: x}], catch: [], finally: []}',
      '  - {id: q, type: approval, title: x, deadline: 1h, default: reject}',
    ].join('\n'),
  );
  const again = compileDefinition(first.definition, types);
  expect(again.definition).toEqual(first.definition);
  expect(again.byId.get('v')?.undo.map(({ id }) => id)).toEqual(['u']);
});
