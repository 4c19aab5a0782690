import type { Json, JsonObject } from '#core/json.ts';
import type { Path } from '../definition/faults.ts';
import { innerLists } from '../definition/step-ids.ts';
import type { StepTypes } from '../definition/step-types.ts';
import { compileExpression, evaluateCondition } from '../expressions/expression.ts';
import type { WrittenStep } from './outline.ts';

/** What can be said of the ways through a definition without running it. */

export type Tell = (path: Path, message: string, hint?: string) => void;

/** A condition that is the same whatever the run is given; undefined when it hangs on something. */
export function constantOf(condition: Json | undefined): boolean | undefined {
  if (typeof condition === 'boolean') return condition;
  if (typeof condition !== 'string' || /\bnow\s*\(/.test(condition)) return undefined;
  try {
    const compiled = compileExpression(condition);
    const { roots, steps } = compiled.references;
    return roots.size + steps.size === 0 ? evaluateCondition(compiled, {}) : undefined;
  } catch {
    return undefined; // its fault is told elsewhere
  }
}

/** Steps that never run, conditions that are no question, loops without a round. */
export function checkWays(definition: JsonObject, steps: Iterable<WrittenStep>, tell: Tell): void {
  for (const name of ['steps', 'on_error']) {
    // In the other modes steps do not follow each other.
    const follows = name === 'on_error' || (definition.mode ?? 'sequential') === 'sequential';
    if (Array.isArray(definition[name]) && follows) checkAfterFail(definition[name], [name], tell);
  }
  for (const { fields, path, type } of steps) {
    for (const [list, at] of innerLists(fields, path)) checkAfterFail(list, at, tell);
    if (constantOf(fields.when) === false) {
      tell(
        [...path, 'when'],
        'this step never runs: its `when` is always false',
        'Take the step or the when away.',
      );
    }
    if (type === 'condition') checkCondition(fields, path, tell);
    if (type === 'loop') checkRounds(fields, path, tell);
  }
}

function checkAfterFail(list: readonly unknown[], path: Path, tell: Tell): void {
  const end = list.findIndex((step) => {
    const { type, when, on_error } = step as { type?: unknown; when?: Json; on_error?: unknown };
    return type === 'fail' && (when === undefined || constantOf(when) === true) && on_error === undefined;
  });
  const after = list[end + 1] as { id?: unknown } | undefined;
  if (end < 0 || after === undefined) return;
  const { id } = list[end] as { id?: unknown };
  tell(
    [...path, end + 1],
    `nothing from "${after.id}" on ever runs: "${id}" before it fails the run`,
    'Give the fail a when, or put it last.',
  );
}

function checkCondition(fields: JsonObject, path: Path, tell: Tell): void {
  const always = constantOf(fields.if);
  if (always === undefined) return;
  const never = always ? 'else' : 'then';
  const lost = Array.isArray(fields[never]) && fields[never].length > 0;
  tell(
    [...path, 'if'],
    `this is always ${always}${lost ? `: the steps of ${never} never run` : ''}`,
    'Compare something that a run is given: input, a step before, trigger.',
  );
}

function checkRounds(fields: JsonObject, path: Path, tell: Tell): void {
  const empty = Array.isArray(fields.for_each) && fields.for_each.length === 0;
  if (fields.times === 0 || empty || constantOf(fields.while) === false) {
    const word = empty ? 'for_each' : fields.times === 0 ? 'times' : 'while';
    tell([...path, word], 'this loop has no round: its steps never run');
  }
  if (constantOf(fields.while) === true) {
    tell(
      [...path, 'while'],
      `this is always true: the loop fails after ${fields.max ?? 100} rounds`,
      'Say when it is over, or write times.',
    );
  }
}

/** Waits for something that may never come, with nothing around them that would end them. */
export function checkWaits(definition: JsonObject, steps: readonly WrittenStep[], tell: Tell): void {
  if (definition.timeout !== undefined) return;
  for (const { type, fields, path } of steps) {
    const word = type === 'wait' ? (['signal', 'event'] as const).find((one) => one in fields) : undefined;
    const asks = type === 'approval' && fields.deadline === undefined;
    if (word === undefined && !asks) continue;
    if (fields.timeout !== undefined || isBounded(path, steps)) continue;
    const what = word === undefined ? 'nobody may ever answer' : `the ${word} may never come`;
    tell(path, `this wait may have no end: ${what}`, 'Add timeout: 1h, and default: null to go on after it.');
  }
}

function isBounded(path: Path, steps: readonly WrittenStep[]): boolean {
  return steps.some(
    ({ path: at, fields }) =>
      at.length < path.length && at.every((key, i) => path[i] === key) && fields.timeout !== undefined,
  );
}

/** Loops that change nothing, and whose results nobody reads. */
export function checkLoopEffects(
  definition: JsonObject,
  steps: readonly WrittenStep[],
  readers: readonly { readonly path: Path; readonly steps: ReadonlySet<string> }[],
  stepTypes: StepTypes,
  tell: Tell,
): void {
  const idle = new Set(['transform', 'condition', 'switch', 'try', 'wait', 'loop', 'parallel']);
  for (const loop of steps) {
    if (loop.type !== 'loop' || isResult(definition, loop)) continue;
    const inside = steps.filter(({ path }) => path.length > loop.path.length && startsWith(path, loop.path));
    const acts = inside.some(
      ({ type }) =>
        !idle.has(type) && (type === 'log' || (stepTypes.get(type)?.effect ?? 'write') === 'write'),
    );
    if (acts || inside.length === 0) continue;
    const ids = new Set([loop.id, ...inside.map(({ id }) => id)]);
    const read = readers.some(
      (reader) =>
        !startsWith(reader.path, [...loop.path, 'steps']) && [...reader.steps].some((id) => ids.has(id)),
    );
    // A wait paces what comes after the loop; rounds of nothing but values do nothing at all.
    const paces = inside.some(({ type }) => type === 'wait');
    if (read || paces) continue;
    tell(
      loop.path,
      'this loop changes nothing, and nobody reads what it gives',
      `Use steps.${loop.id}.output.results, or take it away.`,
    );
  }
}

/** The last step's output is the run's, unless the definition says another. */
function isResult(definition: JsonObject, { path }: WrittenStep): boolean {
  const list = definition.steps;
  return (
    definition.output === undefined &&
    Array.isArray(list) &&
    path[0] === 'steps' &&
    path[1] === list.length - 1
  );
}

const startsWith = (path: Path, start: Path): boolean => start.every((key, i) => path[i] === key);
