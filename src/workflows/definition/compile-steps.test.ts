import { describe, expect, it } from 'vitest';
import type { TerminalError } from '#core/errors.ts';
import { transformStep } from '../steps/transform.ts';
import { parseDefinition } from './parse-definition.ts';
import { stepTypes } from './step-types.ts';

/** What is wrong with a definition of these steps: `path: message | hint`, one to a line. */
function messageOf(steps: string, head = ''): string {
  try {
    parseDefinition(`name: test\n${head}steps:\n${steps}`, 'yaml', stepTypes([transformStep]));
  } catch (error) {
    const { faults } = error as TerminalError;
    return faults.map(({ path, message, hint }) => `${path}: ${message} | ${hint ?? ''}`).join('\n');
  }
  throw new Error('it was taken');
}

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
    ['  - {id: a, type: transform, value: 1, retry: 0}', 'steps[0].retry.max_attempts: must be at least 1'],
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
    ['  - {id: a, type: transform, value: 1, on_interrupt: maybe}', 'steps[0].on_interrupt: must be one of'],
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
    [
      '  - {id: a, type: parallel, branches: {x: [], y: []}, wait: 3}',
      'wait is 3, but the number of branches is 2',
    ],
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
    ['{type: sometimes}', 'triggers[0].type: there is no trigger "sometimes"'],
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
