import type { Json } from '#core/json.ts';
import type { CompiledStep, SwitchStep } from '../definition/compiled.ts';
import { evaluateCondition } from '../expressions/expression.ts';
import { runContainer } from './container.ts';
import type { Position } from './position.ts';
import type { RunScope } from './run-facts.ts';
import type { Walk } from './walk.ts';

/** A case's place in the list, `default`, or null when nothing was so. */
type Taken = number | 'default' | null;

/** `switch`: asks once, runs the first case that is so; its output is `{case, output}`. */
export function runSwitch(walk: Walk, at: Position<SwitchStep>): Promise<Json> {
  return runContainer(
    walk,
    at,
    () => ({ case: taken(at) }),
    async ({ case: which }) => {
      const steps = stepsOf(at.step, which);
      const output = await walk.sequence(steps, at.scope, `${at.path}/${which}`, at.strand);
      return { case: which, output };
    },
  );
}

function stepsOf(step: SwitchStep, which: Taken): readonly CompiledStep[] {
  if (which === null) return [];
  return (which === 'default' ? step.default : step.cases[which]?.steps) ?? [];
}

function taken({ step, scope }: Position<SwitchStep>): Taken {
  const value = step.value?.evaluate(scope) ?? null;
  const seen = Object.assign(Object.create(scope) as RunScope, { value });
  const index = step.cases.findIndex(({ when }) =>
    'asks' in when ? evaluateCondition(when.asks, seen) : when.equals.some((one) => one === value),
  );
  if (index >= 0) return index;
  return step.default === undefined ? null : 'default';
}
