import { isDeepStrictEqual } from 'node:util';
import { isJsonObject, type Json, type JsonObject } from '#core/json.ts';
import type { WorkflowDefinition } from '../definition-port.ts';
import type { DefinitionChange, FieldChange } from '../runs-port.ts';
import { nodeOf, type PlacedStep, placedSteps } from './step-tree.ts';

/** What is different between two definitions: the workflow's own fields first, then its steps. */
export function definitionDiff(before: WorkflowDefinition, after: WorkflowDefinition): DefinitionChange[] {
  const own = fieldChanges(nodeOf(before).own, nodeOf(after).own);
  const top: DefinitionChange[] = own.map((field) => ({
    kind: 'changed',
    ...{ step: null, at: field.field, fields: [field] },
  }));
  return [...top, ...stepChanges(placedSteps(before), placedSteps(after))];
}

function stepChanges(
  before: ReadonlyMap<string, PlacedStep>,
  after: ReadonlyMap<string, PlacedStep>,
): DefinitionChange[] {
  const changes: DefinitionChange[] = [];
  const moved = movedSteps(before, after);
  for (const [id, { list, own }] of before) {
    if (!after.has(id)) changes.push({ kind: 'removed', step: id, at: list, fields: fieldChanges(own, {}) });
  }
  for (const [id, { list, own }] of after) {
    const old = before.get(id);
    if (!old) {
      changes.push({ kind: 'added', step: id, at: list, fields: fieldChanges({}, own) });
      continue;
    }
    if (moved.has(id)) changes.push({ kind: 'moved', step: id, at: list, fields: placeChange(old, list) });
    const fields = fieldChanges(old.own, own);
    if (fields.length > 0) changes.push({ kind: 'changed', step: id, at: list, fields });
  }
  return changes;
}

function placeChange(old: PlacedStep, list: string): FieldChange[] {
  return old.list === list ? [] : [{ field: 'at', before: old.list, after: list }];
}

function fieldChanges(before: Json, after: Json): FieldChange[] {
  const [one, other] = [asObject(before), asObject(after)];
  const names = new Set([...Object.keys(one), ...Object.keys(other)]);
  names.delete('id');
  return [...names]
    .filter((name) => !isDeepStrictEqual(one[name], other[name]))
    .map((name) => ({ field: name, before: one[name] ?? null, after: other[name] ?? null }));
}

function asObject(value: Json): JsonObject {
  return isJsonObject(value) ? value : {};
}

/** Steps that stand in another list, or in another order among those that are in both. */
function movedSteps(
  before: ReadonlyMap<string, PlacedStep>,
  after: ReadonlyMap<string, PlacedStep>,
): ReadonlySet<string> {
  const order = new Map([...before.keys()].map((id, index) => [id, index]));
  const lists = new Map<string, string[]>();
  const moved = new Set<string>();
  for (const [id, { list }] of after) {
    const old = before.get(id);
    if (!old) continue;
    if (old.list !== list) moved.add(id);
    else lists.set(list, [...(lists.get(list) ?? []), id]);
  }
  for (const ids of lists.values()) {
    const kept = longestRising(ids.map((id) => order.get(id) as number));
    ids.forEach((id, index) => {
      if (!kept.has(index)) moved.add(id);
    });
  }
  return moved;
}

/** The places of a longest rising subsequence: what need not be called moved. */
function longestRising(numbers: readonly number[]): ReadonlySet<number> {
  const best: { readonly length: number; readonly from: number }[] = [];
  let end = -1;
  numbers.forEach((number, index) => {
    let [length, from] = [1, -1];
    for (let at = 0; at < index; at++) {
      const before = best[at] as (typeof best)[number];
      if ((numbers[at] as number) < number && before.length >= length)
        [length, from] = [before.length + 1, at];
    }
    best.push({ length, from });
    if (end < 0 || length > (best[end] as (typeof best)[number]).length) end = index;
  });
  const kept = new Set<number>();
  for (; end >= 0; end = (best[end] as (typeof best)[number]).from) kept.add(end);
  return kept;
}
