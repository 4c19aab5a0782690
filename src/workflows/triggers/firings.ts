import type { Actor } from '#core/actor.ts';
import { type Clock, sleep } from '#core/clock.ts';
import { RetryableError } from '#core/errors.ts';
import type { JsonObject } from '#core/json.ts';
import type { Log } from '#core/log.ts';
import { type Part, type PartHealth, unwell, WELL } from '#core/part.ts';
import type { ReaderPort } from '#store/port.ts';
import { Unit } from '#store/unit.ts';
import type { Ticks } from '../engine/ticks.ts';
import type { WorkflowCatalog } from '../workflow-catalog.ts';
import { type FireDeps, type Fired, type Firing, isWanted, settle, startRun } from './fire.ts';
import { type ActiveTrigger, activeTriggers, causeOf, triggerKey } from './trigger-index.ts';
import { TriggerMemory } from './trigger-memory.ts';
import { allPending, dropPending, putPending } from './trigger-table.ts';

export interface FiringsOptions extends FireDeps {
  readonly catalog: WorkflowCatalog;
  readonly reader: ReaderPort;
  readonly ticks: Pick<Ticks, 'now'>;
}

/** Firings of one trigger that wait until nothing more comes. */
interface Burst {
  readonly workflow: string;
  readonly index: number;
  readonly cause: string;
  /** The tick of the first; no two bursts of a trigger have the same. */
  readonly sinceTick: number;
  dueTick: number;
  count: number;
  /** The newest. */
  firing: KeptFiring;
}

interface KeptFiring {
  readonly trigger: JsonObject;
  readonly actor: Actor;
  readonly idempotencyKey?: string | undefined;
}

/** `waits`: its debounce runs. `throttled`: one came too short a time ago. */
export type Outcome = Fired | 'waits' | 'throttled';

/**
 * Where every trigger's firings come together: `when`, `throttle`, `debounce`, then a run.
 *
 * 1. `fire` resolves when what came of it is on disk: the run, or the firing that waits out its debounce.
 * 2. A firing that waits is a row; the unit that starts its run takes the row away. After a crash it goes on
 *    waiting by the tick clock.
 * 3. A throttle counts from a firing whose run is on disk, and holds over restarts.
 */
export class Firings implements Part {
  readonly name = 'triggers';
  readonly memory: TriggerMemory;
  readonly #options: FiringsOptions;
  /** By trigger, the burst that takes further firings. */
  readonly #bursts = new Map<string, Burst>();
  /** Throttled triggers whose run is on its way to the disk. */
  readonly #starting = new Set<string>();
  readonly #going = new Set<Promise<void>>();
  #stopping = new AbortController();
  #timer: Disposable | undefined;
  #held: string | undefined;
  #lastBurst = 0;

  constructor(options: FiringsOptions) {
    this.#options = options;
    this.memory = new TriggerMemory(options.reader);
  }

  get clock(): Clock {
    return this.#options.clock;
  }

  get log(): Log {
    return this.#options.log;
  }

  get deps(): FireDeps {
    return this.#options;
  }

  get reader(): ReaderPort {
    return this.#options.reader;
  }

  /** The tick clock, milliseconds. */
  tick(): number {
    return this.#options.ticks.now();
  }

