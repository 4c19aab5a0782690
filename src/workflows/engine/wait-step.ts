import { sleep } from '#core/clock.ts';
import { formatDuration } from '#core/duration.ts';
import { TerminalError } from '#core/errors.ts';
import { type Json, toJsonText } from '#core/json.ts';
import type { WaitStep } from '../definition/compiled.ts';
import { readInstant } from '../expressions/instant.ts';
import type { Execution } from './execution.ts';
import { failureRecord, StepFailure } from './interrupt.ts';
import type { Position } from './position.ts';
import type { WakeRow } from './steps-table.ts';
import type { Walk } from './walk.ts';

type Wake = Omit<WakeRow, 'run' | 'path'>;

/** The wall clock may jump: a wait for a time looks at it at least this often. */
const LOOK_AGAIN_MS = 60_000;

/** `wait`: for a duration, until a time, for a signal or an event; its wake row is on disk before it waits. */
export async function runWait(walk: Walk, at: Position<WaitStep>): Promise<Json> {
  const { execution } = walk;
  const { journal, deps } = execution;
  const startedAt = at.known?.started_at ?? deps.clock.now();
  const step = { id: at.step.id, type: at.step.type, path: at.path, attempt: 1, startedAt };
  let wake = journal.wake(at.path) as Wake | undefined;
  if (!at.known || !wake) {
    wake = wakeOrFail(walk, at);
    if (!at.known) journal.begin(at.strand.unit, at.step, at.path, 'waiting', startedAt);
    journal.wakeUp(at.strand.unit, at.path, wake);
    journal.waiting(at.strand.unit, step, describe(wake, deps.ticks.now()));
  }
  const restful = wake.kind !== 'event';
  execution.activity.enterWait(at.strand.unit, restful);
  let output: Json;
  let hasBegun = false;
  try {
    await execution.begin(at.strand);
    hasBegun = true;
    execution.settle();
    output = await come(execution, at, wake);
  } catch (error) {
    // What the disk refuses before it has begun is not the step's failure.
    if (at.strand.signal.aborted || !hasBegun) throw error;
    const record = failureRecord(error);
    journal.fail(at.strand.unit, step, record, deps.clock.now());
    throw new StepFailure(record, at.path);
  } finally {
    execution.activity.leaveWait(at.strand.unit, restful);
  }
  journal.wokenUp(at.strand.unit, at.path);
  journal.complete(at.strand.unit, step, toJsonText(output), deps.clock.now());
  return output;
}

function wakeOrFail(walk: Walk, at: Position<WaitStep>): Wake {
  try {
    return wakeOf(walk.execution, at);
  } catch (error) {
    throw walk.failUnbegun(at, error);
  }
}

function wakeOf(execution: Execution, at: Position<WaitStep>): Wake {
  const { on } = at.step;
  const none = {
    due_tick: null,
    due_at: null,
    match: null,
    after_seq: null,
    deadline_at: at.strand.deadlineAt,
  };
  switch (on.for) {
    case 'duration':
      return {
        ...none,
        kind: 'timer',
        due_tick: execution.deps.ticks.now() + Math.round(on.duration.evaluate(at.scope)),
      };
    case 'time':
      return { ...none, kind: 'until', due_at: readInstant(on.until.evaluate(at.scope)) };
    case 'signal':
      return { ...none, kind: 'signal', match: signalName(on.signal.evaluate(at.scope)) };
    case 'event':
      return { ...none, kind: 'event', match: on.event, after_seq: execution.deps.events.head() };
  }
}

/** Waits; resolves with the step's output. A consumed signal is removed by the unit that completes the step. */
async function come(execution: Execution, at: Position<WaitStep>, wake: Wake): Promise<Json> {
  const { deps, journal } = execution;
  const { signal } = at.strand;
  if (wake.kind === 'timer') {
    await deps.ticks.until(wake.due_tick ?? 0, signal);
    return null;
  }
  if (wake.kind === 'until') {
    for (let left = 1; left > 0; ) {
      left = (wake.due_at ?? 0) - deps.clock.now();
      if (left > 0) await sleep(deps.clock, Math.min(left, LOOK_AGAIN_MS), signal);
    }
    return null;
  }
  if (wake.kind === 'signal')
    return deps.signals.take(journal.run.key, wake.match ?? '', at.strand.unit, signal);
  const where = at.step.on.for === 'event' ? at.step.on.where : undefined;
  return deps.events.next(
    { type: wake.match ?? '', afterSeq: wake.after_seq ?? 0, where, scope: at.scope },
    signal,
  );
}

function signalName(value: Json): string {
  if (typeof value === 'string' && value !== '' && value.length <= 200) return value;
  throw new TerminalError(
    'unprocessable',
    'wait.signal_invalid',
    `a signal's name is a text, not ${toJsonText(value)}`,
  );
}

function describe(wake: Wake, tick: number): string {
  if (wake.kind === 'timer') return `for ${formatDuration((wake.due_tick ?? 0) - tick)}`;
  if (wake.kind === 'until') return `until ${new Date(wake.due_at ?? 0).toISOString()}`;
  return `for ${wake.kind} ${wake.match}`;
}
