import { describe, expect, it } from 'vitest';
import { TerminalError } from '#core/errors.ts';
import type { Json } from '#core/json.ts';
import { compileExpression, evaluateCondition } from './expression.ts';
import type { Scope } from './scope.ts';

const clock = { now: () => Date.parse('2026-05-01T08:30:15.250Z') };
const scope: Scope = {
  input: {
    limit: 28,
    name: 'Röschen',
    list: [3, 1, 2],
    none: null,
    zones: [
      { id: 'a', t: 21.5 },
      { id: 'b', t: 19 },
    ],
  },
  steps: { read: { output: { temperature: 30.5, humidity: 40 }, status: 'completed', error: null } },
  trigger: { type: 'mqtt', topic: 'a/b', payload: '{"x": [1, 2]}' },
  vars: { on: true, proto: 1 },
  loop: { index: 2, item: 'c', first: false, last: true, count: 3 },
  run: { id: 'r1' },
};

const evaluate = (text: string, over: Scope = {}): Json =>
  compileExpression(text, { clock }).evaluate({ ...scope, ...over });

function errorOf(act: () => unknown): TerminalError {
  try {
    act();
  } catch (error) {
    expect(error).toBeInstanceOf(TerminalError);
    return error as TerminalError;
  }
  throw new Error('nothing was thrown');
}

describe('values', () => {
  it.each<[string, Json]>([
    ['1 + 2', 3],
    ['5', 5],
    ['5 / 2', 2.5],
    ['7 % 2', 1],
    ['-7 % 2', -1],
    ['1 + 2.5', 3.5],
    ['input.limit + 1', 29],
    ['input.limit * 2 - 0.5', 55.5],
    ['-input.limit', -28],
    ['0 * -1', 0],
    ['5u + 1', 6],
    ['0x10', 16],
    ['1 == 1.0', true],
    ['1 == "1"', false],
    ['null == false', false],
    ['[1, {"a": [2.0]}] == [1.0, {"a": [2]}]', true],
    ['{"a": 1} == {"b": 1}', false],
    ['{"a": 1} != {"a": 1, "b": 2}', true],
    ['input.limit >= 28 && input.limit <= 28.0', true],
    ['"a" < "b" && "b" > "a" && !("a" >= "b")', true],
    ['false < true', true],
    ['"t " + 5 + " " + true + 0.5', 't 5 true0.5'],
    ['5 + "x"', '5x'],
    ['[1] + [2, 3]', [1, 2, 3]],
    ['2 in input.list', true],
    ['9 in input.list', false],
    ['"limit" in input', true],
    ['"constructor" in input', false],
    ['input.limit > 30 ? "hot" : "fine"', 'fine'],
    ['{"a": input.limit, "b": [null]}', { a: 28, b: [null] }],
    ['input.list[1]', 1],
    ['input["limit"]', 28],
    ['steps.read.output.temperature', 30.5],
    ['steps["read"].output["humidity"]', 40],
    ['loop.index + loop . index', 4],
    ['loop.item', 'c'],
    ['b"abc"', 'YWJj'],
    ["r'a\\b'", 'a\\b'],
    ["'loop'", 'loop'],
    ["input.list // a comment: don't loop", [3, 1, 2]],
  ])('%s is %j', (text, expected) => {
    expect(evaluate(text)).toEqual(expected);
  });

  it('gives an object of the scope itself, not a copy', () => {
    expect(evaluate('input')).toBe(scope.input);
    expect(evaluate('default(input.zones, [])')).toBe((scope.input as { zones: Json }).zones);
  });

  it('reads steps from a Map, and names along prototype chains', () => {
    const view = { output: 7, status: 'completed', error: null };
    expect(evaluate('steps.a.output', { steps: new Map([['a', view]]) })).toBe(7);
    const outer = Object.assign(Object.create(null), { a: view });
    const inner = Object.assign(Object.create(outer), { b: view });
    expect(evaluate('steps.a.output + steps.b.output', { steps: inner })).toBe(14);
    const below = Object.assign(Object.create({ ...scope, zone: 'north' }), { loop: scope.loop });
    expect(compileExpression('zone + loop.item').evaluate(below)).toBe('northc');
  });
});

