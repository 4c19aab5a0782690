import { isDeepStrictEqual } from 'node:util';
import { isJsonObject, type Json } from '#core/json.ts';
import type { StepDefinition, WorkflowDefinition } from '../definition-port.ts';

/**
 * A definition as a tree, whatever kinds of steps there are: a list of things with `id` and `type` is a list
 * of steps, wherever it stands in a step's fields (`then`, `branches.left`, `on_error`).
 */
export interface StepNode {
  readonly step: StepDefinition;
  /** The step without the steps in it. */
  readonly own: Json;
  readonly lists: ReadonlyMap<string, readonly StepDefinition[]>;
}

const HOLE = '[steps]';

/** A step, or a whole definition, with the lists of steps in it taken out and named by where they stand. */
export function nodeOf(step: StepDefinition | WorkflowDefinition): StepNode {
  const lists = new Map<string, readonly StepDefinition[]>();
  const own = without(step as unknown as Json, '', lists);
  return { step: step as StepDefinition, own, lists };
}

function without(value: Json, path: string, lists: Map<string, readonly StepDefinition[]>): Json {
  if (Array.isArray(value)) {
    if (isStepList(value)) {
      lists.set(path, value as unknown as readonly StepDefinition[]);
      return HOLE;
    }
    return value.map((item, index) => without(item, `${path}/${index}`, lists));
  }
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [
      name,
      without(item, path ? `${path}/${name}` : name, lists),
    ]),
  );
}

function isStepList(value: readonly Json[]): boolean {
  const isStep = (item: Json): boolean =>
    isJsonObject(item) && typeof item.id === 'string' && typeof item.type === 'string';
  return value.length > 0 && value.every(isStep);
}

export interface PlacedStep extends StepNode {
  /** The list it stands in: `steps`, `check/then`. */
  readonly list: string;
  /** The step before it in that list. */
  readonly after: string | null;
}

/** Every step of a definition by its id, in the order they are written. */
export function placedSteps(definition: WorkflowDefinition): Map<string, PlacedStep> {
  const placed = new Map<string, PlacedStep>();
  const visit = (node: StepNode, prefix: string): void => {
    for (const [slot, steps] of node.lists) {
      const list = prefix ? `${prefix}/${slot}` : slot;
      steps.forEach((step, index) => {
        const inner = nodeOf(step);
        placed.set(step.id, { ...inner, list, after: steps[index - 1]?.id ?? null });
        visit(inner, step.id);
      });
    }
  };
  visit(nodeOf(definition), '');
  return placed;
}

/** How far a step has come in a run. */
export type Begun = 'settled' | 'open';

/**
 * May a run that has come this far under one definition go on under another? Steps that have ended must be
 * the same in both and stand at the same place; of those that have begun, what is in them may be others
 * behind the last that began. Undefined when it may, else why not.
 */
export function prefixMismatch(
  from: WorkflowDefinition,
  to: WorkflowDefinition,
  begun: ReadonlyMap<string, Begun>,
): string | undefined {
  if (from.mode !== to.mode) return `its mode is ${to.mode}, not ${from.mode}`;
  return listsMismatch(nodeOf(from), nodeOf(to), begun);
}

function listsMismatch(from: StepNode, to: StepNode, begun: ReadonlyMap<string, Begun>): string | undefined {
  for (const [slot, steps] of from.lists) {
    const last = steps.findLastIndex(({ id }) => begun.has(id));
    const others = to.lists.get(slot) ?? [];
    for (let index = 0; index <= last; index++) {
      const reason = stepMismatch(steps[index] as StepDefinition, others[index], begun);
      if (reason) return reason;
    }
  }
  return undefined;
}

function stepMismatch(
  from: StepDefinition,
  to: StepDefinition | undefined,
  begun: ReadonlyMap<string, Begun>,
): string | undefined {
  if (to?.id !== from.id) return `step "${from.id}" has begun; where it stands, there is ${named(to)}`;
  if (begun.get(from.id) !== 'open') {
    return isDeepStrictEqual(from, to) ? undefined : `step "${from.id}" has ended, and is another there`;
  }
  const [here, there] = [nodeOf(from), nodeOf(to)];
  // A task between two attempts may be mended; what a container or a wait has decided is on disk.
  const isTask =
    ![...here.lists.keys()].some((slot) => !AROUND.has(slot)) &&
    from.type !== 'wait' &&
    from.type !== 'run_workflow';
  if (from.type !== to.type || (!isTask && !isDeepStrictEqual(here.own, there.own)))
    return `step "${from.id}" has begun, and is another there`;
  return listsMismatch(here, there, begun);
}

/** Lists that go with any step, rather than being what it does. */
const AROUND: ReadonlySet<string> = new Set(['on_error', 'undo']);

function named(step: StepDefinition | undefined): string {
  return step ? `step "${step.id}"` : 'nothing';
}
