import { describe, expect, it } from 'vitest';
import type { Fault } from '#core/errors.ts';
import type { Json, JsonObject } from '#core/json.ts';
import { anyInput, checkSchema, compileInputSchema } from './input-schema.ts';

const refuse = (schema: JsonObject): void => {
  checkSchema(schema);
  compileInputSchema(schema);
};

function faults(schema: JsonObject, value: Json): readonly Fault[] {
  const result = compileInputSchema(schema)(value);
  return result.ok ? [] : result.faults;
}

const person: JsonObject = {
  type: 'object',
  properties: {
    limit: { type: 'number', default: 28, maximum: 100 },
    level: { enum: ['low', 'high'] },
    tags: { type: 'array', items: { type: 'string', pattern: '^[a-z]+$' }, uniqueItems: true },
    deep: { type: 'object', properties: { on: { type: 'boolean', default: true } } },
    'a/b': { $ref: '#/$defs/count' },
  },
  required: ['limit'],
  additionalProperties: false,
  $defs: { count: { type: 'integer' } },
};

describe('the input of a run', () => {
  it('gets its defaults, on a copy', () => {
    checkSchema(person);
    const check = compileInputSchema(person);
    const value = Object.freeze({ deep: Object.freeze({}) });
    expect(check(value)).toEqual({ ok: true, value: { limit: 28, deep: { on: true } } });
    expect(check(null)).toEqual({ ok: true, value: { limit: 28 } });
    expect(anyInput(null)).toEqual({ ok: true, value: {} });
    expect(anyInput(5)).toEqual({ ok: true, value: 5 });
  });

  it('names every fault', () => {
    const value = { limt: 3, limit: 200, level: 'mid', tags: ['a', 'B', 'a'], 'a/b': 1.5 };
    expect(faults(person, value)).toEqual([
      { path: 'input.limt', message: '"limt" is not expected', hint: 'Did you mean "limit"?' },
      { path: 'input.limit', message: 'must be <= 100' },
      { path: 'input.level', message: 'must be one of "low", "high"' },
      { path: 'input.tags.1', message: 'must match pattern "^[a-z]+$"' },
      { path: 'input.tags', message: 'must not hold the same element twice' },
      { path: 'input.a/b', message: 'must be integer' },
    ]);
    expect(faults({ required: ['x'] }, {})).toEqual([{ path: 'input.x', message: '"x" is missing' }]);
  });

  it('compares what is unique by value', () => {
    const schema = { items: {}, uniqueItems: true };
    expect(
      faults(schema, [
        { a: 1, b: [2] },
        { b: [2], a: 1 },
      ]),
    ).toHaveLength(1);
    expect(faults(schema, [1, '1', [1], { a: 1 }, { a: 2 }])).toEqual([]);
    expect(faults({ items: {}, uniqueItems: false }, [1, 1])).toEqual([]);
  });

  it('takes the $schema of its own draft', () => {
    const schema = { $schema: 'https://json-schema.org/draft/2020-12/schema', type: 'object' };
    refuse(schema);
    expect(faults(schema, 5)).toEqual([{ path: 'input', message: 'must be object' }]);
  });

  it('compiles the same schema, and the same $id, again', () => {
    const schema = { $id: 'https://example.org/a', type: 'object' };
    for (let i = 0; i < 3; i++) expect(faults({ ...schema }, {})).toEqual([]);
  });
});

describe('schemas that are refused', () => {
  const doubling: Record<string, Json> = {};
  for (let i = 0; i < 40; i++) {
    doubling[`d${i}`] = { anyOf: [{ $ref: `#/$defs/d${i + 1}` }, { $ref: `#/$defs/d${i + 1}` }] };
  }
  doubling.d40 = { type: 'number' };

  it.each<[JsonObject, string]>([
    [{ limit: { type: 'number' } }, '"limit" is no keyword of JSON Schema'],
    [{ type: 'objekt' }, 'input/type must be equal to one of the allowed values'],
    [{ type: 'object', properties: { a: { pattern: '(?=a)b' } } }, 'invalid or unsupported Perl syntax'],
    [{ type: 'object', properties: { a: { pattern: '(((a{30}){30}){30})' } } }, 'invalid repeat count'],
    [{ $ref: 'http://example.org/schema.json' }, 'leads nowhere'],
    [{ $ref: '#/$defs/nope' }, 'leads nowhere'],
    [{ type: 'object', properties: { a: { $dynamicRef: '#x' } } }, '$dynamicRef is not supported'],
    [{ properties: { child: { $ref: '#' } } }, 'leads back to itself'],
    [{ $ref: '#/$defs/d0', $defs: doubling }, 'leads back to itself'],
    [{ $schema: 'http://json-schema.org/draft-07/schema#', type: 'object' }, 'no schema with key or ref'],
  ])('%.60j', (schema, message) => {
    expect(() => refuse(schema)).toThrow(message);
  });
});

describe('input that would hold others up', () => {
  const fast = (act: () => void): void => {
    const started = performance.now();
    act();
    expect(performance.now() - started).toBeLessThan(1000);
  };

  it('runs patterns on RE2', () => {
    fast(() =>
      expect(faults({ type: 'string', pattern: '^(a+)+$' }, `${'a'.repeat(50_000)}!`)).toHaveLength(1),
    );
  });

  it('finds duplicates in one pass', () => {
    const list = Array.from({ length: 50_000 }, (_, i) => ({ i }));
    fast(() => expect(faults({ items: {}, uniqueItems: true }, list)).toEqual([]));
  });

  it('gives up on many faults and deep nesting', () => {
    expect(faults({ items: { type: 'string' } }, Array(500).fill(1))).toHaveLength(50);
  });
});