describe('macros', () => {
  it.each<[string, Json]>([
    ['input.list.map(x, x * 2)', [6, 2, 4]],
    ['input.list.filter(x, x > 1)', [3, 2]],
    ['input.list.map(x, x > 1, x * 10)', [30, 20]],
    ['input.list.all(x, x > 0)', true],
    ['input.list.exists(x, x == 2)', true],
    ['input.list.exists_one(x, x > 1)', false],
    ['[1, "a", 3].exists(x, x > 2)', true],
    ['["a", 0].all(x, x > 1)', false],
    ['input.zones.map(z, z.id)', ['a', 'b']],
    ['{"b": 1, "a": 2}.map(k, k)', ['b', 'a']],
    ['[[1, 2], [3]].map(l, l.map(x, x + 1))', [[2, 3], [4]]],
    ['[1, 2].map(x, [3, 4].map(y, x * y)).map(l, sum(l))', [7, 14]],
    ['[1, 2].map(steps, steps + 1)', [2, 3]],
    ['[[1]].map(x, x + [2])', [[1, 2]]],
    ['has(input.limit)', true],
    ['has(input.nothing)', false],
    ['has(input.nothing.deeper)', false],
    ['has(steps.read) && !has(steps.other)', true],
    ['has(loop)', true],
    ['default(input.nothing, 5)', 5],
    ['default(input.none, 5)', 5],
    ['default(steps.other.output.x, "none")', 'none'],
    ['input.list.filter(x, x > 9).first().default(0)', 0],
    ['default(input.list[9], -1)', -1],
    ['true || input.nothing > 1', true],
    ['input.nothing > 1 || true', true],
    ['input.nothing > 1 && false', false],
  ])('%s is %j', (text, expected) => {
    expect(evaluate(text)).toEqual(expected);
  });

  it('never changes what it reads', () => {
    const before = JSON.stringify(scope.input);
    evaluate('input.list.map(x, x) + input.list.map(x, x + 1).map(y, y)');
    evaluate('sort(input.list) + reverse(input.list)');
    expect(JSON.stringify(scope.input)).toBe(before);
  });
});

