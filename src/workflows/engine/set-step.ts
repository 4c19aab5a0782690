import { TerminalError } from '#core/errors.ts';
import { type Json, type JsonObject, toJsonText } from '#core/json.ts';
import type { SetStep } from '../definition/compiled.ts';
import type { Position } from './position.ts';
import type { RunScope } from './run-facts.ts';
import type { StepRow } from './steps-table.ts';
import type { Walk } from './walk.ts';

/** What one `set` may put into vars, characters of JSON: it always stands in the row itself, never in a file. */
const MOST_SET = 64 * 1024;

/** `set`: gives vars new values; its output is what it set. It costs no commit of its own. */
export async function runSet(walk: Walk, at: Position<SetStep>): Promise<Json> {
  const { journal, deps } = walk.execution;
  const { vars, text } = evaluated(walk, at);
  journal.settle(at.strand.unit, at.step, at.path, text, deps.clock.now());
  Object.assign(at.scope.vars, vars);
  return vars;
}

/**
 * The vars of a run that is picked up: every `set` of its journal, in the order in which they were made, before
 * anything is walked. Branches that set the same name are seen as they were.
 */
export function recallVars(rows: Iterable<StepRow>, scope: RunScope): void {
  const set: StepRow[] = [];
  for (const row of rows) if (row.type === 'set' && row.status === 'completed') set.push(row);
  for (const row of set.sort((a, b) => a.ordinal - b.ordinal))
    Object.assign(scope.vars, JSON.parse(row.output ?? '{}'));
}

function evaluated(walk: Walk, at: Position<SetStep>): { vars: JsonObject; text: string } {
  try {
    const vars = at.step.vars.evaluate(at.scope) as JsonObject;
    const text = toJsonText(vars);
    if (text.length <= MOST_SET) return { vars, text };
    throw new TerminalError('unprocessable', 'set.too_large', `this sets ${text.length} characters of JSON`, {
      hint: 'At most 64 KiB at once. Vars are read often: keep in them what you need.',
    });
  } catch (error) {
    throw walk.failUnbegun(at, error);
  }
}
