import { parseDuration } from '#core/duration.ts';
import { TerminalError } from '#core/errors.ts';
import type { Json, JsonObject } from '#core/json.ts';
import { didYouMean } from '#core/near-names.ts';
import { compileExpression, type Expression, type ExpressionOptions } from '../expressions/expression.ts';
import { hasExpression } from '../expressions/scan.ts';
import type { References } from '../expressions/scope.ts';
import { compileTemplate, type Template } from '../expressions/template.ts';
import type { CompiledDuration } from './compiled.ts';
import { type Faults, type Path, readPath } from './faults.ts';

/** What an expression at some place of a definition can see. */
export interface Sight {
  /** Steps that may have run before it. */
  readonly steps: ReadonlySet<string>;
  /** Top-level names. */
  readonly roots: ReadonlySet<string>;
  /** May `secret('name')` stand here? */
  readonly secrets?: boolean | undefined;
}

/** An expression that was found, where it stands, and what it sees there. */
export interface Sighting {
  /** A condition is an expression with or without braces; a text may hold several. */
  readonly kind: 'condition' | 'text';
  readonly text: string;
  readonly path: Path;
  readonly sight: Sight;
}

export interface SightOptions extends ExpressionOptions {
  /** Told of every expression, also of those with faults. */
  readonly watch?: ((sighting: Sighting) => void) | undefined;
}

export const BASE_ROOTS: readonly string[] = ['input', 'steps', 'trigger', 'vars', 'run'];

/** The same place with further names. */
export function withRoots(sight: Sight, ...names: readonly string[]): Sight {
  return { steps: sight.steps, roots: new Set([...sight.roots, ...names]) };
}

/** What is known of the whole definition, for checks and for hints. */
export interface Known {
  /** Every step id, with the place of the step. */
  readonly ids: ReadonlyMap<string, Path>;
  /** Properties of the input's schema. */
  readonly inputs: ReadonlySet<string>;
}

const NOTHING = compileExpression('null');
const NO_DURATION: CompiledDuration = { ms: 0, evaluate: () => 0 };

/** Compiles expressions and templates where they stand, and checks every name in them. */
export class SightChecker {
  readonly #faults: Faults;
  readonly #known: Known;
  readonly #options: SightOptions;

  constructor(faults: Faults, known: Known, options: SightOptions) {
    this.#faults = faults;
    this.#known = known;
    this.#options = options;
  }

  /** A condition; true and false may stand for themselves. */
  expression(text: string | boolean, path: Path, sight: Sight): Expression {
    this.#options.watch?.({ kind: 'condition', text: String(text), path, sight });
    const compiled = this.#try(path, () => compileExpression(String(text), this.#options));
    if (compiled === undefined) return NOTHING;
    this.#check(compiled.references, path, sight);
    return compiled;
  }

  template(value: Json, path: Path, sight: Sight): Template {
    this.#checkTexts(value, path, sight);
    return this.#compiled(value);
  }

  /** A step's own fields; secrets may stand in those that are named. */
  fields(own: JsonObject, path: Path, sight: Sight, secretFields: readonly string[] = []): Template {
    for (const [name, value] of Object.entries(own)) {
      const inside = secretFields.includes(name) ? { ...sight, secrets: true } : sight;
      this.#checkTexts(value, [...path, name], inside);
    }
    return this.#compiled(own);
  }

  #compiled(value: Json): Template {
    try {
      return compileTemplate(value, this.#options);
    } catch (error) {
      // Every text has been compiled by itself, where its fault got its own place.
      if (error instanceof TerminalError) return compileTemplate(null);
      throw error;
    }
  }

  duration(value: string | number, path: Path, sight: Sight): CompiledDuration {
    if (typeof value === 'number' || !hasExpression(value)) {
      const ms = this.#try(path, () => parseDuration(value));
      return ms === undefined ? NO_DURATION : { ms, evaluate: () => ms };
    }
    const template = this.template(value, path, sight);
    return { ms: undefined, evaluate: (scope) => parseDuration(durationOf(template.evaluate(scope))) };
  }

