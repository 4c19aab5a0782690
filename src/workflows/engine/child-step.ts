import { TerminalError } from '#core/errors.ts';
import { type Json, toJsonText } from '#core/json.ts';
import type { RunWorkflowStep } from '../definition/compiled.ts';
import type { ChildRun } from './child-runs.ts';
import { failureRecord, isShutdown, StepFailure, untilAborted } from './interrupt.ts';
import type { Position } from './position.ts';
import type { Walk } from './walk.ts';

/**
 * `run_workflow`: the child run is created by the very unit that holds this step's intent, so there is never
 * one without the other. Its output is `{run, status, output}`; a child that fails fails the step.
 */
export async function runChild(walk: Walk, at: Position<RunWorkflowStep>): Promise<Json> {
  const { execution } = walk;
  const { journal, deps } = execution;
  const startedAt = at.known?.started_at ?? deps.clock.now();
  const step = { id: at.step.id, type: at.step.type, path: at.path, attempt: 1, startedAt };
  const child = (at.known && deps.children.find(journal.run, at.path)) || prepare(walk, at);
  if (!at.known) journal.begin(at.strand.unit, at.step, at.path, 'running', startedAt);
  execution.activity.enterWait(at.strand.unit, false);
  let hasBegun = false;
  try {
    await execution.begin(at.strand).catch((error: unknown) => {
      if (!isShutdown(error)) child.abandon(at.strand.unit);
      throw error;
    });
    hasBegun = true;
    child.admit();
    const output = at.step.wait
      ? await outcome(walk, at, child)
      : { run: child.id, status: 'running', output: null };
    journal.complete(at.strand.unit, step, toJsonText(output), deps.clock.now());
    return output;
  } catch (error) {
    // What the disk refuses before it has begun is not the step's failure.
    if (at.strand.signal.aborted || !hasBegun) throw error;
    const record = failureRecord(error);
    journal.fail(at.strand.unit, step, record, deps.clock.now());
    throw new StepFailure(record, at.path);
  } finally {
    execution.activity.leaveWait(at.strand.unit, false);
  }
}

function prepare(walk: Walk, at: Position<RunWorkflowStep>): ChildRun {
  const { journal, deps } = walk.execution;
  try {
    const workflow = String(at.step.workflow.evaluate(at.scope));
    const input = at.step.input?.evaluate(at.scope) ?? {};
    return deps.children.prepare(journal.run, at.path, workflow, input, at.strand.unit);
  } catch (error) {
    throw walk.failUnbegun(at, error);
  }
}

async function outcome(walk: Walk, at: Position<RunWorkflowStep>, child: ChildRun): Promise<Json> {
  const { signal } = at.strand;
  try {
    const ended = await untilAborted(child.ended(), signal);
    if (ended.status === 'completed') return { run: child.id, status: ended.status, output: ended.output };
    const why = ended.error ? `: ${ended.error.message}` : '';
    throw new TerminalError('failed', 'run.child_failed', `the run it started ${ended.status}${why}`, {
      hint: `See \`chainbot runs show ${child.id}\`.`,
    });
  } catch (error) {
    if (signal.aborted && !isShutdown(signal.reason)) {
      walk.execution.deps.children.cancel(child.id, 'the run that started it gave up');
    }
    throw error;
  }
}
