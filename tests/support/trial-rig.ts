import { systemClock } from '#core/clock.ts';
import { silentLog } from '#core/log.ts';
import { parseDefinition } from '#workflows/definition/parse-definition.ts';
import { Engine } from '#workflows/engine/engine.ts';
import type { WorkflowDetail } from '#workflows/runs-port.ts';
import { Trials, type TrialsOptions } from '#workflows/trial/trials.ts';
import { staticStepTypes } from '../../src/static-check.ts';

export interface TrialRig {
  readonly trials: Trials;
  readonly options: TrialsOptions;
  /** Workflows that run_workflow finds, as YAML by name. */
  readonly stored: Map<string, string>;
}

/** Trials with the engine and the step types of the daemon, and no daemon. */
export function trialRig(): TrialRig {
  const stepTypes = staticStepTypes();
  const stored = new Map<string, string>();
  const detail = (name: string): WorkflowDetail => {
    const source = stored.get(name) as string;
    const { definition } = parseDefinition(source, 'yaml', stepTypes);
    return { definition, source, sourceType: 'yaml', name } as WorkflowDetail;
  };
  const limits = {
    maxLive: 50,
    maxQueued: 50,
    maxWaiting: 50,
    restAfterMs: 1e12,
    keepRunsMs: 1e12,
    stepTimeoutMs: 60_000,
    graceMs: 100,
    housekeepingMs: 1e12,
  };
  const options: TrialsOptions = {
    stepTypes,
    workflows: { list: () => [...stored.keys()].map(detail), get: detail },
    engine: (parts) => new Engine({ ...parts, log: silentLog, limits }),
    clock: systemClock,
    log: silentLog,
  };
  return { trials: new Trials(options), options, stored };
}
