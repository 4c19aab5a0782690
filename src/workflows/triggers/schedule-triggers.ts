import type { ClockTrustPort } from '#core/clock-trust.ts';
import { parseDuration } from '#core/duration.ts';
import { type Part, type PartHealth, unwell, WELL } from '#core/part.ts';
import { Unit } from '#store/unit.ts';
import type { ScheduleTrigger } from '../trigger-port.ts';
import type { WorkflowCatalog } from '../workflow-catalog.ts';
import { CronTimes } from './cron-times.ts';
import { skipped } from './fire.ts';
import type { Firings } from './firings.ts';
import {
  CronClock,
  type Due,
  type DueTimes,
  IntervalClock,
  type Moment,
  type ScheduleClock,
} from './schedule-clock.ts';
import {
  type ActiveTrigger,
  activeTriggers,
  causeOf,
  isEnabled,
  type TriggerWatch,
  triggerKey,
} from './trigger-index.ts';
import { dropState } from './trigger-table.ts';

type ActiveSchedule = ActiveTrigger<ScheduleTrigger>;

interface Entry {
  active: ActiveSchedule;
  readonly cause: string;
  readonly clock: ScheduleClock;
  /** No try before this, monotonic; the pause after the last failure. */
  notBefore: number;
  pause: number;
}

/** The wall clock may jump: how long a sleep towards the next time is at most. */
const LONGEST_SLEEP_MS = 10_000;
/** A time that nobody could keep for longer than this was missed. */
const LATE_MS = 60_000;
const USUAL_LIMIT = 10;
/** Of a long absence only the newest so many times are looked at. */
const MOST_MISSED = 100;

/**
 * Workflows that the clock starts: cron in a time zone, and intervals of the tick clock.
 *
 * 1. What a schedule has dealt with is on disk in the unit of the run it started: no time comes twice.
 * 2. Times that passed while the daemon was away, or that the clock jumped over, are `missed`; what becomes of
 *    them the definition says. Times that came while the clock was held are late, not missed.
 * 3. A firing that is not possible now (a full disk) is tried until it is; then it is late, or missed.
 */
export class ScheduleTriggers implements Part, TriggerWatch {
  readonly name = 'schedules';
  readonly #catalog: WorkflowCatalog;
  readonly #firings: Firings;
  readonly #trust: ClockTrustPort;
  readonly #timezone: string | undefined;
  #entries = new Map<string, Entry>();
  #unlisten: (() => void)[] = [];
  #stopping = new AbortController();
  #loop: Promise<void> = Promise.resolve();
  #wake: () => void = () => undefined;
  #isChanged = false;
  /** For how long the clock was not believed, as long as that excuses; milliseconds. */
  #heldMs = 0;
  #heldSince: number | undefined;
  #lateReason: string | undefined;

  /** `timezone` holds for schedules that name none; undefined: the machine's. */
  constructor(
    catalog: WorkflowCatalog,
    firings: Firings,
    trust: ClockTrustPort,
    timezone?: string | undefined,
  ) {
    this.#catalog = catalog;
    this.#firings = firings;
    this.#trust = trust;
    this.#timezone = timezone;
  }

  async start(_signal: AbortSignal): Promise<void> {
    this.#stopping = new AbortController();
    this.#entries.clear();
    this.#heldSince = this.#isHeld ? this.#firings.clock.monotonic() : undefined;
    await this.#read();
    const again = (): void => this.#wake();
    const changed = (): void => {
      this.#isChanged = true;
      this.#wake();
    };
    this.#unlisten = [this.#catalog.onChanged(changed), this.#trust.onChanged(again)];
    this.#loop = this.#keepTime(this.#stopping.signal);
  }

