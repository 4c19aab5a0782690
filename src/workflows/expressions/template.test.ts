import { describe, expect, it } from 'vitest';
import { TerminalError } from '#core/errors.ts';
import type { Json } from '#core/json.ts';
import type { Scope } from './scope.ts';
import { compileTemplate } from './template.ts';

const scope: Scope = {
  input: { n: 5, half: 0.5, name: 'fan', list: [1, 2], map: { a: 1 }, none: null, on: true },
  steps: { read: { output: 21, status: 'completed', error: null } },
};
const options = { clock: { now: () => 0 } };
const evaluate = (value: Json): Json => compileTemplate(value, options).evaluate(scope);

describe('templates', () => {
  it.each<[Json, Json]>([
    ['plain', 'plain'],
    ['{ not } one }}', '{ not } one }}'],
    ['{{ input.n }}', 5],
    ['  {{ input.n }}\n', 5],
    ['{{ input.list }}', [1, 2]],
    ['{{ input.none }}', null],
    ['{{5}}', 5],
    ['{{ input.n }} °C', '5 °C'],
    ['{{input.n}}{{input.half}}', '50.5'],
    ['{{ input.n * 1.0 }} {{ 10 / 4 }}', '5 2.5'],
    ['x{{ input.none }}y', 'xy'],
    ['on: {{ input.on }}', 'on: true'],
    ['{{ input.list }} {{ input.map }}', '[1,2] {"a":1}'],
    ['at {{ timestamp(0) }} for {{ duration("90s") }}', 'at 1970-01-01T00:00:00.000Z for 90s'],
    ['{{ [timestamp(0), duration(5)] }}', ['1970-01-01T00:00:00.000Z', '5s']],
    ['{{ {"a": {"b": "}}"}} }}', { a: { b: '}}' } }],
    ['{{ {"a":{"b":1}}}}', { a: { b: 1 } }],
    ['{{ "{{" }} and \\{{ too }}', '{{ and {{ too }}'],
    ['\\{{ input.n }}', '{{ input.n }}'],
    ["{{ '''it's }} fine''' }}", "it's }} fine"],
    ['{{ "a\\"}}" + r"\\" }}', 'a"}}\\'],
    ['{{ now() }}', '1970-01-01T00:00:00.000Z'],
    [
      { a: '{{ input.n }}', b: ['{{ input.name }}', 1], c: { d: null } },
      { a: 5, b: ['fan', 1], c: { d: null } },
    ],
    [5, 5],
    [null, null],
  ])('%j gives %j', (value, expected) => {
    expect(evaluate(value)).toEqual(expected);
  });

  it('costs nothing when there is nothing to do', () => {
    const value = { a: ['x', { b: 1 }] };
    const template = compileTemplate(value);
    expect(template.literal).toBe(true);
    const first = template.evaluate(scope);
    expect(first).toEqual(value);
    expect(template.evaluate({})).toBe(first);
    expect(Object.isFrozen(first) && Object.isFrozen((first as { a: Json[] }).a[1])).toBe(true);
    expect(Object.isFrozen(value)).toBe(false);
  });

  it('shares the literal parts, keeps the order of keys, and takes any key', () => {
    const value = JSON.parse('{"z": {"deep": [1]}, "__proto__": "{{ input.n }}", "a": 1}') as Json;
    const template = compileTemplate(value);
    const [one, two] = [template.evaluate(scope), template.evaluate(scope)] as [{ z: Json }, { z: Json }];
    expect(one).not.toBe(two);
    expect(one.z).toBe(two.z);
    expect(JSON.stringify(one)).toBe('{"z":{"deep":[1]},"__proto__":5,"a":1}');
  });

  it('names what it refers to', () => {
    const { references, literal } = compileTemplate({
      a: '{{ steps.read.output + input.n }}',
      b: ['{{ vars.x }}'],
    });
    expect(literal).toBe(false);
    expect([...references.roots].sort()).toEqual(['input', 'steps', 'vars']);
    expect([...references.steps]).toEqual(['read']);
  });

  it('finds every fault, with its path and column', () => {
    try {
      compileTemplate({ a: '{{ 1 + }}', b: ['ok', { c: 'x {{ nosuch(1) }}' }], d: '{{ open' });
      expect.unreachable();
    } catch (error) {
      const { code, faults } = error as TerminalError;
      expect(code).toBe('expression.invalid');
      expect(faults.map(({ path }) => path)).toEqual(['a', 'b[1].c', 'd']);
      expect(faults[0]?.message).toContain('column 6');
      expect(faults[1]?.message).toContain('column 6');
      expect(faults[2]?.message).toContain('never closed');
    }
  });

  it('says which field failed', () => {
    const act = (): Json => evaluate({ headers: { 'x-name': 'v {{ input.nam }}' } });
    expect(act).toThrow(TerminalError);
    expect(act).toThrow('headers.x-name: v {{ input.nam }}: no such key: nam');
  });
});
