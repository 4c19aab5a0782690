import { describe, expect, it } from 'vitest';
import { checkStatically } from '../../static-check.ts';

const INPUT = `
  type: object
  required: [when]
  properties:
    when: { type: string, format: date-time }
    limit: { type: number, default: 28 }
    on: { type: boolean, default: true }
    note: { type: string }
    kind: { enum: [a, b], default: a }
    rooms: { type: array, default: [], items: { $ref: '#/$defs/room' } }
    free: { type: object, default: {}, additionalProperties: true }
    counts: { type: object, default: {}, additionalProperties: { type: number } }
  $defs: { room: { type: object, required: [name], properties: { name: { type: string }, t: { type: number } } } }`;

/** The messages about one expression, in braces or as a condition. */
function told(expression: string, field = 'value'): string[] {
  const text = JSON.stringify(`{{ ${expression} }}`);
  const own = field === 'value' ? `value: ${text}` : `value: 1\n    ${field}: ${text}`;
  const source = `name: a
input:${INPUT}
vars: { target: "{{ input.limit - 1 }}", words: [a, b] }
steps:
  - { id: read, type: device_read, device: temp }
  - { id: both, type: parallel, branches: { one: [{ id: x, type: transform, value: { a: 1 } }] } }
  - { id: each, type: loop, times: 2, steps: [{ id: l, type: log, message: m }, { id: y, type: transform, value: text }] }
  - { id: child, type: run_workflow, workflow: other }
  - { id: put, type: set, vars: { more: 3 } }
  - id: t
    type: transform
    ${own}
`;
  return checkStatically(source, 'yaml').problems.map(({ message }) => message);
}

describe('expressions with nothing odd', () => {
  it.each([
    'input.limit > 3 && input.on',
    'input.when + " and " + input.limit',
    'default(input.note, "none").upper()',
    'has(input.note) ? input.note : "none"',
    'input.rooms.map(r, r.name)',
    'input.rooms.exists(r, r.name == "x")',
    'size(input.rooms.filter(r, r.name == "x")) > 0',
    'input.free.anything.goes',
    'input.counts.x + 1',
    'input["limit"] * 2 - vars.target / 3',
    'vars.more + 1',
    'vars.words[0] + "!"',
    'steps.both.output.one.a + 1',
    'steps.each.output.results[0] + "!"',
    'steps.child.output.output.whatever',
    'steps.read.output.value > 3 && steps.read.status == "completed"',
    '{"a": input.limit}.a + 1',
    '[1, 2] + [3]',
    '-input.limit < 3',
    'trigger.payload.x == run.id',
    'input.kind in ["a"] || !input.on',
    'steps.read.error == null',
  ])('%s', (expression) => expect(told(expression)).toEqual([]));
});

describe('expressions that are odd', () => {
  it.each([
    ['input.limt', 'input has no "limt"'],
    ['input["limt"]', 'input has no "limt"'],
    ['default(input.limt, 3)', 'input has no "limt"'],
    ['has(input.limt)', 'input has no "limt"'],
    ['input.note', 'input.note may be missing'],
    ['input.limit.x', 'input.limit is a number, it has no "x"'],
    ['input.rooms.name', 'input.rooms is a list, it has no "name"'],
    ['input.rooms[0].nme', 'input.rooms[0] has no "nme"'],
    ['input.rooms.map(r, r.nme)', 'r has no "nme"'],
    ['input.limit.map(x, x)', 'there is nothing in it to go through'],
    ['input.limit == "a"', 'this is always false'],
    ['input.limit != "a"', 'this is always true'],
    ['input.when > 3', '> cannot compare'],
    ['input.rooms < input.rooms', '< cannot compare'],
    ['input.limit && true', '&& wants true or false'],
    ['!input.when', '! wants true or false'],
    ['input.limit ? 1 : 2', '?: wants true or false'],
    ['input.when - 3', '- does not work'],
    ['input.rooms + "x"', '+ does not work'],
    ['vars.targt', 'vars has no "targt"'],
    ['run.nme', 'run has no "nme"'],
    ['steps.read.output.valeu', 'steps.read.output has no "valeu"'],
    ['steps.both.output.two', 'steps.both.output has no "two"'],
    ['steps.each.output.result', 'steps.each.output has no "result"'],
    ['{"a": 1}.b', 'has no "b"'],
  ])('%s: %s', (expression, message) => expect(told(expression).join('\n')).toContain(message));

  it('a condition is true or false', () => {
    expect(told('input.when', 'when').join()).toContain('a condition is true or false, and this is a text');
    expect(told('size(input.rooms)', 'when').join()).toContain('this is a number');
    expect(told('input.limit > 3', 'when')).toEqual([]);
  });
});