  /** Milliseconds of a duration that may not be a template. */
  literalDuration(value: string | number, path: Path): number {
    return this.#try(path, () => parseDuration(value)) ?? 0;
  }

  #checkTexts(value: Json, path: Path, sight: Sight): void {
    if (typeof value === 'string') {
      if (!hasExpression(value)) return;
      this.#options.watch?.({ kind: 'text', text: value, path, sight });
      const template = this.#try(path, () => compileTemplate(value, this.#options));
      if (template !== undefined) this.#check(template.references, path, sight);
    } else if (Array.isArray(value)) {
      for (const [i, element] of value.entries()) this.#checkTexts(element, [...path, i], sight);
    } else if (typeof value === 'object' && value !== null) {
      for (const [key, child] of Object.entries(value)) this.#checkTexts(child, [...path, key], sight);
    }
  }

  #try<T>(path: Path, compile: () => T): T | undefined {
    try {
      return compile();
    } catch (error) {
      if (!(error instanceof TerminalError)) throw error;
      const inner =
        error.faults.length > 0 ? error.faults : [{ path: '', message: error.message, hint: error.hint }];
      for (const fault of inner)
        this.#faults.add([...path, ...readPath(fault.path)], fault.message, fault.hint);
      return undefined;
    }
  }

  #check(references: References, path: Path, sight: Sight): void {
    for (const root of references.roots) {
      if (!sight.roots.has(root)) {
        this.#faults.add(path, `there is no "${root}" here`, this.#rootHint(root, sight));
      }
    }
    if (!sight.secrets) for (const name of references.secrets) this.#secretFault(name, path);
    for (const id of references.steps) if (!sight.steps.has(id)) this.#stepFault(id, path, sight);
  }

  #secretFault(name: string, path: Path): void {
    this.#faults.add(
      path,
      `secret('${name.slice(0, 64)}') cannot stand here: its value would be seen in the trace`,
      'Secrets go into fields that keep them, such as headers, query and body of api_call; see docs/secrets.md.',
    );
  }

  #rootHint(root: string, sight: Sight): string {
    if (this.#known.inputs.has(root)) return `Did you mean input.${root}?`;
    if (this.#known.ids.has(root)) return `Did you mean steps.${root}.output?`;
    if (root === 'event') return 'Only `where` of a wait sees event; elsewhere it is trigger.event.';
    if (root === 'loop') return 'Only steps in a loop see loop.';
    if (root === 'value') return 'Only the when of a case sees value.';
    if (root === 'error')
      return 'Only steps of on_error, catch, finally and undo see error; elsewhere it is steps.<id>.error.';
    return didYouMean(root, sight.roots) ?? `Names here: ${[...sight.roots].join(', ')}. Texts want quotes.`;
  }

  #stepFault(id: string, path: Path, sight: Sight): void {
    if (!this.#known.ids.has(id)) {
      const ids = [...this.#known.ids.keys()];
      this.#faults.add(
        path,
        `there is no step "${id}"`,
        didYouMean(id, ids) ?? `Steps: ${ids.slice(0, 20).join(', ')}.`,
      );
      return;
    }
    const there = [...sight.steps].slice(-10).join(', ');
    this.#faults.add(
      path,
      `the step "${id}" cannot have run before this`,
      there === ''
        ? 'No step can have run before this.'
        : `These can: ${there}. Steps in a loop are seen in that loop only; outside, use the output of the loop.`,
    );
  }
}

function durationOf(value: Json): string | number {
  if (typeof value === 'string' || typeof value === 'number') return value;
  const shown = JSON.stringify(value).slice(0, 50);
  throw new TerminalError('unprocessable', 'duration.invalid', `${shown} is not a duration`, {
    hint: 'A duration is a number of seconds, or text such as 10s or 5m.',
  });
}
