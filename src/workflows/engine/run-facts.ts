import type { Clock } from '#core/clock.ts';
import type { ErrorRecord } from '#core/errors.ts';
import type { Json, JsonObject } from '#core/json.ts';
import type { Log } from '#core/log.ts';
import type { WriterPort } from '#store/port.ts';
import type { CompiledDefinition } from '../definition/compiled.ts';
import type { Scope, StepView } from '../expressions/scope.ts';
import type { ApprovalBox } from './approval-box.ts';
import type { ChildRuns } from './child-runs.ts';
import type { EventWaits } from './event-waits.ts';
import type { RunIdentity } from './journal.ts';
import type { OutputFiles } from './output-files.ts';
import type { SignalBox } from './signal-box.ts';
import type { RevealSecret } from './step-secrets.ts';
import type { Ticks } from './ticks.ts';

/** What every run's execution is given. */
export interface ExecutionDeps {
  readonly writer: WriterPort;
  readonly clock: Clock;
  readonly ticks: Ticks;
  readonly log: Log;
  readonly signals: SignalBox;
  readonly events: EventWaits;
  readonly children: ChildRuns;
  readonly approvals: ApprovalBox;
  /** Absent: steps are given `[secret name]` for every secret. */
  readonly secrets?: RevealSecret | undefined;
  /** How long one attempt of a step may take when the step does not say, milliseconds. */
  readonly stepTimeoutMs: number;
  /** Where large outputs go; absent: they stay in the journal. */
  readonly outputs?: OutputFiles | undefined;
  /** A step's output at most, bytes of JSON text; absent: {@link MOST_OUTPUT}. */
  readonly maxOutputBytes?: number | undefined;
}

export interface RunFacts {
  readonly definition: CompiledDefinition;
  readonly input: Json;
  readonly trigger: JsonObject;
  readonly actor: string;
  readonly startedAt: number;
}

export interface Ended {
  readonly status: 'completed' | 'failed' | 'cancelled';
  readonly output: Json;
  readonly error: ErrorRecord | null;
}

/** The scope of a run while it grows: steps are added as they end. */
export interface RunScope extends Scope {
  vars: JsonObject;
  steps: Record<string, StepView>;
}

/** What expressions see before the first step. */
export function startScope({ id, workflow, version }: RunIdentity, facts: RunFacts): RunScope {
  const startedAt = new Date(facts.startedAt).toISOString();
  return {
    input: facts.input,
    trigger: facts.trigger,
    vars: {},
    run: { id, workflow, version, started_at: startedAt, actor: facts.actor },
    steps: Object.create(null) as Record<string, StepView>,
  };
}
