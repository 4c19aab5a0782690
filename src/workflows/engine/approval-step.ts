import { eventRow } from '#bus/event-row.ts';
import { formatDuration } from '#core/duration.ts';
import { TerminalError } from '#core/errors.ts';
import { newId } from '#core/ids.ts';
import { type Json, toJsonText } from '#core/json.ts';
import { Unit } from '#store/unit.ts';
import type { ApprovalStep } from '../definition/compiled.ts';
import { type ApprovalRow, decideApproval, insertApproval } from './approvals-table.ts';
import type { Execution } from './execution.ts';
import { failureRecord, StepFailure } from './interrupt.ts';
import { persist } from './persist.ts';
import type { Position } from './position.ts';
import type { Walk } from './walk.ts';

const LONGEST_TITLE = 200;
const LONGEST_BODY = 4000;

/**
 * `approval`: asks a person and waits. The question and the step's row are one unit; the answer is a row, written
 * by whoever is first: a person or the deadline. Output: `{approved, by, comment, at, expired}`.
 */
export async function runApproval(walk: Walk, at: Position<ApprovalStep>): Promise<Json> {
  const { execution } = walk;
  const { journal, deps } = execution;
  const startedAt = at.known?.started_at ?? deps.clock.now();
  const step = { id: at.step.id, type: at.step.type, path: at.path, attempt: 1, startedAt };
  if (!at.known) ask(walk, at, startedAt);
  execution.activity.enterWait(at.strand.unit, true);
  let output: Json;
  try {
    await execution.begin(at.strand);
    execution.settle();
    output = outputOf(at, await answer(execution, at));
  } catch (error) {
    if (at.strand.signal.aborted) throw error;
    const record = failureRecord(error);
    journal.fail(at.strand.unit, step, record, deps.clock.now());
    throw new StepFailure(record, at.path);
  } finally {
    execution.activity.leaveWait(at.strand.unit, true);
  }
  journal.wokenUp(at.strand.unit, at.path);
  journal.complete(at.strand.unit, step, toJsonText(output), deps.clock.now());
  return output;
}

/** Puts the question into the unit, with the step's row. */
function ask(walk: Walk, at: Position<ApprovalStep>, now: number): void {
  const { journal, deps } = walk.execution;
  const { unit } = at.strand;
  const { title, body, deadlineMs } = evaluated(walk, at);
  const id = newId();
  const { id: run, workflow, version, key } = journal.run;
  const { roles, fallback = null } = at.step;
  const deadline_at = deadlineMs === undefined ? null : now + deadlineMs;
  journal.begin(unit, at.step, at.path, 'waiting', now);
  journal.wakeUp(unit, at.path, {
    kind: 'approval',
    due_tick: deadlineMs === undefined ? null : deps.ticks.now() + deadlineMs,
    ...{ due_at: null, match: id, after_seq: null, deadline_at: at.strand.deadlineAt },
  });
  const row = { id, run: key, path: at.path, title, body, deadline_at, fallback, created_at: now };
  unit.add(insertApproval, { ...row, roles: roles && JSON.stringify(roles) });
  const step = { id: at.step.id, type: at.step.type, path: at.path, attempt: 1, startedAt: now };
  const limit = deadlineMs === undefined ? '' : `, at most ${formatDuration(deadlineMs)}`;
  journal.waiting(unit, step, `for an approval${limit}`);
  const data = {
    ...{ id, run, workflow, version, path: at.path, title, body, roles: roles && [...roles] },
    deadline: deadline_at === null ? null : new Date(deadline_at).toISOString(),
  };
  unit.event(eventRow('chainbot.approval.requested', `approval/${id}`, `run:${run}`, data, now));
}

function evaluated(
  walk: Walk,
  at: Position<ApprovalStep>,
): { title: string; body: string; deadlineMs: number | undefined } {
  const { step, scope } = at;
  try {
    const title = shortText(step.title.evaluate(scope), 'title', LONGEST_TITLE);
    const body = step.body ? shortText(step.body.evaluate(scope), 'body', LONGEST_BODY) : '';
    const deadlineMs = step.deadline && Math.round(step.deadline.evaluate(scope));
    return { title, body, deadlineMs };
  } catch (error) {
    throw walk.failUnbegun(at, error);
  }
}

function shortText(value: Json, field: string, most: number): string {
  const text = typeof value === 'string' ? value : toJsonText(value);
  if (text.length <= most) return text;
  throw new TerminalError(
    'unprocessable',
    'approval.too_long',
    `the ${field} has ${text.length} characters; ${most} at most`,
  );
}

/** Waits for the answer; when the deadline comes first, that is the answer. */
async function answer(execution: Execution, at: Position<ApprovalStep>): Promise<ApprovalRow> {
  const { deps, journal } = execution;
  const { signal } = at.strand;
  const { key } = journal.run;
  const never = new Promise<void>(() => undefined);
  let dueTick: number | null | undefined;
  for (;;) {
    signal.throwIfAborted();
    const row = deps.approvals.read(key, at.path);
    if (!row) throw new TerminalError('failed', 'approval.gone', 'the question of this step is gone');
    if (row.status !== 'open') return row;
    dueTick ??= dueTickOf(execution, at, row);
    if (dueTick !== null && deps.ticks.now() >= dueTick) await expire(execution, at, row);
    else {
      const due = dueTick;
      const late = (own: AbortSignal): Promise<void> => (due === null ? never : deps.ticks.until(due, own));
      await deps.approvals.untilTold(key, at.path, late, signal);
    }
  }
}

/** A fresh question counts from now, one from before a restart by its wake. */
function dueTickOf(execution: Execution, at: Position<ApprovalStep>, row: ApprovalRow): number | null {
  const wake = execution.journal.wake(at.path);
  if (wake) return wake.due_tick;
  if (row.deadline_at === null) return null;
  return execution.deps.ticks.now() + Math.max(0, row.deadline_at - row.created_at);
}

/** Writes that nobody answered; refused when somebody did just now. */
async function expire(execution: Execution, at: Position<ApprovalStep>, row: ApprovalRow): Promise<void> {
  const { deps, journal } = execution;
  const now = deps.clock.now();
  const { id: run, workflow } = journal.run;
  const data = { id: row.id, run, workflow, path: at.path, default: at.step.fallback ?? null };
  const unit = new Unit()
    .add(decideApproval, { id: row.id, status: 'expired', actor: null, comment: null, decided_at: now }, 1)
    .event(eventRow('chainbot.approval.expired', `approval/${row.id}`, `run:${run}`, data, now));
  try {
    await persist(unit, deps, at.strand.signal);
  } catch (error) {
    if (!(error instanceof TerminalError && error.code === 'store.guard')) throw error;
  }
}

function outputOf({ step }: Position<ApprovalStep>, row: ApprovalRow): Json {
  const at = new Date(row.decided_at ?? row.created_at).toISOString();
  if (row.status === 'expired') {
    if (step.fallback)
      return { approved: step.fallback === 'approve', by: null, comment: null, at, expired: true };
    throw new TerminalError('failed', 'approval.expired', `nobody answered "${row.title}" in time`, {
      hint: 'Raise `deadline`, say `default: reject`, or handle it with on_error.',
    });
  }
  return {
    approved: row.status === 'approved',
    by: row.actor,
    comment: row.comment,
    at,
    expired: false,
  };
}
