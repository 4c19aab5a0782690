import type { Json } from '#core/json.ts';
import type { ExpressionOptions } from './expression.ts';
import type { References, Scope } from './scope.ts';

/** Any JSON value with `{{ … }}` in its strings. */
export interface Template {
  /** No expression in it: evaluate() gives the same frozen value each time. */
  readonly literal: boolean;
  readonly references: References;
  /** @throws TerminalError `expression.failed` (unprocessable) */
  evaluate(scope: Scope): Json;
}

/**
 * Walks lists and objects once. A string that is exactly one `{{ … }}` keeps the value's type, mixed text is
 * put together as text, and text without braces stays as it is. Keys of objects are never templates.
 * @throws TerminalError `expression.invalid` (invalid), with every fault in `faults`, paths relative to the value
 */
export function compileTemplate(value: Json, _options: ExpressionOptions = {}): Template {
  throw new Error(`not built yet: ${typeof value}`);
}
