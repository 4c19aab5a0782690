import type { Json } from '#core/json.ts';
import type { References, Scope } from './scope.ts';

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

/**
 * Compiles a bare CEL text, or one wrapped in a single `{{ … }}`.
 * @throws TerminalError `expression.invalid` (invalid) with the column
 */
export function compileExpression(text: string, _options: ExpressionOptions = {}): Expression {
  throw new Error(`not built yet: ${text}`);
}

/**
 * Evaluates a condition: anything but true and false is an error, so that a typing slip never decides.
 * @throws TerminalError `expression.failed`
 */
export function evaluateCondition(expression: Expression, scope: Scope): boolean {
  return expression.evaluate(scope) === true;
}
