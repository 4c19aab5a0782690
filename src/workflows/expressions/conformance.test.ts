import { CelScalar, celEnv, celFunc, isCelError, isCelList, isCelMap, parse, plan } from '@bufbuild/cel';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TerminalError } from '#core/errors.ts';
import type { Json, JsonObject } from '#core/json.ts';
import { compileExpression } from './expression.ts';

/**
 * The same expressions through @bufbuild/cel's own evaluator, which runs CEL's conformance suite. Where it
 * gives a value, ours gives the same. Literals are doubles in both, since JSON has no integers.
 */
const env = celEnv({
  funcs: [celFunc('_%_', [CelScalar.DOUBLE, CelScalar.DOUBLE], CelScalar.DOUBLE, (a, b) => a % b)],
});

function reference(text: string, scope: JsonObject): { value: Json } | undefined {
  const result = plan(env, parse(text))(scope as never);
  if (isCelError(result)) return undefined;
  const value = plainOf(result);
  return JSON.stringify(value)?.includes('"nonfinite"') ? undefined : { value };
}

function plainOf(value: unknown): Json {
  if (typeof value === 'bigint') return Number(value);
  if (typeof value === 'number') return Number.isFinite(value) ? value + 0 : 'nonfinite';
  if (isCelList(value)) return [...value].map(plainOf);
  if (isCelMap(value))
    return Object.fromEntries([...value.entries()].map(([key, member]) => [String(key), plainOf(member)]));
  return value as Json;
}

const scope = {
  input: {
    n: 5,
    f: 2.5,
    z: 0,
    s: 'abc',
    e: '',
    t: true,
    nil: null,
    l: [3, 1, 2],
    m: { a: 1, b: { c: [1] } },
    ll: [[1], []],
  },
};

const leaf = fc.constantFrom(
  ...[
    '1.0',
    '2.5',
    '-3.0',
    '0.0',
    '"a"',
    '"abc"',
    '""',
    'true',
    'false',
    'null',
    '[]',
    '[1.0, 2.0]',
    '{"a": 1.0}',
  ],
  ...[
    'input.n',
    'input.f',
    'input.z',
    'input.s',
    'input.e',
    'input.t',
    'input.nil',
    'input.l',
    'input.m',
    'input.ll',
  ],
  ...['input.m.a', 'input.m.b.c', 'input.l[0]', 'input.missing', 'input["n"]', 'input.m["a"]'],
);

const { expression } = fc.letrec<{ expression: string }>((tie) => {
  const e = tie('expression');
  const binary = fc.constantFrom('+', '-', '*', '/', '%', '==', '!=', '<', '<=', '>', '>=', '&&', '||', 'in');
  return {
    expression: fc.oneof(
      { maxDepth: 4, withCrossShrink: true },
      leaf,
      fc.tuple(e, binary, e).map(([a, op, b]) => `(${a} ${op} ${b})`),
      fc.tuple(e, e, e).map(([a, b, c]) => `(${a} ? ${b} : ${c})`),
      e.map((a) => `!${a}`),
      fc.tuple(e, e).map(([a, b]) => `[${a}, ${b}]`),
      e.map((a) => `{"k": ${a}}`),
      fc.tuple(e, e).map(([a, b]) => `${a}.map(x, ${b})`),
      fc.tuple(e, e).map(([a, b]) => `${a}.filter(x, x == ${b})`),
      fc.tuple(e, e).map(([a, b]) => `${a}.exists(x, x == ${b})`),
      fc.tuple(e, e).map(([a, b]) => `${a}.all(x, x != ${b})`),
      fc.tuple(e, e).map(([a, b]) => `${a}.contains(${b})`),
      e.map((a) => `size(${a})`),
      fc.constantFrom('has(input.n)', 'has(input.missing)', 'has(input.m.b)'),
    ),
  };
});

function isTooDeep(text: string): boolean {
  try {
    compileExpression(text);
    return false;
  } catch (error) {
    return error instanceof TerminalError && error.code === 'expression.invalid';
  }
}

describe('the same values as the reference', () => {
  it('for any expression that the reference has a value for', () => {
    let compared = 0;
    fc.assert(
      fc.property(expression, (text) => {
        const expected = reference(text, scope);
        // Deeper comprehensions than ours allows may be drawn; the reference knows no bound.
        if (expected === undefined || isTooDeep(text)) return;
        compared++;
        expect(compileExpression(text).evaluate(scope)).toEqual(expected.value);
      }),
      { numRuns: 4000 },
    );
    expect(compared).toBeGreaterThan(500);
  });

  it.each([
    'input.l.map(x, x * 2.0).filter(y, y > 2.0)',
    'input.l.exists_one(x, x == 1.0)',
    'input.l.map(x, x > 1.0, x + 1.0)',
    '[1.0, "a"].exists(x, x > 0.5)',
    '(input.missing == 1.0) || true',
    '"ab" < "b" && "Z" < "a"',
    'input.s.startsWith("ab") && input.s.endsWith("c") && input.s.matches("^a.c$")',
    "\"\\u00e9\\n\\t\\\"\" + r\"\\n\" + '''x'''",
    'size("añ😀")',
    'input.ll.map(l, size(l))',
    '-7.0 % 3.0',
    '[-3.0 * input.z, {"k": -3.0 * input.z}]',
  ])('%s', (text) => {
    const expected = reference(text, scope);
    expect(expected).toBeDefined();
    expect(compileExpression(text).evaluate(scope)).toEqual(expected?.value);
  });
});
