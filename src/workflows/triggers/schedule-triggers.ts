import { Cron } from 'croner';
import { sleep } from '#core/clock.ts';
import { errorRecord, RetryableError } from '#core/errors.ts';
import { type Part, type PartHealth, WELL } from '#core/part.ts';
import { statement } from '#store/statement.ts';
import type { Unit } from '#store/unit.ts';
import type { WorkflowCatalog } from '../workflow-catalog.ts';
import { type FireDeps, fire } from './fire.ts';
import { type ActiveTrigger, activeTriggers } from './trigger-index.ts';

type ScheduleTrigger = ActiveTrigger<Extract<ActiveTrigger['definition'], { type: 'schedule' }>>;

const putFired = statement(
  (db, p: { workflow: string; trigger_index: number; cron: string; last_fired_at: number }) =>
    db
      .insertInto('schedules')
      .values({
        workflow: p.workflow,
        trigger_index: p.trigger_index,
        cron: p.cron,
        last_fired_at: p.last_fired_at,
      })
      .onConflict((conflict) =>
        conflict
          .columns(['workflow', 'trigger_index'])
          .doUpdateSet({ cron: p.cron, last_fired_at: p.last_fired_at }),
      ),
);

/** The wall clock may jump: how long a sleep towards the next time is at most. */
const LONGEST_SLEEP_MS = 30_000;
/** A time that was missed by more than this (the clock was set forward) is passed by. */
const LATEST_MS = 60_000;

/**
 * Workflows that the clock starts (cron, in a time zone). Times that passed while the daemon was away are
 * passed by, as Home Assistant does; each firing carries its time as the idempotency key.
 */
export class ScheduleTriggers implements Part {
  readonly name = 'schedules';
  readonly #catalog: WorkflowCatalog;
  readonly #deps: FireDeps;
  readonly #timezone: string | undefined;
  #loops: { readonly abort: AbortController; readonly done: Promise<void> }[] = [];
  #unlisten: (() => void) | undefined;
  #turn: Promise<void> = Promise.resolve();

  /** `timezone` holds for schedules that name none; undefined: the machine's. */
  constructor(catalog: WorkflowCatalog, deps: FireDeps, timezone?: string | undefined) {
    this.#catalog = catalog;
    this.#deps = deps;
    this.#timezone = timezone;
  }

  async start(_signal: AbortSignal): Promise<void> {
    this.#begin(this.#deps.clock.now());
    this.#unlisten = this.#catalog.onChanged(() => {
      this.#turn = this.#turn.then(() => this.#again());
    });
  }

  async stop(): Promise<void> {
    this.#unlisten?.();
    await this.#turn;
    await this.#end();
  }

  health(): PartHealth {
    return WELL;
  }

  /** What falls due while the old loops end is not passed by. */
  async #again(): Promise<void> {
    const now = this.#deps.clock.now();
    await this.#end();
    this.#begin(now);
  }

  #begin(from: number): void {
    this.#loops = activeTriggers(this.#catalog, 'schedule').map((active) => {
      const abort = new AbortController();
      return { abort, done: this.#keepTime(active, from, abort.signal) };
    });
  }

  async #end(): Promise<void> {
    for (const { abort } of this.#loops) abort.abort();
    await Promise.all(this.#loops.map((loop) => loop.done));
    this.#loops = [];
  }

  async #keepTime(active: ScheduleTrigger, from: number, signal: AbortSignal): Promise<void> {
    const { clock } = this.#deps;
    const timezone = active.definition.timezone ?? this.#timezone;
    const cron = new Cron(active.definition.cron, { paused: true, ...(timezone ? { timezone } : {}) });
    let next = cron.nextRun(new Date(from))?.getTime();
    while (next !== undefined && !signal.aborted) {
      const left = next - clock.now();
      if (left > 0) {
        await sleep(clock, Math.min(left, LONGEST_SLEEP_MS), signal).catch(() => undefined);
        // The clock may have been set back: the next time is then an earlier one.
        if (clock.now() < next - left) next = cron.nextRun(new Date(clock.now()))?.getTime();
        continue;
      }
      if (left > -LATEST_MS) await this.#fire(active, next, signal);
      next = cron.nextRun(new Date(Math.max(clock.now(), next)))?.getTime();
    }
  }

  /** Tries for a minute; later than that the time has passed. */
  async #fire(active: ScheduleTrigger, at: number, signal: AbortSignal): Promise<void> {
    const { workflow, definition, trigger } = active;
    const fired = { workflow, trigger_index: trigger.index, cron: definition.cron, last_fired_at: at };
    const firing = {
      trigger: { type: 'schedule', cron: definition.cron, scheduled_at: new Date(at).toISOString() },
      actor: { kind: 'schedule', id: `${workflow}/${trigger.index}` },
      idempotencyKey: `schedule:${workflow}:${trigger.index}:${at}`,
      also: (unit: Unit) => void unit.add(putFired, fired),
    } as const;
    const { clock, log } = this.#deps;
    const last = clock.monotonic() + LATEST_MS;
    for (let pause = 1000; ; pause = Math.min(pause * 2, 10_000)) {
      try {
        await fire(active, firing, this.#deps);
        return;
      } catch (error) {
        if (error instanceof RetryableError && clock.monotonic() + pause < last && !signal.aborted) {
          await sleep(clock, pause, signal).catch(() => undefined);
          continue;
        }
        const { message } = errorRecord(error);
        log.error({ workflow, err: error }, `a schedule could not start "${workflow}" now: ${message}`);
        return;
      }
    }
  }
}
