import type { TrialReport } from '#workflows/trial/trials.ts';
import type { TrialAnswer } from '../contract/workbench.ts';

export function trialAnswer(report: TrialReport): TrialAnswer {
  const { workflow, passed, status, output, error } = report;
  return {
    ...{ workflow, passed, status, output, error },
    differences: report.differences.map((difference) => ({ ...difference })),
    took_ms: report.took,
    effects: report.effects.map(({ at, step, type, attempt, fields, failed }) => ({
      ...{ at_ms: at, step, type, attempt, fields: fields as Record<string, unknown> },
      ...(failed ? { failed } : {}),
    })),
    steps: report.steps.map(
      ({ path, id, type, status: state, attempts, output: given, error: wrong, startedAt, endedAt }) => ({
        ...{ path, id, type, status: state, attempts, output: given, error: wrong },
        started_ms: startedAt,
        ended_ms: endedAt,
      }),
    ),
    notes: [...report.notes],
  };
}