describe('what fails, and how it is said', () => {
  it.each([
    ['input.lmit', 'no such key: lmit; there is: limit, name'],
    ['steps.read.output.temperatur', 'no such key: temperatur; there is: temperature, humidity'],
    ['steps.other.output', 'the step "other" has not run'],
    ['input.none.x', 'input.none is null, it has no "x"'],
    ['input.list.x', 'input.list is a list, it has no "x"'],
    ['trigger.payload.x', 'trigger.payload is a string, it has no "x"'],
    ['input.list[5]', 'there is no element 5; the list has 3'],
    ['input.list[-1]', 'there is no element -1'],
    ['input.list["a"]', 'a list is indexed with a whole number'],
    ['input[0]', 'input is a map, it cannot be indexed with a number'],
    ['input.none[0]', 'input.none is null'],
    ['event.type', 'there is no "event" here'],
    ['1 / 0', 'division by zero'],
    ['1 % 0', 'division by zero'],
    ['1e308 * 10', '* gives Infinity'],
    ['null + 1', 'null + number does not work'],
    ['null + "a"', 'null + string does not work'],
    ['[1] - [1]', 'list - list does not work'],
    ['1 < "2"', 'number < string does not work'],
    ['1 && true', '&& wants true or false, not number'],
    ['1 ? 2 : 3', '?: wants true or false, not number'],
    ['!5', '! wants true or false, not number'],
    ['-"a"', '- wants a number, not string'],
    ['{1: 2}', "a map's key is a string, not number"],
    ['{"a": 1, "a": 2}', 'the key "a" stands twice'],
    ['5 in 5', 'in wants a list or a map, not number'],
    ['(5).map(x, x)', 'map and filter want a list or a map, not number'],
    ['{}.a', 'it has no keys at all'],
    ['input.nothing > 1 || false', 'no such key: nothing'],
    ['has(input.list.x)', 'input.list is a list'],
    ['input.constructor', 'no such key: constructor'],
    ['input["__proto__"]', 'no such key: __proto__'],
    ['input.__proto__.polluted', 'no such key: __proto__'],
    ['constructor', 'there is no "constructor" here'],
    ['__proto__', 'there is no "__proto__" here'],
    ['toString', 'there is no "toString" here'],
    ['steps.constructor', 'the step "constructor" has not run'],
    ['steps.__proto__', 'the step "__proto__" has not run'],
  ])('%s', (text, message) => {
    const error = errorOf(() => evaluate(text));
    expect(error.code).toBe('expression.failed');
    expect(error.kind).toBe('unprocessable');
    expect(error.message).toContain(message);
    expect(error.message).toContain(text);
  });

  it('lets a key be called like a prototype property', () => {
    const input = JSON.parse('{"__proto__": {"a": 1}, "constructor": 2}') as Json;
    expect(evaluate('input.__proto__.a + input.constructor', { input })).toBe(3);
    expect(JSON.stringify(evaluate('{"__proto__": now()}'))).toBe('{"__proto__":"2026-05-01T08:30:15.250Z"}');
    expect(({} as Record<string, unknown>).a).toBeUndefined();
  });

  it.each([
    ['', 'the expression is empty', 1],
    ['1 +', 'it cannot be read from', 3],
    ['input.limit | round', 'it cannot be read from "| round" on', 13],
    ['nosuch(1)', 'there is no function "nosuch"', 1],
    ['rond(1.5)', 'there is no function "rond"', 1],
    ['round()', 'round takes 1 to 2, here are 0', 1],
    ['min()', 'min takes 1 or more', 1],
    ['default(1)', 'default takes 2', 1],
    ['map(input.list, x)', 'map is written list.map(x', 1],
    ['for', '"for" is a reserved word', 1],
    ['keys(steps)', 'steps cannot be used as a whole', 6],
    ['steps[input.x]', 'a step is named by its id', 1],
    ['Thing{a: 1}', 'there is no type "Thing"', 1],
    ['base64.encode', 'base64.encode is a function', 7],
    ['9007199254740993', 'beyond what a JSON number holds', 1],
    ['1e999', 'the number is too large', 1],
    ['"\\ud800"', 'surrogate', 1],
    ['a {{ b', 'it cannot be read', 3],
    ['{{ a }} and {{ b }}', 'a condition is one expression', 1],
    ['{{ a', 'never closed', 1],
  ])('refuses %j', (text, message, column) => {
    const error = errorOf(() => compileExpression(text));
    expect(error.code).toBe('expression.invalid');
    expect(error.kind).toBe('invalid');
    expect(error.message).toContain(message);
    expect(error.extra).toMatchObject({ line: 1, column });
  });

  it.each([
    ['x | round(1)', 'no filters'],
    ['a and b', '&&'],
    ['a or b', '||'],
    ['not a', '!'],
    ['x is defined', 'has(x)'],
    ['1 if x else 2', '? one : other'],
    ['a = 1', '=='],
    ['a === 1', '=='],
    ['"a" ~ "b"', '+'],
    ['a ?? b', 'default'],
    ['rond(1)', 'Did you mean "round"'],
  ])('knows the habit of %s', (text, hint) => {
    expect(errorOf(() => compileExpression(text)).hint).toContain(hint);
  });

  it('counts lines', () => {
    const error = errorOf(() => compileExpression('1 +\n  2 | 3'));
    expect(error.extra).toMatchObject({ line: 2, column: 5 });
  });
});

describe('references', () => {
  it('names roots and steps, without the variables of macros', () => {
    const { references } = compileExpression(
      'input.list.map(x, x + steps.a.output + steps["b"].output + loop.index).exists(steps, steps > vars.n)',
    );
    expect([...references.roots].sort()).toEqual(['input', 'loop', 'steps', 'vars']);
    expect([...references.steps].sort()).toEqual(['a', 'b']);
  });
});

describe('conditions', () => {
  it('takes a bare or a wrapped text', () => {
    expect(evaluateCondition(compileExpression('vars.on'), scope)).toBe(true);
    expect(evaluateCondition(compileExpression(' {{ !vars.on }} '), scope)).toBe(false);
    expect(compileExpression('{{ {"a": {"b": 1}} }}').evaluate(scope)).toEqual({ a: { b: 1 } });
  });

  it.each(['input', 'input.list', 'input.none', '"true"', '1'])('refuses to decide by %s', (text) => {
    const error = errorOf(() => evaluateCondition(compileExpression(text), scope));
    expect(error.message).toContain('a condition wants true or false');
  });
});

describe('planning', () => {
  it('plans a text once', () => {
    const text = 'input.limit + 12345';
    const first = compileExpression(text);
    expect(compileExpression(text).references).toBe(first.references);
    for (let i = 0; i < 2100; i++) compileExpression(`input.limit + ${i}`);
    expect(compileExpression(text).references).not.toBe(first.references);
  });
});
