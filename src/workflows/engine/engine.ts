import type { EventLogPort } from '#bus/port.ts';
import { type Clock, sleep } from '#core/clock.ts';
import type { Log } from '#core/log.ts';
import { type Part, type PartHealth, unwell, WELL } from '#core/part.ts';
import type { ReaderPort, WriterPort } from '#store/port.ts';
import { Unit } from '#store/unit.ts';
import type { WorkflowCatalog } from '../workflow-catalog.ts';
import { ApprovalBox } from './approval-box.ts';
import { Approvals } from './approvals.ts';
import { Children } from './children.ts';
import { EventWaits } from './event-waits.ts';
import { dropIdempotencyBefore } from './idempotency-table.ts';
import { Launcher } from './launcher.ts';
import type { OutputFiles } from './output-files.ts';
import { Recovery } from './recovery.ts';
import type { ExecutionDeps } from './run-facts.ts';
import { type RetentionLimits, RunRetention } from './run-retention.ts';
import { lastRunKey } from './run-table.ts';
import { Runs } from './runs.ts';
import { SignalBox } from './signal-box.ts';
import type { RevealSecret } from './step-secrets.ts';
import { Ticks } from './ticks.ts';
import type { LaunchLimits } from './turns.ts';

export interface EngineOptions {
  readonly store: { readonly reader: ReaderPort; readonly writer: WriterPort };
  readonly events: EventLogPort;
  /** Absent: steps are given `[secret name]` for every secret. */
  readonly secrets?: RevealSecret | undefined;
  /** Where large outputs go; absent: they stay in the journal. */
  readonly outputs?: OutputFiles | undefined;
  readonly catalog: WorkflowCatalog;
  readonly clock: Clock;
  readonly log: Log;
  readonly limits: LaunchLimits &
    RetentionLimits & {
      /** A step's output at most, bytes of JSON text; 16 MiB when absent. */
      readonly maxOutputBytes?: number | undefined;
      /** One attempt of a step that does not say. */
      readonly stepTimeoutMs: number;
      /** Steps under way at a stop get this long. */
      readonly graceMs: number;
      /** How often it keeps house; a minute when absent. */
      readonly housekeepingMs?: number | undefined;
    };
}

const IDEMPOTENCY_MS = 24 * 3_600_000;
const HOUSEKEEPING_MS = 60_000;
/** Of old runs, each time it keeps house. */
const MOST_SWEEPS = 10;

/** The run engine as a part: recovers the live runs at a start, keeps house, and stops in order. */
export class Engine implements Part {
  readonly name = 'engine';
  readonly runs: Runs;
  readonly approvals: Approvals;
  readonly launcher: Launcher;
  readonly #options: EngineOptions;
  readonly #ticks: Ticks;
  readonly #children: Children;
  readonly #retention: RunRetention;
  #stopping = new AbortController();
  #housekeeping: Promise<void> = Promise.resolve();
  /** Live runs found at the start. */
  recovered = 0;

  constructor(options: EngineOptions) {
    const { store, catalog, clock, log, limits } = options;
    this.#options = options;
    this.#ticks = new Ticks(clock, store);
    const signals = new SignalBox(store.reader);
    this.launcher = new Launcher({
      catalog,
      limits,
      reader: store.reader,
      clock,
      ticks: this.#ticks,
      deps: () => deps,
    });
    const children = new Children(store.reader, catalog, this.launcher, options.outputs);
    this.#children = children;
    const approvals = new ApprovalBox(store.reader);
    const events = new EventWaits(options.events);
    const deps: ExecutionDeps = {
      writer: store.writer,
      clock,
      ticks: this.#ticks,
      log,
      signals,
      events,
      children,
      approvals,
      secrets: options.secrets,
      stepTimeoutMs: limits.stepTimeoutMs,
      outputs: options.outputs,
      maxOutputBytes: limits.maxOutputBytes,
    };
    this.#retention = new RunRetention(store.reader, limits, (name) => catalog.retentionOf(name));
    this.runs = new Runs(store, catalog, this.launcher, signals);
    this.approvals = new Approvals(store, this.launcher, approvals, clock);
  }

  /** The clock that relative waits and triggers go by. */
  get ticks(): Pick<Ticks, 'now'> {
    return this.#ticks;
  }

  async start(signal: AbortSignal): Promise<void> {
    const { store, catalog, log } = this.#options;
    this.#stopping = new AbortController();
    this.#ticks.open();
    this.launcher.open(store.reader.get(lastRunKey, {})?.key ?? 0);
    if (!this.#ticks.isKept()) await this.#keepTicks();
    try {
      this.recovered = await new Recovery({
        ...{ reader: store.reader, catalog, log },
        ...{ launcher: this.launcher, children: this.#children },
      }).run(signal);
    } catch (error) {
      await this.launcher.stop(0); // a further start begins anew
      throw error;
    }
    this.#housekeeping = this.#keepHouse(this.#stopping.signal);
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#housekeeping;
    await this.launcher.stop(this.#options.limits.graceMs);
    await this.#keepTicks();
  }

  async #keepTicks(): Promise<void> {
    await this.#ticks
      .persist()
      .catch((error: unknown) => this.#options.log.warn({ err: error }, 'ticks were not kept'));
  }

  health(): PartHealth {
    const size = this.launcher.roster.size - this.launcher.resting.size;
    const { maxLive } = this.#options.limits;
    if (size < maxLive * 0.9) return WELL;
    return unwell(
      0.5,
      `${size} of ${maxLive} runs are live`,
      'See `chainbot runs list --status waiting`: cancel what nobody needs, or raise engine.max_active_runs.',
    );
  }

  /** Once a minute: the ticks, and what is too old of idempotency keys and ended runs. */
  async #keepHouse(signal: AbortSignal): Promise<void> {
    const { clock, log, limits, store } = this.#options;
    while (!signal.aborted) {
      await sleep(clock, limits.housekeepingMs ?? HOUSEKEEPING_MS, signal).catch(() => undefined);
      if (signal.aborted) return;
      const now = clock.now();
      const unit = this.#ticks.save(new Unit()).add(dropIdempotencyBefore, { time: now - IDEMPOTENCY_MS });
      await store.writer
        .commit(unit)
        .catch((error: unknown) => log.warn({ err: error }, 'housekeeping was not written'));
      await this.#letGo(signal).catch((error: unknown) =>
        log.warn({ err: error }, 'old runs and outputs were not removed'),
      );
    }
  }

  /** Old runs, some at a time, and output files that nobody refers to any more. */
  async #letGo(signal: AbortSignal): Promise<void> {
    const { clock, outputs, store } = this.#options;
    for (let sweeps = 0; sweeps < MOST_SWEEPS && !signal.aborted; sweeps++) {
      const { unit, more } = this.#retention.sweep(clock.now());
      if (unit) await store.writer.commit(unit);
      if (!more) break;
    }
    await outputs?.sweep(clock.now());
  }
}
