import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Json } from '#core/json.ts';
import { compileExpression } from './expression.ts';
import { FUNCTIONS } from './functions.ts';
import type { Scope } from './scope.ts';

const page = readFileSync(new URL('../../../docs/expressions.md', import.meta.url), 'utf8');
const scope = JSON.parse(/```json\n([\s\S]*?)```/.exec(page)?.[1] ?? '') as Scope;
const clock = { now: () => Date.parse('2026-05-01T08:30:15Z') };

/** The last two cells of each table row that has code in both: the expression and what it gives. */
const examples = [...page.matchAll(/^\|(?:.*\|)? `(.+?)` \| `(.+?)` \|$/gm)].map(
  ([, text = '', result = '']) => [text.replaceAll('\\|', '|'), result] as const,
);

describe('docs/expressions.md', () => {
  it('has examples', () => expect(examples.length).toBeGreaterThan(80));

  it.each(examples)('%s gives %s', (text, result) => {
    expect(compileExpression(text, { clock }).evaluate(scope)).toEqual(JSON.parse(result) as Json);
  });

  it.each([...FUNCTIONS.keys()].filter((name) => name !== 'secret'))('shows %s', (name) => {
    expect(examples.some(([text]) => new RegExp(`\\b${name.replace('.', '\\.')}\\(`).test(text))).toBe(true);
  });
});
