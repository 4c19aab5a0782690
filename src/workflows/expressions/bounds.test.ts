import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TerminalError } from '#core/errors.ts';
import type { Json } from '#core/json.ts';
import { compileExpression } from './expression.ts';
import type { Scope } from './scope.ts';
import { compileTemplate } from './template.ts';

/** No expression holds the event loop: each of these ends in a value or a clear error, and none hangs. */
const HANGS_AFTER_MS = 15_000;

function outcome(text: string, scope: Scope = {}): Json | TerminalError {
  const started = performance.now();
  try {
    return compileExpression(text).evaluate(scope);
  } catch (error) {
    if (!(error instanceof TerminalError)) throw error;
    return error;
  } finally {
    expect(performance.now() - started).toBeLessThan(HANGS_AFTER_MS);
  }
}

const refused = (text: string, scope?: Scope): string => {
  const result = outcome(text, scope);
  expect(result).toBeInstanceOf(TerminalError);
  expect((result as TerminalError).hint).toBeTypeOf('string');
  return (result as TerminalError).message;
};

const numbers = (count: number): number[] => Array.from({ length: count }, (_, i) => i);
const list = `[${numbers(300).join(',')}]`;
const MORE_WORK = 'more work than one expression may do';

describe('work', () => {
  it('ends nested maps', () => {
    const l = numbers(300);
    expect(refused('l.map(a, l.map(b, l.map(c, a * b * c)))', { l })).toContain(MORE_WORK);
    expect(refused('l.map(a, l.map(b, l.filter(c, a == b && b == c)))', { l })).toContain(MORE_WORK);
    expect(refused('l.all(a, l.all(b, l.all(c, a + b + c >= 0)))', { l })).toContain(MORE_WORK);
    expect(refused('l.exists(a, l.exists(b, l.exists(c, c.x == a.x)))', { l })).toContain(MORE_WORK);
    expect(refused(`${list}.map(a, ${list}.map(b, ${list}.map(c, 1)))`)).toContain(MORE_WORK);
  });

  it('refuses deeper ones when they are written', () => {
    expect(refused('l.map(a, l.map(b, l.map(c, l.map(d, 1))))')).toContain('nest deeper than 3');
    expect(outcome('l.map(a, a).map(a, a).map(a, a).map(a, a).map(a, a)', { l: [1] })).toEqual([1]);
  });

  it('is not looked past', () => {
    const scope = { l: numbers(300) };
    const endless = 'l.map(a, l.map(b, l.map(c, 1))) == []';
    expect(refused(`${endless} || true`, scope)).toContain(MORE_WORK);
    expect(refused(`default(${endless}, true)`, scope)).toContain(MORE_WORK);
    expect(refused(`has(l[0].map(x, x)) || ${endless}`, scope)).toContain(MORE_WORK);
  });

  it('counts what functions look at', () => {
    const l = numbers(2000);
    for (const body of [
      'sum(l)',
      'a in l',
      '[a] + l == l',
      'max(l)',
      'reverse(l)',
      'l + l',
      'sort(l)',
      'join(l)',
    ]) {
      expect(refused(`l.map(a, ${body}).size()`, { l })).toContain('more');
    }
    const m = Object.fromEntries(numbers(2000).map((i) => [`k${i}`, i]));
    for (const body of ['keys(m)', 'values(m)', 'm == n']) {
      expect(refused(`l.map(a, ${body}).size()`, { l, m, n: { ...m } })).toContain(MORE_WORK);
    }
    const text = 'ab'.repeat(50_000);
    for (const body of [
      'text.contains("c")',
      'split(text, "b")',
      'replace(text, "a", "b")',
      'size(text)',
      'upper(text)',
      'json.encode(text)',
    ]) {
      expect(refused(`l.map(a, ${body}).size()`, { l, text })).toMatch(/more|MiB/);
    }
  });

  it('takes what is sensible', () => {
    const readings = numbers(10_000).map((i) => ({ t: i % 40, id: `s${i}` }));
    expect(outcome('readings.filter(r, r.t > 38).map(r, r.id).size()', { readings })).toBe(250);
    expect(outcome('round(avg(readings.map(r, r.t)), 1)', { readings })).toBe(19.5);
    expect(outcome('l.map(a, l.map(b, a * b)).map(r, sum(r)).sum()', { l: numbers(200) })).toBe(19_900 ** 2);
  });

  it('keeps patterns linear and counts them', () => {
    const text = `${'a'.repeat(20_000)}!`;
    expect(outcome('text.matches("^(a+)+$")', { text })).toBe(false);
    expect(outcome('text.matches("^(a|aa)+$")', { text })).toBe(false);
    expect(refused('text.matches("((a{100}){9})b$")', { text: 'a'.repeat(500_000) })).toContain(MORE_WORK);
    expect(refused('l.map(a, text.matches("^(a+)+$"))', { text, l: numbers(2000) })).toContain(MORE_WORK);
    expect(refused('l.map(a, "x".matches("y" + a + "z{1,50}"))', { l: numbers(2000) })).toContain(MORE_WORK);
    expect(refused(`"a".matches("${'a'.repeat(2000)}")`)).toContain('longer than 1000');
    expect(refused('"a".matches("((a{1000}){1}){1}(b{1000})")')).toContain('repetitions');
  });
});