  async start(_signal: AbortSignal): Promise<void> {
    this.#stopping = new AbortController();
    this.memory.open();
    this.#bursts.clear();
    for (const row of this.#options.reader.all(allPending, {})) {
      const burst: Burst = {
        workflow: row.workflow,
        index: row.trigger_index,
        cause: row.cause,
        sinceTick: row.since_tick,
        dueTick: row.due_tick,
        count: row.count,
        firing: JSON.parse(row.firing) as KeptFiring,
      };
      this.#lastBurst = Math.max(this.#lastBurst, burst.sinceTick);
      const key = triggerKey(burst.workflow, burst.index);
      const older = this.#bursts.get(key);
      if (older) this.#release(older); // its run was about to start when the daemon ended
      this.#bursts.set(key, burst);
    }
    this.#arm();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#timer?.[Symbol.dispose]();
    await Promise.all(this.#going);
  }

  health(): PartHealth {
    if (this.#held === undefined) return WELL;
    return unwell(0.5, `triggers wait: ${this.#held}`, 'See the health of the engine and the database.');
  }

  /** Until when a trigger waits out its debounce, Unix milliseconds as far as can be told now. */
  pendingUntil(workflow: string, index: number): number | null {
    const burst = this.#bursts.get(triggerKey(workflow, index));
    return burst ? this.clock.now() + Math.max(0, burst.dueTick - this.tick()) : null;
  }

  /** @throws RetryableError when it was not possible now: then nothing is on disk of it */
  async fire(active: ActiveTrigger, firing: Firing): Promise<Outcome> {
    const { trigger } = active;
    if (!(await isWanted(active, firing, this.#options))) return 'passed';
    if (trigger.debounce) return this.#wait(active, firing, trigger.debounce);
    if (trigger.throttleMs === 0) return this.#start(active, firing);
    return this.#startThrottled(active, firing);
  }

  /** Tries until it is on disk, or until the signal aborts; then false. */
  async fireSurely(active: ActiveTrigger, firing: Firing, signal: AbortSignal): Promise<boolean> {
    for (let pause = 250; !signal.aborted; pause = Math.min(pause * 2, 10_000)) {
      try {
        await this.fire(active, firing);
        this.#held = undefined;
        return true;
      } catch (error) {
        if (!this.heldBy(error, active)) return true;
        await sleep(this.clock, pause, signal).catch(() => undefined);
      }
    }
    return false;
  }

  /** Notes why firings wait; false when it is no reason to wait but a fault of ours, which is logged. */
  heldBy(error: unknown, active: Pick<ActiveTrigger, 'workflow'>): boolean {
    if (error instanceof RetryableError) {
      this.#held = error.message;
      return true;
    }
    this.log.error({ workflow: active.workflow, err: error }, 'a trigger broke');
    return false;
  }

  async #startThrottled(active: ActiveTrigger, firing: Firing): Promise<Outcome> {
    const key = triggerKey(active.workflow, active.trigger.index);
    const last = this.memory.firedTick(active.workflow, active.trigger.index);
    if (this.#starting.has(key) || (last !== null && this.tick() - last < active.trigger.throttleMs)) {
      await settle(firing, this.#options);
      return 'throttled';
    }
    this.#starting.add(key);
    try {
      return await this.#start(active, firing);
    } finally {
      this.#starting.delete(key);
    }
  }

  async #start(active: ActiveTrigger, firing: Firing): Promise<Fired> {
    let landed: (() => void) | undefined;
    const fired = await startRun(active, firing, this.#options, (unit) => {
      landed = this.memory.fired(unit, active, this.clock.now(), this.tick());
    });
    if (fired === 'started') landed?.();
    return fired;
  }

  async #wait(
    active: ActiveTrigger,
    firing: Firing,
    { forMs, maxMs }: { readonly forMs: number; readonly maxMs: number },
  ): Promise<Outcome> {
    const { workflow, trigger } = active;
    const key = triggerKey(workflow, trigger.index);
    const { also, ...kept } = firing;
    const now = this.tick();
    const cause = causeOf(active.definition);
    let burst = this.#bursts.get(key);
    if (!burst || burst.cause !== cause) {
      const sinceTick = Math.max(now, this.#lastBurst + 1);
      this.#lastBurst = sinceTick;
      burst = { workflow, index: trigger.index, cause, sinceTick, dueTick: 0, count: 0, firing: kept };
      this.#bursts.set(key, burst);
    }
    burst.dueTick = Math.min(now + forMs, burst.sinceTick + maxMs);
    burst.count++;
    burst.firing = kept;
    const unit = new Unit().add(putPending, {
      workflow,
      trigger_index: trigger.index,
      since_tick: burst.sinceTick,
      due_tick: burst.dueTick,
      cause,
      count: burst.count,
      firing: JSON.stringify(kept),
    });
    also?.(unit);
    await this.#options.writer.commit(unit);
    this.#arm();
    return 'waits';
  }

  #arm(): void {
    this.#timer?.[Symbol.dispose]();
    this.#timer = undefined;
    if (this.#bursts.size === 0 || this.#stopping.signal.aborted) return;
    const due = Math.min(...[...this.#bursts.values()].map((burst) => burst.dueTick));
    this.#timer = this.clock.after(Math.max(0, due - this.tick()), () => this.#releaseDue());
  }

  #releaseDue(): void {
    const now = this.tick();
    for (const [key, burst] of this.#bursts) {
      if (burst.dueTick > now) continue;
      this.#bursts.delete(key);
      this.#release(burst);
    }
    this.#arm();
  }

  #release(burst: Burst): void {
    const going = this.#startBurst(burst).finally(() => this.#going.delete(going));
    this.#going.add(going);
  }

  /** Tries until it is on disk or the daemon stops; the row stays as long. */
  async #startBurst(burst: Burst): Promise<void> {
    const { signal } = this.#stopping;
    const { workflow, index, count, sinceTick, firing } = burst;
    const also = (unit: Unit): void =>
      void unit.add(dropPending, { workflow, trigger_index: index, since_tick: sinceTick });
    for (let pause = 250; !signal.aborted; pause = Math.min(pause * 2, 10_000)) {
      try {
        const active = this.#find(burst);
        const whole = { ...firing, trigger: { ...firing.trigger, debounced: count }, also };
        if (active) await this.#start(active, whole);
        else await this.#options.writer.commit(this.#dropped(burst, also));
        this.#held = undefined;
        return;
      } catch (error) {
        if (!this.heldBy(error, burst)) return;
        await sleep(this.clock, pause, signal).catch(() => undefined);
      }
    }
  }

  #dropped({ workflow }: Burst, also: (unit: Unit) => void): Unit {
    this.log.warn({ workflow }, 'a trigger was changed or removed while a firing of it waited');
    const unit = new Unit();
    also(unit);
    return unit;
  }

  /** The trigger of a burst, unless it waits for something else now. */
  #find({ workflow, index, cause }: Burst): ActiveTrigger | undefined {
    const type = (JSON.parse(cause) as { type: Exclude<ActiveTrigger['definition']['type'], 'manual'> }).type;
    return activeTriggers(this.#options.catalog, type).find(
      (active) =>
        active.workflow === workflow &&
        active.trigger.index === index &&
        causeOf(active.definition) === cause,
    );
  }
}
