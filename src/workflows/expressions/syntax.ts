import { parse } from '@bufbuild/cel';
import { SyntaxFault } from './failure.ts';
import { prepareText } from './scan.ts';

/** A node of CEL's syntax tree (cel.expr.Expr), with macros already expanded. */
export type Expr = NonNullable<ReturnType<typeof parse>['expr']>;
export type Call = Extract<Expr['exprKind'], { case: 'callExpr' }>['value'];
export type Comprehension = Extract<Expr['exprKind'], { case: 'comprehensionExpr' }>['value'];
export type Constant = Extract<Expr['exprKind'], { case: 'constExpr' }>['value'];
export type Select = Extract<Expr['exprKind'], { case: 'selectExpr' }>['value'];
export type Struct = Extract<Expr['exprKind'], { case: 'structExpr' }>['value'];

/** Characters of one expression. */
export const LONGEST_TEXT = 10_000;

/** A parsed text with the offset of each node, by its id. */
export interface Syntax {
  readonly expr: Expr;
  offsetOf(expr: Expr): number;
}

/**
 * Parses a bare CEL text.
 * @throws SyntaxFault
 */
export function parseText(text: string): Syntax {
  if (text.length > LONGEST_TEXT) {
    throw new SyntaxFault(`an expression of ${text.length} characters is too long`, 0, 'At most 10,000.');
  }
  if (text.trim() === '') {
    throw new SyntaxFault('the expression is empty', 0, 'Write something between the braces.');
  }
  const prepared = prepareText(text);
  try {
    const { expr, sourceInfo } = parse(prepared);
    if (expr === undefined) throw new SyntaxFault('the expression is empty', 0);
    const positions: Record<string, number> = sourceInfo?.positions ?? {};
    return { expr, offsetOf: (node) => positions[String(node.id)] ?? 0 };
  } catch (error) {
    throw error instanceof SyntaxFault ? error : syntaxFault(error, text);
  }
}

function syntaxFault(error: unknown, text: string): SyntaxFault {
  if (error instanceof RangeError) {
    return new SyntaxFault('the expression nests too deeply', 0, 'Split it in several steps.');
  }
  const where = (error as { location?: { start?: { offset?: number } } }).location?.start?.offset;
  const offset = Math.min(where ?? 0, text.length);
  const raw = (error as { rawMessage?: string }).rawMessage ?? (error as Error).message;
  const rest = text.slice(offset).trimStart();
  if (raw.startsWith('reserved')) {
    const word = /^\w+/.exec(rest)?.[0] ?? rest.slice(0, 10);
    return new SyntaxFault(`"${word}" is a reserved word`, offset, `Write it in brackets: x["${word}"].`);
  }
  if (where === undefined) return new SyntaxFault(raw, 0);
  const found = rest === '' ? 'the end' : `"${rest.slice(0, 20)}"`;
  return new SyntaxFault(`it cannot be read from ${found} on`, offset, hintFor(text, rest));
}

/** Habits from Jinja and JavaScript that the parser stumbles over, and how CEL says it. */
const HABITS: readonly (readonly [RegExp, string])[] = [
  [/^\|(?!\|)/, 'There are no filters: write round(x, 1) or x.round(1) instead of x | round(1).'],
  [/^and\b/, 'Write && for and.'],
  [/^or\b/, 'Write || for or.'],
  [/^not\b|^is\s+not\b/, 'Write ! for not, and != for is not.'],
  [/^is\b/, 'Write == for is, and has(x) for "is defined".'],
  [/^if\b/, 'Write condition ? one : other.'],
  [/^===|^!==/, 'Write == or !=.'],
  [/^=(?!=)/, 'Write == to compare; an expression cannot set anything.'],
  [/^~/, 'Write + to join texts.'],
  [/^\*\*|^\^|^<<|^>>|^&(?!&)/, 'CEL has + - * / % and no powers or bit operators.'],
  [/^\?\?/, 'Write default(x, y).'],
  [/^\?\./, 'Write default(x.y, z), or has(x.y).'],
  [/^["']/, 'Is the quote closed?'],
];

function hintFor(text: string, rest: string): string | undefined {
  if (/^\s*not\b/.test(text)) return 'Write ! for not.';
  const habit = HABITS.find(([pattern]) => pattern.test(rest));
  if (habit !== undefined) return habit[1];
  if (rest === '') return 'Something is missing at the end, such as a bracket or a value.';
  return 'Look for a missing bracket, quote or operator just before.';
}
