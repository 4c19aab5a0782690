import { EvalFailure } from './failure.ts';
import type { Frame } from './frame.ts';
import type { FunctionSpec } from './function-spec.ts';
import { CONVERSION_FUNCTIONS } from './functions-conversion.ts';
import { LIST_FUNCTIONS } from './functions-list.ts';
import { NUMBER_FUNCTIONS } from './functions-number.ts';
import { TEXT_FUNCTIONS } from './functions-text.ts';
import { TIME_FUNCTIONS } from './functions-time.ts';

export type { FunctionSpec };

/**
 * `has`, `default` and `secret` are planned, not called: two look at whether their first argument is there, one
 * wants to be known before anything is evaluated.
 */
const planned = (usage: string, least: number): FunctionSpec => ({
  least,
  most: least,
  usage,
  cost: 1,
  call: (_: Frame): never => {
    throw new EvalFailure('has, default and secret are planned');
  },
});

/** Every function by name; `f(x, y)` and `x.f(y)` are the same. */
export const FUNCTIONS: ReadonlyMap<string, FunctionSpec> = new Map<string, FunctionSpec>([
  ...LIST_FUNCTIONS,
  ...NUMBER_FUNCTIONS,
  ...TEXT_FUNCTIONS,
  ...TIME_FUNCTIONS,
  ...CONVERSION_FUNCTIONS,
  ['has', planned('has(x.y)', 1)],
  ['default', planned('default(x.y, value)', 2)],
  ['secret', planned("secret('name')", 1)],
]);
