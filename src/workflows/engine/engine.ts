import type { EventLogPort } from '#bus/port.ts';
import { type Clock, sleep } from '#core/clock.ts';
import type { Log } from '#core/log.ts';
import { type Part, type PartHealth, unwell, WELL } from '#core/part.ts';
import type { ReaderPort, WriterPort } from '#store/port.ts';
import { Unit } from '#store/unit.ts';
import type { WorkflowCatalog } from '../workflow-catalog.ts';
import { ApprovalBox } from './approval-box.ts';
import { Approvals } from './approvals.ts';
import { unheardApproval } from './approvals-table.ts';
import { Children } from './children.ts';
import { EventWaits } from './event-waits.ts';
import type { ExecutionDeps } from './execution.ts';
import { dropIdempotencyBefore } from './idempotency-table.ts';
import { Launcher } from './launcher.ts';
import { areRestful } from './resting-runs.ts';
import { lineName } from './roster.ts';
import { dropRunsBefore, lastRunKey, liveRuns, type RunRow } from './run-table.ts';
import { Runs } from './runs.ts';
import { SignalBox } from './signal-box.ts';
import { countSignals } from './signals-table.ts';
import type { RevealSecret } from './step-secrets.ts';
import { lostStep, openSubRun, stepsOfRun, type WakeRow, wakesOfRun } from './steps-table.ts';
import { Ticks } from './ticks.ts';
import type { LaunchLimits } from './turns.ts';

export interface EngineOptions {
  readonly store: { readonly reader: ReaderPort; readonly writer: WriterPort };
  readonly events: EventLogPort;
  /** Absent: steps are given `[secret name]` for every secret. */
  readonly secrets?: RevealSecret | undefined;
  readonly catalog: WorkflowCatalog;
  readonly clock: Clock;
  readonly log: Log;
  readonly limits: LaunchLimits & {
    /** Ended runs are kept this long. */
    readonly keepRunsMs: number;
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
const RUNS_PER_SWEEP = 200;
const PAGE = 200;

/** The run engine as a part: recovers the live runs at a start, keeps house, and stops in order. */
export class Engine implements Part {
  readonly name = 'engine';
  readonly runs: Runs;
  readonly approvals: Approvals;
  readonly launcher: Launcher;
  readonly #options: EngineOptions;
  readonly #ticks: Ticks;
  readonly #children: Children;
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
    const children = new Children(store.reader, catalog, this.launcher);
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
    };
    this.runs = new Runs(store, catalog, this.launcher, signals);
    this.approvals = new Approvals(store, this.launcher, approvals, clock);
  }

  /** The clock that relative waits and triggers go by. */
  get ticks(): Pick<Ticks, 'now'> {
    return this.#ticks;
  }

  async start(signal: AbortSignal): Promise<void> {
    this.#stopping = new AbortController();
    this.#ticks.open();
    this.launcher.open(this.#options.store.reader.get(lastRunKey, {})?.key ?? 0);
    if (!this.#ticks.isKept()) await this.#keepTicks();
    try {
      await this.#recover(signal);
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

  async #recover(signal: AbortSignal): Promise<void> {
    const { reader } = this.#options.store;
    const rows: RunRow[] = [];
    for (let after = 0; ; ) {
      const page = reader.all(liveRuns, { after, limit: PAGE });
      rows.push(...page);
      if (page.length < PAGE) break;
      after = page.at(-1)?.key as number;
    }
    // The queued ones in their order, then children before parents: a parent that is picked up looks for its child.
    const queued = rows.filter((row) => row.status === 'queued');
    const begun = rows.filter((row) => row.status !== 'queued').toReversed();
    for (const row of [...queued, ...begun]) {
      signal.throwIfAborted();
      await this.#recoverOne(row);
    }
    this.recovered = rows.length;
    for (const row of rows) this.#advance(row);
    for (const row of rows) this.#cancelIfLost(row);
    if (rows.length > 0) this.#options.log.info({ runs: rows.length }, 'picked up the runs that were live');
  }

  /** A run whose starter gave up: that is on disk before the end of this one is, so it may have lived on. */
  #cancelIfLost({ id, parent_run, parent_path }: RunRow): void {
    if (parent_run === null || parent_path === null) return;
    const lost = this.#options.store.reader.get(lostStep, { run: parent_run, path: parent_path });
    if (lost) this.#children.cancel(id, 'the run that started it gave up');
  }

  async #recoverOne(row: RunRow): Promise<void> {
    const { reader } = this.#options.store;
    const wakes = reader.all(wakesOfRun, { run: row.key });
    try {
      this.#options.catalog.byKey(row.version_key);
      if (this.#mayRest(row, wakes)) {
        this.launcher.keepResting(row, wakes);
        return;
      }
      const steps = reader.all(stepsOfRun, { run: row.key });
      this.launcher.pickUp(row, steps, wakes, new Unit());
    } catch (error) {
      this.#options.log.error({ err: error, run: row.id }, 'a run can no longer be run');
      await this.launcher
        .giveUp(row, error)
        .catch((full: unknown) =>
          this.#options.log.warn({ err: full, run: row.id }, 'nor can it be ended now'),
        );
    }
  }

  /** Does the run only wait, and has nothing come for it? A signal may have been written as the daemon ended. */
  #mayRest(row: RunRow, wakes: readonly WakeRow[]): boolean {
    const { reader } = this.#options.store;
    if (row.status !== 'waiting' || !areRestful(wakes)) return false;
    if (reader.get(openSubRun, { run: row.key })) return false;
    if (reader.get(unheardApproval, { run: row.key })) return false;
    return Number(reader.get(countSignals, { run: row.key })?.count ?? 0) === 0;
  }

  #advance(row: RunRow): void {
    if (row.status !== 'queued') return;
    try {
      this.launcher.advance(
        lineName(row.workflow, row.line),
        this.#options.catalog.byKey(row.version_key).compiled.concurrency,
      );
    } catch {
      // its definition can't be read; the run has been given up above
    }
  }

  /** Once a minute: the ticks, and what is too old of idempotency keys and ended runs. */
  async #keepHouse(signal: AbortSignal): Promise<void> {
    const { clock, log, limits, store } = this.#options;
    while (!signal.aborted) {
      await sleep(clock, limits.housekeepingMs ?? HOUSEKEEPING_MS, signal).catch(() => undefined);
      if (signal.aborted) return;
      const now = clock.now();
      const unit = this.#ticks
        .save(new Unit())
        .add(dropIdempotencyBefore, { time: now - IDEMPOTENCY_MS })
        // Not before their keys: a key whose run is gone could not be used again.
        .add(dropRunsBefore, {
          time: now - Math.max(limits.keepRunsMs, IDEMPOTENCY_MS),
          limit: RUNS_PER_SWEEP,
        });
      await store.writer
        .commit(unit)
        .catch((error: unknown) => log.warn({ err: error }, 'housekeeping was not written'));
    }
  }
}
