import type { StepLine } from '#workflows/history-port.ts';
import type { RunDetail, RunSummary, StepRecord } from '#workflows/runs-port.ts';
import type { RunAnswer, RunSummaryAnswer, StepAnswer } from '../contract/run.ts';
import { rfc3339, rfc3339OrNull } from './rfc3339.ts';

export function runSummaryAnswer(run: RunSummary): RunSummaryAnswer {
  return {
    id: run.id,
    workflow: run.workflow,
    version: run.version,
    status: run.status,
    actor: run.actor,
    trigger: run.trigger,
    priority: run.priority,
    start_at: rfc3339OrNull(run.startAt),
    forked_from: run.forkedFrom,
    created_at: rfc3339(run.createdAt),
    started_at: rfc3339OrNull(run.startedAt),
    ended_at: rfc3339OrNull(run.endedAt),
    error: run.error,
  };
}

/** `logs`: the lines of its steps by their paths; absent: they were not asked for. */
export function runAnswer(run: RunDetail, logs?: StepLines): RunAnswer {
  return {
    ...runSummaryAnswer(run),
    input: run.input,
    output: run.output,
    verbs: [...run.verbs],
    steps: run.steps.map((step) => stepAnswer(step, logs)),
  };
}

type StepLines = ReadonlyMap<string, readonly StepLine[]>;

function stepAnswer(step: StepRecord, logs: StepLines | undefined): StepAnswer {
  return {
    path: step.path,
    id: step.id,
    type: step.type,
    status: step.status,
    attempts: step.attempts,
    output: step.output,
    error: step.error,
    history: step.history.map(({ attempt, at, error }) => ({ attempt, at: rfc3339(at), error })),
    started_at: rfc3339(step.startedAt),
    ended_at: rfc3339OrNull(step.endedAt),
    ...(logs && { logs: linesAnswer(logs.get(step.path) ?? []) }),
  };
}

function linesAnswer(lines: readonly StepLine[]): NonNullable<StepAnswer['logs']> {
  return lines.map(({ at, fields, ...line }) => ({ at: rfc3339(at), ...line, ...(fields && { fields }) }));
}