describe('memory', () => {
  it('bounds texts', () => {
    const doubling = 'x + x'.replaceAll('x', '(x + x)').replaceAll('x', '(x + x)').replaceAll('x', '(x + x)');
    expect(
      refused(doubling.replaceAll('x', `"${'a'.repeat(10)}" + t`), { t: 'a'.repeat(500_000) }),
    ).toContain('4 MiB');
    expect(refused('l.map(a, t + t).size()', { l: numbers(100), t: 'a'.repeat(100_000) })).toContain('4 MiB');
    expect(refused('replace(t, "a", t)', { t: 'a'.repeat(10_000) })).toContain('4 MiB');
    expect(refused('join(l.map(a, t), t)', { l: numbers(100), t: 'a'.repeat(100_000) })).toContain('4 MiB');
    expect(
      refused('json.encode(json.encode(json.encode(json.encode(t))))', { t: '"'.repeat(400_000) }),
    ).toContain('MiB');
    expect(refused('base64.encode(t + t)', { t: 'a'.repeat(900_000) })).toContain('MiB');
  });

  it('bounds results, shared parts counted each time', () => {
    const big = { t: 'a'.repeat(100_000) };
    expect(refused('l.map(a, big)', { l: numbers(20), big })).toContain('the result is larger than 1 MiB');
    expect(refused('t', { t: 'a'.repeat(2_000_000) })).toContain('the result is larger than 1 MiB');
    let laugh = '[1,1,1,1,1,1,1,1]';
    for (let i = 0; i < 2; i++) laugh = `${laugh}.map(x, [x,x,x,x,x,x,x,x])`;
    expect(
      refused(`[${laugh}].map(y, [y,y,y,y,y,y,y,y].map(z, [z,z,z,z,z,z,z,z].map(q, [q,q,q,q,q,q,q,q])))`),
    ).toContain('MiB');
    const template = compileTemplate(numbers(20).map(() => '{{ big }}'));
    expect(() => template.evaluate({ big })).toThrow('the result is larger than 1 MiB');
    expect(() =>
      compileTemplate('{{ big }} {{ big }}').evaluate({ big: { t: 'a'.repeat(700_000) } }),
    ).toThrow('MiB');
  });

  it('refuses values that nest without end', () => {
    const nested = (levels: number): Json => {
      let value: Json = 1;
      for (let i = 0; i < levels; i++) value = [value];
      return value;
    };
    expect(refused('{"a": deep}', { deep: nested(5000) })).toContain('nested too deeply');
    expect(refused('a == b', { a: nested(100_000), b: nested(100_000) })).toContain('nested too deeply');
  });
});

describe('texts', () => {
  it.each([
    ['('.repeat(10_000), 'brackets nest deeper than 60'],
    [`${'('.repeat(4000)}1${')'.repeat(4000)}`, 'brackets nest deeper than 60'],
    [`${'['.repeat(100)}1${']'.repeat(100)}`, 'brackets nest deeper than 60'],
    ['1+'.repeat(4000) + 1, 'nests too deeply'],
    [`${'a.'.repeat(4000)}a`, 'nests too deeply'],
    ['a?1:'.repeat(2000) + 1, 'nests too deeply'],
    ['!'.repeat(9000), ''],
    ['"'.repeat(9001), ''],
    ['{{'.repeat(3000), ''],
    ['a'.repeat(10_001), 'too long'],
  ])('%.20s…', (text, message) => {
    expect(refused(text)).toContain(message);
  });

  it('takes a long but flat one', () => {
    expect(outcome(`${'true && '.repeat(1000)}true`)).toBe(true);
    expect(outcome(`[${numbers(1500).join(', ')}].size()`)).toBe(1500);
  });

  it('ends for any text, and throws nothing unexpected', () => {
    const pieces = [
      '(',
      ')',
      '[',
      ']',
      '{',
      '}',
      '"',
      "'",
      '\\',
      '{{',
      '}}',
      '.',
      ',',
      ':',
      '?',
      '+',
      '-',
      '*',
      '/',
      '%',
      '&&',
      '||',
      '!',
      '==',
      '<',
      'in',
      ' ',
      '\n',
      'a',
      'input',
      'steps',
      'loop',
      '.map(x,',
      'has(',
      'default(',
      'now()',
      'matches',
      '1',
      '0.5',
      'null',
      'true',
      'r"',
      '//',
      '__proto__',
      'constructor',
      'é',
      '😀',
    ];
    const text = fc.array(fc.constantFrom(...pieces), { maxLength: 30 }).map((parts) => parts.join(''));
    const scope = {
      input: { a: [1, 'x', null] },
      loop: { index: 0, item: 1, first: true, last: true, count: 1 },
    };
    fc.assert(
      fc.property(fc.oneof(text, fc.string()), (source) => {
        outcome(source, scope);
        try {
          compileTemplate(source).evaluate(scope);
        } catch (error) {
          expect(error).toBeInstanceOf(TerminalError);
        }
      }),
      { numRuns: 2000 },
    );
  });
});
