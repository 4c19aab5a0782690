import type { Json, JsonObject } from '#core/json.ts';

/** What `steps.<id>` shows of a step that has begun. A step that was skipped is here with output null. */
export interface StepView {
  readonly output: Json;
  readonly status: string;
  /** The ErrorRecord of a failed step, else null. */
  readonly error: Json;
}

/**
 * Where the scope of an attempt keeps the answer to `secret('name')`. A symbol: no name in an expression reaches
 * it, and a scope without it refuses the question.
 */
export const REVEAL: unique symbol = Symbol('reveal');

/**
 * The names that expressions see. Values are plain JSON and are read in place, never copied: an evaluation
 * costs what it touches. `steps` may be an object with a prototype chain (`Object.create(outerSteps)`, the
 * root with a null prototype) or anything with `get`, such as a Map. Further names (the `as` of a loop,
 * `event`, `error`) stand beside the fixed ones; the scope itself may also have a prototype chain.
 */
export interface Scope {
  readonly input?: Json | undefined;
  readonly steps?: StepLookup | { readonly [id: string]: StepView } | undefined;
  readonly trigger?: JsonObject | undefined;
  readonly vars?: JsonObject | undefined;
  readonly loop?: LoopView | undefined;
  readonly run?: JsonObject | undefined;
  /** In `on_error` steps: the ErrorRecord of what failed. */
  readonly error?: Json | undefined;
  /** In the `where` of a wait: the event, `{type, subject, actor, time, seq, data}`. */
  readonly event?: Json | undefined;
  readonly [REVEAL]?: ((name: string) => string) | undefined;
  readonly [name: string]: unknown;
}

export interface StepLookup {
  get(id: string): StepView | undefined;
}

/** What `loop` shows in the body of a loop (and in its `while`). */
export interface LoopView {
  /** From 0. */
  readonly index: number;
  /** The element of for_each; in `times` and `while` loops the same as index. */
  readonly item: Json;
  readonly first: boolean;
  /** Is this the last one? Always false in a `while` loop. */
  readonly last: boolean;
  /** How many in all; null in a `while` loop. */
  readonly count: number | null;
  /** The loop around this one, if any. */
  readonly outer?: LoopView | undefined;
}

/** What a text names, found when it is compiled; names bound by `map(x, …)` and the like are not in it. */
export interface References {
  /** Top-level names: `input`, `steps`, … */
  readonly roots: ReadonlySet<string>;
  /** Ids in `steps.<id>` and `steps["<id>"]`. */
  readonly steps: ReadonlySet<string>;
  /** Names in `secret('name')`. */
  readonly secrets: ReadonlySet<string>;
}
