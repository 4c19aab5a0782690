import { isJsonObject } from '#core/json.ts';
import type { Faults, Path } from './faults.ts';

/** Finding every step of a definition as it is written, before anything is compiled. */

export const MOST_STEPS = 500;
/** Lists of steps in lists of steps. */
export const DEEPEST_STEPS = 16;

/** Fields that are lists of steps in steps of one type, and may be anything in others. */
const OF_TYPE: Readonly<Record<string, readonly string[]>> = {
  switch: ['default'],
  try: ['catch', 'finally'],
};

/** The lists of steps that a step holds, with their places. */
export function* innerLists(step: object, path: Path): Generator<readonly [readonly unknown[], Path]> {
  const fields = step as Readonly<Record<string, unknown>>;
  for (const name of ['then', 'else', 'steps', ...(OF_TYPE[String(fields.type)] ?? []), 'on_error', 'undo']) {
    const list = fields[name];
    if (Array.isArray(list)) yield [list, [...path, name]];
  }
  if (fields.type === 'switch' && Array.isArray(fields.cases)) {
    for (const [i, one] of (fields.cases as readonly unknown[]).entries()) {
      const list = isJsonObject(one) ? one.steps : undefined;
      if (Array.isArray(list)) yield [list, [...path, 'cases', i, 'steps']];
    }
  }
  const { branches } = fields;
  if (!isJsonObject(branches)) return;
  for (const [name, list] of Object.entries(branches)) {
    if (Array.isArray(list)) yield [list, [...path, 'branches', name]];
  }
}

/** Every id with the place of its step; ids that stand twice, too many steps and too deep ones are faults. */
export function collectIds(
  lists: readonly (readonly [readonly unknown[], Path])[],
  faults: Faults,
): ReadonlyMap<string, Path> {
  const ids = new Map<string, Path>();
  let count = 0;
  const visit = (list: readonly unknown[], path: Path, depth: number): void => {
    if (depth > DEEPEST_STEPS) {
      faults.add(
        path,
        `steps nest deeper than ${DEEPEST_STEPS}`,
        'Move the inner ones to a workflow of their own.',
      );
      return;
    }
    for (const [i, step] of list.entries()) {
      const at = [...path, i];
      if (++count === MOST_STEPS + 1)
        faults.add(at, `there are more than ${MOST_STEPS} steps`, 'Use run_workflow.');
      if (count > MOST_STEPS || !isJsonObject(step)) continue;
      note(step.id, at);
      for (const [inner, innerPath] of innerLists(step, at)) visit(inner, innerPath, depth + 1);
    }
  };
  const note = (id: unknown, at: Path): void => {
    if (typeof id !== 'string') return;
    if (ids.has(id)) {
      faults.add([...at, 'id'], `the id "${id}" stands twice`, 'Ids are unique in the whole definition.');
    } else ids.set(id, at);
  };
  for (const [list, path] of lists) visit(list, path, 1);
  return ids;
}
