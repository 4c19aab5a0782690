import { systemClock } from '#core/clock.ts';
import { type Fault, TerminalError } from '#core/errors.ts';
import type { Json } from '#core/json.ts';
import { asFailed, compileOr, type ExpressionOptions, evaluateNode, planFor } from './expression.ts';
import { Frame, type Node } from './frame.ts';
import { hasExpression, splitTemplate } from './scan.ts';
import type { References, Scope } from './scope.ts';
import { setOwn, toText } from './value.ts';

/** Any JSON value with `{{ … }}` in its strings. */
export interface Template {
  /** No expression in it: evaluate() gives the same frozen value each time. */
  readonly literal: boolean;
  readonly references: References;
  /** @throws TerminalError `expression.failed` (unprocessable) */
  evaluate(scope: Scope): Json;
}

/** Makes a part of the value; undefined stands for "as written", so that literal parts are shared. */
type Build = (frame: Frame) => Json;

interface Compiling {
  readonly roots: Set<string>;
  readonly steps: Set<string>;
  readonly secrets: Set<string>;
  readonly faults: Fault[];
}

/**
 * Walks lists and objects once. A string that is exactly one `{{ … }}` keeps the value's type, mixed text is
 * put together as text, and text without braces stays as it is. Keys of objects are never templates.
 * All expressions of one template share the bounds of one evaluation.
 * @throws TerminalError `expression.invalid` (invalid), with every fault in `faults`, paths relative to the value
 */
export function compileTemplate(value: Json, options: ExpressionOptions = {}): Template {
  const compiling: Compiling = { roots: new Set(), steps: new Set(), secrets: new Set(), faults: [] };
  const frozen = freeze(value);
  const build = compileValue(frozen, '', compiling);
  const [fault] = compiling.faults;
  if (fault !== undefined) {
    throw new TerminalError('invalid', 'expression.invalid', fault.message, {
      hint: fault.hint,
      faults: compiling.faults,
    });
  }
  const { roots, steps, secrets } = compiling;
  const references = { roots, steps, secrets };
  if (build === undefined) return { literal: true, references, evaluate: () => frozen };
  const clock = options.clock ?? systemClock;
  return { literal: false, references, evaluate: (scope: Scope) => build(new Frame(scope, clock)) };
}

/** A frozen copy, so that nobody can change a definition through a step's fields. */
function freeze(value: Json): Json {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return Object.freeze(value.map(freeze));
  const copy: Record<string, Json> = {};
  for (const [key, child] of Object.entries(value)) setOwn(copy, key, freeze(child));
  return Object.freeze(copy);
}

function compileValue(value: Json, path: string, compiling: Compiling): Build | undefined {
  if (typeof value === 'string') return compileText(value, path, compiling);
  if (typeof value !== 'object' || value === null) return undefined;
  if (Array.isArray(value)) return compileList(value, path, compiling);
  return compileObject(value as { readonly [key: string]: Json }, path, compiling);
}

function compileList(list: readonly Json[], path: string, compiling: Compiling): Build | undefined {
  const builds = list.map((element, i) => compileValue(element, `${path}[${i}]`, compiling));
  if (builds.every((build) => build === undefined)) return undefined;
  return (frame) => builds.map((build, i) => (build === undefined ? (list[i] as Json) : build(frame)));
}

function compileObject(
  object: { readonly [key: string]: Json },
  path: string,
  compiling: Compiling,
): Build | undefined {
  const members = Object.entries(object).map(([key, value]) => ({
    key,
    value,
    build: compileValue(value, path === '' ? key : `${path}.${key}`, compiling),
  }));
  if (members.every(({ build }) => build === undefined)) return undefined;
  return (frame) => {
    const made: Record<string, Json> = {};
    for (const { key, value, build } of members)
      setOwn(made, key, build === undefined ? value : build(frame));
    return made;
  };
}

function compileText(text: string, path: string, compiling: Compiling): Build | undefined {
  if (!hasExpression(text)) return undefined;
  try {
    return planText(text, path, compiling);
  } catch (error) {
    if (!(error instanceof TerminalError)) throw error;
    compiling.faults.push({ path, message: error.message, hint: error.hint });
    return undefined;
  }
}

interface Piece {
  readonly text: string;
  readonly node: Node | undefined;
}

function planText(text: string, path: string, compiling: Compiling): Build {
  const parts = compileOr(text, () => splitTemplate(text));
  const pieces = parts.map((part): Piece => {
    if ('text' in part) return { text: part.text, node: undefined };
    const plan = compileOr(text, () => planFor(part.expression), part.offset);
    for (const root of plan.references.roots) compiling.roots.add(root);
    for (const step of plan.references.steps) compiling.steps.add(step);
    for (const name of plan.references.secrets) compiling.secrets.add(name);
    return { text: part.expression, node: plan.node };
  });
  const [only, ...others] = pieces.filter(({ node, text }) => node !== undefined || text.trim() !== '');
  if (others.length === 0 && only?.node !== undefined) {
    const { node } = only;
    return (frame) => evaluateNode(node, frame, text, path);
  }
  return (frame) => interpolate(frame, pieces, text, path);
}

function interpolate(frame: Frame, pieces: readonly Piece[], whole: string, path: string): string {
  try {
    let text = '';
    for (const piece of pieces) {
      const added = piece.node === undefined ? piece.text : toText(frame, piece.node(frame));
      frame.chargeText(added.length);
      text += added;
    }
    frame.chargeResult(text.length);
    return text;
  } catch (error) {
    throw asFailed(error, whole, path);
  }
}
