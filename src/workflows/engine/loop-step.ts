import { TerminalError } from '#core/errors.ts';
import { type Json, toJsonText } from '#core/json.ts';
import type { LoopStep } from '../definition/compiled.ts';
import { evaluateCondition } from '../expressions/expression.ts';
import type { LoopView, StepView } from '../expressions/scope.ts';
import { runContainer } from './container.ts';
import { StepFailure } from './interrupt.ts';
import type { Position } from './position.ts';
import type { RunScope } from './run-facts.ts';
import type { Walk } from './walk.ts';

/** Results of iterations are kept up to this size (JSON text); beyond it `results` is null. */
const MOST_RESULTS = 256 * 1024;

/** Facts that gather in a unit before a loop commits them. */
const MOST_GATHERED = 500;

/** What a loop goes over: a list, or how often; null for `while`. */
type Decided = { readonly items: readonly Json[] | null; readonly times: number | null };

/** `loop`: for_each, times or while; the output is `{count, results}`, results null when they grow too large. */
export function runLoop(walk: Walk, at: Position<LoopStep>): Promise<Json> {
  return runContainer<Decided & Json>(
    walk,
    at,
    () => decide(at) as Decided & Json,
    (decided) => iterate(walk, at, decided),
  );
}

function decide(at: Position<LoopStep>): Decided {
  const { over } = at.step;
  if (over.by === 'while') return { items: null, times: null };
  if (over.by === 'times') {
    const times = over.times.evaluate(at.scope);
    if (typeof times !== 'number' || !Number.isInteger(times) || times < 0) {
      throw new TerminalError(
        'unprocessable',
        'loop.times_invalid',
        `times is ${toJsonText(times)}, not a whole number`,
      );
    }
    return within(at, { items: null, times }, times);
  }
  const items = over.items.evaluate(at.scope);
  if (!Array.isArray(items)) {
    throw new TerminalError('unprocessable', 'loop.not_a_list', 'for_each needs a list', {
      hint: 'Give a list, for instance {{ steps.read.output.items }}; of an object, {{ keys(…) }}.',
    });
  }
  return within(at, { items, times: null }, items.length);
}

function within(at: Position<LoopStep>, decided: Decided, count: number): Decided {
  if (count > at.step.max) throw tooMany(at, count);
  return decided;
}

function tooMany(at: Position<LoopStep>, count: number): TerminalError {
  return new TerminalError(
    'unprocessable',
    'loop.too_many',
    `the loop would run ${count} times; its max is ${at.step.max}`,
    {
      hint: 'Raise `max` (at most 10000) or make the list shorter.',
    },
  );
}

async function iterate(walk: Walk, at: Position<LoopStep>, decided: Decided): Promise<Json> {
  const { step, path } = at;
  const count = decided.items?.length ?? decided.times;
  let results: Json[] | null = [];
  let size = 0;
  let scope = at.scope;
  let index = 0;
  for (; count === null || index < count; index++) {
    // Rounds of skipped steps commit nothing by themselves: keep the unit small and the loop stoppable.
    if (at.strand.unit.steps.length > MOST_GATHERED) await walk.execution.begin(at.strand);
    const inner = iterationScope(at, decided, index, count);
    if (count === null && !(await another(walk, at, inner, scope, index))) break;
    scope = inner;
    const output = await walk.sequence(step.steps, scope, `${path}/${index}`, at.strand);
    size += results === null ? 0 : toJsonText(output).length;
    if (size > MOST_RESULTS) results = null;
    results?.push(output);
  }
  return { count: index, results };
}

/** The rounds of a loop that had begun before a restart, each with what it saw. */
export function* begunRounds(
  walk: Walk,
  at: Position<LoopStep>,
): Generator<{ scope: RunScope; prefix: string }> {
  if (!at.known?.detail) return;
  const decided = JSON.parse(at.known.detail) as Decided;
  const count = decided.items?.length ?? decided.times;
  for (let index = 0; count === null || index < count; index++) {
    const prefix = `${at.path}/${index}`;
    if (!walk.execution.journal.hasBelow(prefix)) return;
    yield { scope: iterationScope(at, decided, index, count), prefix };
  }
}

/** Is there another iteration of a `while`? One that had begun before a restart is not asked again. */
async function another(
  walk: Walk,
  at: Position<LoopStep>,
  inner: RunScope,
  before: RunScope,
  index: number,
): Promise<boolean> {
  const { over } = at.step;
  if (over.by !== 'while' || walk.execution.journal.hasBelow(`${at.path}/${index}`)) return true;
  // The condition sees the steps of the iteration before.
  const goOn = evaluateOrFail(walk, at, () =>
    evaluateCondition(over.while, Object.assign(Object.create(before) as RunScope, { loop: inner.loop })),
  );
  if (goOn && index >= at.step.max) throw failed(walk, at, tooMany(at, index + 1));
  return goOn;
}

function evaluateOrFail<T>(walk: Walk, at: Position<LoopStep>, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw failed(walk, at, error);
  }
}

/** The loop itself failed in the middle; its container writes the row. */
function failed(_walk: Walk, at: Position<LoopStep>, error: unknown): StepFailure {
  const { code, message, hint } = error as TerminalError;
  return new StepFailure({ code: code ?? 'internal', message, hint, retryable: false }, at.path);
}

function iterationScope(
  at: Position<LoopStep>,
  decided: Decided,
  index: number,
  count: number | null,
): RunScope {
  const item: Json = decided.items ? (decided.items[index] ?? null) : index;
  const loop: LoopView = {
    index,
    item,
    first: index === 0,
    last: count !== null && index === count - 1,
    count,
    ...(at.scope.loop ? { outer: at.scope.loop } : {}),
  };
  const scope = Object.create(at.scope) as RunScope & Record<string, unknown>;
  Object.assign(scope, { loop, steps: Object.create(at.scope.steps) as Record<string, StepView> });
  if (at.step.as) scope[at.step.as] = item;
  return scope;
}
