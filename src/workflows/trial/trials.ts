import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EventLog } from '#bus/event-log.ts';
import type { EventLogPort } from '#bus/port.ts';
import { SYSTEM } from '#core/actor.ts';
import type { Clock } from '#core/clock.ts';
import type { ErrorRecord } from '#core/errors.ts';
import { RetryableError } from '#core/errors.ts';
import type { Json } from '#core/json.ts';
import { type Log, silentLog } from '#core/log.ts';
import type { ReaderPort, WriterPort } from '#store/port.ts';
import { Store } from '#store/store.ts';
import { parseDefinition } from '../definition/parse-definition.ts';
import type { StepTypes } from '../definition/step-types.ts';
import type { Engine } from '../engine/engine.ts';
import type { RunDetail, StepRecord, WorkflowsPort } from '../runs-port.ts';
import { WorkflowCatalog } from '../workflow-catalog.ts';
import { storeCompanions } from './companions.ts';
import { type Difference, differences } from './differences.ts';
import { Drive } from './drive.ts';
import { JumpingClock } from './jumping-clock.ts';
import { Recorder } from './recorder.ts';
import type { Effect, TrialCase } from './trial-case.ts';

/** What came of a trial. Times are milliseconds since the run began, on the clock that jumps. */
export interface TrialReport {
  readonly workflow: string;
  /** As the case expects it; null when it expects nothing. */
  readonly passed: boolean | null;
  readonly differences: readonly Difference[];
  readonly status: RunDetail['status'];
  readonly output: Json;
  readonly error: ErrorRecord | null;
  readonly took: number;
  readonly effects: readonly Effect[];
  readonly steps: readonly (Omit<StepRecord, 'startedAt' | 'endedAt'> & {
    readonly startedAt: number;
    readonly endedAt: number | null;
  })[];
  /** What a person should know: why it ended before its end. */
  readonly notes: readonly string[];
}

/** The parts that an engine of a trial stands on. */
export interface TrialParts {
  readonly store: { readonly reader: ReaderPort; readonly writer: WriterPort };
  readonly events: EventLogPort;
  readonly catalog: WorkflowCatalog;
  readonly clock: Clock;
}

export interface TrialsOptions {
  readonly stepTypes: StepTypes;
  /** Stored workflows, for run_workflow. */
  readonly workflows: Pick<WorkflowsPort, 'list' | 'get'>;
  /** An engine like the daemon's own. */
  readonly engine: (parts: TrialParts) => Engine;
  readonly clock: Clock;
  readonly log: Log;
  /** Real time that a trial may take, milliseconds. */
  readonly mostMs?: number | undefined;
}

const MOST_MS = 20_000;
const MOST_WAITING = 4;
const never = new AbortController().signal;

/**
 * Runs definitions on trial: the real engine on a store of its own in a temporary folder, a clock that jumps
 * over every wait, and step types that record what they would do. Nothing of it reaches the world or the
 * daemon's database. One trial at a time; a few wait.
 */
export class Trials {
  readonly #options: TrialsOptions;
  #waiting = 0;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: TrialsOptions) {
    this.#options = options;
  }

  /**
   * @throws TerminalError `workflow.invalid`, `run.input_invalid`
   * @throws RetryableError `trial.busy`
   */
  run(source: string, type: 'yaml' | 'json', trial: TrialCase): Promise<TrialReport> {
    if (this.#waiting >= MOST_WAITING) {
      throw new RetryableError('trial.busy', `${this.#waiting} trials are under way or wait`, {
        hint: 'Try again in a few seconds.',
        retryAfterMs: 3000,
      });
    }
    // Before anything is opened: most calls end here while somebody writes.
    parseDefinition(source, type, this.#options.stepTypes);
    this.#waiting++;
    const mine = this.#turn.then(() => this.#inFolder(source, type, trial)).finally(() => this.#waiting--);
    this.#turn = mine.catch(() => undefined);
    return mine;
  }

  async #inFolder(source: string, type: 'yaml' | 'json', trial: TrialCase): Promise<TrialReport> {
    const folder = await mkdtemp(join(tmpdir(), 'chainbot-trial-'));
    const store = new Store({
      file: join(folder, 'chainbot.db'),
      telemetryFile: join(folder, 'telemetry.db'),
      log: silentLog,
      quickCheck: false,
      telemetry: { flushMs: 3_600_000, retentionMs: 86_400_000 },
    });
    try {
      await store.start(never);
      return await this.#onStore(store, source, type, trial);
    } finally {
      await store.stop();
      await rm(folder, { recursive: true, force: true }).catch((error: unknown) =>
        this.#options.log.warn({ err: error, folder }, 'the folder of a trial was not removed'),
      );
    }
  }

  async #onStore(
    store: Store,
    source: string,
    type: 'yaml' | 'json',
    trial: TrialCase,
  ): Promise<TrialReport> {
    const clock = new JumpingClock(trial.at === undefined ? this.#options.clock.now() : Date.parse(trial.at));
    const events = new EventLog(store, '/chainbot/trial');
    events.open();
    const begin = clock.now();
    let main = '';
    const recorder = new Recorder(
      this.#options.stepTypes,
      trial.given,
      () => begin,
      (run) => otherThan(main, engine.runs.workflowOf(run)),
    );
    const stores = { reader: store.reader, writer: store };
    const catalog = new WorkflowCatalog({ store: stores, stepTypes: recorder.types, clock });
    catalog.open();
    const { name } = await catalog.save(source, type, SYSTEM);
    main = name;
    await storeCompanions(catalog, name, trial.given.workflows, this.#options.workflows);
    const engine = this.#options.engine({ store: stores, events, catalog, clock });
    await engine.start(never);
    const drive = new Drive({
      store,
      engine,
      catalog,
      clock,
      recorder,
      mostMs: this.#options.mostMs ?? MOST_MS,
    });
    try {
      const started = await engine.runs.start({
        workflow: name,
        input: trial.input as Json | undefined,
        trigger: (trial.trigger as { type: string } | undefined) ?? { type: 'manual' },
        actor: SYSTEM,
      });
      const notes = await drive.toEnd(started.id, trial.given);
      return report(engine.runs.get(started.id), recorder.effects, trial, notes, begin, clock.now());
    } finally {
      const stopping = engine.stop();
      await drive.until(stopping);
    }
  }
}

/** Steps of runs that were started are named by their workflow, those of the one on trial are not. */
function otherThan(main: string, workflow: string | undefined): string | undefined {
  return workflow === main ? undefined : workflow;
}

function report(
  run: RunDetail,
  effects: readonly Effect[],
  trial: TrialCase,
  notes: readonly string[],
  begin: number,
  now: number,
): TrialReport {
  const { workflow, status, output, error } = run;
  const found = trial.expect
    ? differences(trial.expect, { status, output, error: error as never, effects })
    : [];
  return {
    workflow,
    passed: trial.expect === undefined ? null : found.length === 0,
    differences: found,
    status,
    output,
    error,
    took: (run.endedAt ?? now) - begin,
    effects: [...effects],
    steps: run.steps.map((step) => ({
      ...step,
      startedAt: step.startedAt - begin,
      endedAt: step.endedAt === null ? null : step.endedAt - begin,
    })),
    notes,
  };
}
