import { describe, expect, it } from 'vitest';
import type { Fault, TerminalError } from '#core/errors.ts';
import { readSource } from './source.ts';

function faultsOf(source: string, type: 'yaml' | 'json' = 'yaml'): readonly Fault[] {
  try {
    readSource(source, type);
  } catch (error) {
    expect((error as TerminalError).code).toBe('workflow.invalid');
    return (error as TerminalError).faults;
  }
  throw new Error('it was taken');
}

describe('what a text may not be', () => {
  it.each([
    ['', 'the definition is empty'],
    ['   \n', 'the definition is empty'],
    ['name: {{ x }}', '{{ … }} without quotes'],
    ['name: a\nname: b\nsteps: []', 'twice'],
    ['name: a\n---\nname: b', 'more than one document'],
    ['name: a\n\tsteps: []', 'a tab stands'],
    ['name: [a', 'never closed with ]'],
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
    expect(readSource('a: &v {x: 1}\nb: [*v, *v]', 'yaml').value).toEqual({
      a: { x: 1 },
      b: [{ x: 1 }, { x: 1 }],
    });
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

describe('places', () => {
  const { locate } = readSource('a: 1\nb:\n  - {c: x}\n  - d: &v\n      e: 2\nf: *v\ng:\n', 'yaml');

  it.each([
    [['a'], false, 1, 4],
    [['a'], true, 1, 1],
    [['b', 0, 'c'], false, 3, 9],
    [['b', 0, 'c'], true, 3, 6],
    [['b', 1, 'd', 'e'], false, 5, 10],
    [['f', 'e'], false, 5, 10],
    [['g'], false, 7, 3],
    [['b', 0, 'missing'], false, 3, 5],
    [['b', 7], false, 3, 3],
    [[], false, 1, 1],
  ])('%j %j is at %i:%i', (path, onKey, line, column) => {
    expect(locate(path, onKey)).toEqual({ line, column });
  });
});