  async stop(): Promise<void> {
    for (const unlisten of this.#unlisten) unlisten();
    this.#unlisten = [];
    this.#stopping.abort();
    this.#wake();
    await this.#loop;
  }

  health(): PartHealth {
    if (this.#lateReason === undefined) return WELL;
    return unwell(
      0.5,
      `schedules wait: ${this.#lateReason}`,
      'See the health of the engine and the database.',
    );
  }

  status(workflow: string, index: number) {
    const entry = this.#entries.get(triggerKey(workflow, index));
    if (!entry) return undefined;
    const moment = this.#moment();
    const left = entry.clock.left(moment);
    const held = entry.clock.isWall && this.#isHeld ? 'nobody knows the time yet' : null;
    return { next: left === undefined ? null : moment.now + left, held };
  }

  get #isHeld(): boolean {
    return this.#trust.standing().state === 'held';
  }

  #moment(): Moment {
    return { now: this.#firings.clock.now(), tick: this.#firings.tick() };
  }

  async #keepTime(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const woken = Promise.withResolvers<void>();
      this.#wake = woken.resolve;
      if (this.#isChanged) await this.#readAgain();
      this.#noteHold();
      await Promise.all([...this.#entries.values()].map((entry) => this.#look(entry)));
      if (!this.#isHeld) this.#heldMs = 0;
      if (signal.aborted) return;
      const timer = this.#firings.clock.after(this.#left(), woken.resolve);
      await woken.promise;
      timer[Symbol.dispose]();
    }
  }

  /** When the hold ends, its length excuses what came late meanwhile. */
  #noteHold(): void {
    const now = this.#firings.clock.monotonic();
    if (this.#isHeld) this.#heldSince ??= now;
    else if (this.#heldSince !== undefined) {
      this.#heldMs = now - this.#heldSince;
      this.#heldSince = undefined;
    }
  }

  #left(): number {
    const moment = this.#moment();
    const monotonic = this.#firings.clock.monotonic();
    let left = LONGEST_SLEEP_MS;
    for (const { clock, notBefore } of this.#entries.values()) {
      if (clock.isWall && this.#isHeld) continue;
      const due = clock.left(moment);
      if (due !== undefined) left = Math.min(left, Math.max(due, notBefore - monotonic));
    }
    return left;
  }

  async #look(entry: Entry): Promise<void> {
    const { clock, log } = this.#firings;
    if ((entry.clock.isWall && this.#isHeld) || clock.monotonic() < entry.notBefore) return;
    const moment = this.#moment();
    const { missed, limit = USUAL_LIMIT } = entry.active.definition;
    try {
      const most = missed === 'all' ? Math.max(limit, MOST_MISSED) : MOST_MISSED;
      const due = entry.clock.due(moment, most);
      if (due.times.length > 0) await this.#fireAll(entry, due);
      if (!this.#stopping.signal.aborted) entry.clock.pass(moment);
      entry.pause = 0;
      this.#lateReason = undefined;
    } catch (error) {
      if (this.#firings.heldBy(error, entry.active)) this.#lateReason = (error as Error).message;
      else log.error({ err: error, workflow: entry.active.workflow }, 'a schedule broke');
      entry.pause = Math.min(Math.max(1000, entry.pause * 2), 10_000);
      entry.notBefore = clock.monotonic() + entry.pause;
    }
  }

  async #fireAll(entry: Entry, due: DueTimes): Promise<void> {
    const late = LATE_MS + this.#heldMs;
    const missed = due.times.filter((time) => time.lateMs > late);
    if (missed.length > 0) await this.#dealWithMissed(entry, missed, due.more);
    for (const time of due.times) {
      if (this.#stopping.signal.aborted) return;
      if (time.lateMs <= late) await this.#fire(entry, time, {});
    }
  }

  async #dealWithMissed(entry: Entry, missed: readonly Due[], more: boolean): Promise<void> {
    const { missed: policy = 'skip', limit = USUAL_LIMIT } = entry.active.definition;
    const kept = policy === 'all' ? missed.slice(-limit) : policy === 'once' ? missed.slice(-1) : [];
    const left = missed.length - kept.length;
    if (policy !== 'once' && left > 0) {
      await this.#skip(
        entry,
        missed[left - 1] as Due,
        `${countText(left, more)} missed, and \`missed\` is ${policy}`,
      );
    }
    const count = policy === 'once' ? missed.length : 1;
    for (const time of kept) {
      if (this.#stopping.signal.aborted) return;
      await this.#fire(entry, time, { missed: count });
    }
  }

  async #skip({ active, clock }: Entry, upTo: Due, reason: string): Promise<void> {
    const actor = { kind: 'schedule', id: `${active.workflow}/${active.trigger.index}` } as const;
    const also = (unit: Unit): void => this.#firings.memory.keep(unit, active, clock.kept(upTo));
    await skipped(active, { actor, also }, reason, this.#firings.deps);
    clock.settle(upTo);
  }

  async #fire({ active, clock }: Entry, due: Due, how: { readonly missed?: number }): Promise<void> {
    const { workflow, definition, trigger } = active;
    const { cron, every } = definition;
    await this.#firings.fire(active, {
      trigger: {
        type: 'schedule',
        ...(cron === undefined ? { every: every ?? 0 } : { cron }),
        scheduled_at: new Date(due.at).toISOString(),
        ...how,
      },
      actor: { kind: 'schedule', id: `${workflow}/${trigger.index}` },
      idempotencyKey: `schedule:${workflow}:${trigger.index}:${due.key}`,
      also: (unit) => this.#firings.memory.keep(unit, active, clock.kept(due)),
    });
    clock.settle(due);
  }

  async #readAgain(): Promise<void> {
    try {
      await this.#read();
    } catch (error) {
      this.#isChanged = true;
      this.#firings.log.error({ err: error }, 'the schedules can not be read; those there were go on');
    }
  }

  /** The schedules there are; those that stay go on where they are. */
  async #read(): Promise<void> {
    this.#isChanged = false;
    const entries = new Map<string, Entry>();
    const begun = new Unit();
    for (const active of activeTriggers(this.#catalog, 'schedule')) {
      const key = triggerKey(active.workflow, active.trigger.index);
      const cause = causeOf(active.definition);
      const before = this.#entries.get(key);
      if (before?.cause === cause) {
        before.active = active;
        entries.set(key, before);
      } else entries.set(key, { active, cause, clock: this.#clockOf(active, begun), notBefore: 0, pause: 0 });
    }
    this.#entries = entries;
    this.#forgetDisabled(begun);
    if (begun.steps.length === 0) return;
    await this.#firings.deps.writer
      .commit(begun)
      .catch((error: unknown) =>
        this.#firings.log.warn({ err: error }, 'new schedules were not written down'),
      );
  }

  #clockOf(active: ActiveSchedule, begun: Unit): ScheduleClock {
    const { cron, every, timezone } = active.definition;
    const kept = this.#firings.memory.state(active);
    if (cron !== undefined)
      return new CronClock(new CronTimes(cron, timezone ?? this.#timezone), kept, active.since);
    const clock = new IntervalClock(parseDuration(every ?? 0), kept, this.#moment());
    // A time of day is known by the version's own age; where an interval began nobody knows after a crash.
    if (kept === undefined) this.#firings.memory.keep(begun, active, clock.kept());
    return clock;
  }

  /** Time spent switched off is not missed afterwards. */
  #forgetDisabled(unit: Unit): void {
    for (const { name, triggers } of this.#catalog.list()) {
      for (const [index, definition] of triggers.entries()) {
        if (definition.type !== 'schedule' || isEnabled(definition)) continue;
        if (this.#firings.memory.forget(name, index))
          unit.add(dropState, { workflow: name, trigger_index: index });
      }
    }
  }
}

function countText(count: number, more: boolean): string {
  return more ? `${count} times or more were` : count === 1 ? 'one time was' : `${count} times were`;
}
