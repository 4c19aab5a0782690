import { RE2JS } from 're2js';
import { BoundExceeded, EvalFailure } from './failure.ts';
import type { Frame } from './frame.ts';

/** Regular expressions run on RE2: time grows with the text, never with luck. */

const LONGEST_PATTERN = 1000;
const LARGEST_PROGRAM = 2000;
const MOST_KEPT = 200;
const kept = new Map<string, RE2JS>();

/**
 * Compiles a pattern in RE2's syntax, which has no look-around and no back-references; some are kept.
 * @throws Error with the reason
 */
export function compilePattern(pattern: string): RE2JS {
  const known = kept.get(pattern);
  if (known !== undefined) return known;
  if (pattern.length > LONGEST_PATTERN) throw new Error(`it is longer than ${LONGEST_PATTERN} characters`);
  const compiled = RE2JS.compile(pattern);
  if (compiled.programSize() > LARGEST_PROGRAM) throw new Error('its repetitions are too large');
  if (kept.size >= MOST_KEPT) kept.delete(kept.keys().next().value as string);
  kept.set(pattern, compiled);
  return compiled;
}

/** Does the pattern match anywhere in the text? @throws EvalFailure, BoundExceeded */
export function matches(frame: Frame, text: string, pattern: string): boolean {
  const compiled = compiledFor(frame, pattern);
  frame.charge(1 + Math.ceil((text.length * (8 + compiled.programSize())) / 32));
  return compiled.test(text);
}

/** Compiling costs far more than matching: patterns made in a `map` would add up. */
const COMPILE_COST = 4000;

function compiledFor(frame: Frame, pattern: string): RE2JS {
  const known = kept.get(pattern);
  if (known !== undefined) return known;
  frame.charge(COMPILE_COST);
  try {
    const compiled = compilePattern(pattern);
    frame.charge(compiled.programSize() * 20);
    return compiled;
  } catch (error) {
    if (error instanceof BoundExceeded) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new EvalFailure(
      `"${pattern.slice(0, 100)}" is not a pattern: ${reason}`,
      'Patterns are RE2: no look-ahead, look-behind or back-references.',
    );
  }
}
