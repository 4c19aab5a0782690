import { systemClock } from '#core/clock.ts';
import { TerminalError } from '#core/errors.ts';
import type { Json } from '#core/json.ts';
import { BoundExceeded, EvalFailure, SyntaxFault } from './failure.ts';
import { Frame, type Node } from './frame.ts';
import { type Plan, planSyntax } from './planner.ts';
import { splitTemplate } from './scan.ts';
import type { References, Scope } from './scope.ts';
import { parseText } from './syntax.ts';
import { toJson } from './value.ts';

export interface ExpressionOptions {
  /** What `now()` reads; the system's clock when absent. */
  readonly clock?: { now(): number } | undefined;
}

/** One CEL expression, planned once and evaluated often. */
export interface Expression {
  readonly text: string;
  readonly references: References;
  /** @throws TerminalError `expression.failed` (unprocessable) with the text, what was wrong and the mend */
  evaluate(scope: Scope): Json;
}

/** Plans by text: definitions repeat themselves, and versions of one definition even more. */
const MOST_KEPT = 1000;
const kept = new Map<string, Plan>();

/** The plan for a bare text, from memory when it is there. @throws SyntaxFault */
export function planFor(text: string): Plan {
  const known = kept.get(text);
  if (known !== undefined) {
    // Used again: to the young end of the map, so that the first key is the one to forget.
    kept.delete(text);
    kept.set(text, known);
    return known;
  }
  const plan = planSyntax(parseText(text));
  if (kept.size >= MOST_KEPT) kept.delete(kept.keys().next().value as string);
  kept.set(text, plan);
  return plan;
}

/**
 * Compiles a bare CEL text, or one wrapped in a single `{{ … }}`.
 * @throws TerminalError `expression.invalid` (invalid) with the column
 */
export function compileExpression(text: string, options: ExpressionOptions = {}): Expression {
  const { node, references } = compileOr(text, () => planFor(bareText(text)));
  const clock = options.clock ?? systemClock;
  return {
    text,
    references,
    evaluate: (scope) => evaluateNode(node, new Frame(scope, clock), text),
  };
}

function bareText(text: string): string {
  if (!text.trimStart().startsWith('{{')) return text;
  const [part, ...others] = splitTemplate(text.trim());
  if (part !== undefined && 'expression' in part && others.length === 0) return part.expression;
  throw new SyntaxFault(
    'a condition is one expression, not text with expressions in it',
    0,
    'Write the whole condition between one pair of braces, or without braces.',
  );
}

/**
 * Evaluates a condition: anything but true and false is an error, so that a typing slip never decides.
 * @throws TerminalError `expression.failed`
 */
export function evaluateCondition(expression: Expression, scope: Scope): boolean {
  const value = expression.evaluate(scope);
  if (typeof value === 'boolean') return value;
  const shown = value === null ? 'null' : Array.isArray(value) ? 'a list' : `a ${typeof value}`;
  throw failed(expression.text, `a condition wants true or false, not ${shown}`, 'Compare: x > 0, x != "".');
}

/** Evaluates within a frame that may be shared. @throws TerminalError `expression.failed` */
export function evaluateNode(node: Node, frame: Frame, text: string, field?: string): Json {
  try {
    return toJson(frame, node(frame));
  } catch (error) {
    throw asFailed(error, text, field);
  }
}

/** Words whatever an evaluation threw for the owner of the definition. */
export function asFailed(error: unknown, text: string, field?: string): unknown {
  if (error instanceof EvalFailure || error instanceof BoundExceeded) {
    return failed(text, error.message, error.hint, field);
  }
  if (error instanceof RangeError) {
    return failed(text, 'the value is nested too deeply', 'Pick the parts that are needed.', field);
  }
  return error;
}

function failed(text: string, message: string, hint: string | undefined, field?: string): TerminalError {
  const where = field === undefined || field === '' ? '' : `${field}: `;
  return new TerminalError('unprocessable', 'expression.failed', `${where}${shorten(text)}: ${message}`, {
    hint,
    extra: { expression: text.slice(0, 500) },
  });
}

/** Runs a compilation. @throws TerminalError `expression.invalid` */
export function compileOr<T>(text: string, compile: () => T, shift = 0): T {
  try {
    return compile();
  } catch (error) {
    if (!(error instanceof SyntaxFault)) throw error;
    const { line, column } = position(text, error.offset + shift);
    const message = `${shorten(text)}: ${error.message} (line ${line}, column ${column})`;
    throw new TerminalError('invalid', 'expression.invalid', message, {
      hint: error.hint,
      extra: { expression: text.slice(0, 500), line, column },
    });
  }
}

function position(text: string, offset: number): { line: number; column: number } {
  const before = text.slice(0, offset);
  return { line: before.split('\n').length, column: offset - before.lastIndexOf('\n') };
}

function shorten(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length > 120 ? `${line.slice(0, 117)}…` : line;
}
