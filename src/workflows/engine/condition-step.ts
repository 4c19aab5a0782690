import type { Json } from '#core/json.ts';
import type { ConditionStep } from '../definition/compiled.ts';
import { evaluateCondition } from '../expressions/expression.ts';
import { runContainer } from './container.ts';
import type { Position } from './position.ts';
import type { Walk } from './walk.ts';

/** `condition`: asks once, runs `then` or `else`; its output is which branch it took and that branch's output. */
export function runCondition(walk: Walk, at: Position<ConditionStep>): Promise<Json> {
  const { step, scope, path, strand } = at;
  return runContainer(
    walk,
    at,
    () => ({ branch: evaluateCondition(step.if, scope) ? 'then' : 'else' }) as const,
    async ({ branch }) => {
      const output = await walk.sequence(step[branch], scope, `${path}/${branch}`, strand);
      return { branch, output };
    },
  );
}
