import type { EventLogPort } from '#bus/port.ts';
import { sleep } from '#core/clock.ts';
import { parseDuration } from '#core/duration.ts';
import { type Part, type PartHealth, WELL } from '#core/part.ts';
import type { Device, DevicesPort } from '#hardware/port.ts';
import { Unit } from '#store/unit.ts';
import type { DeviceTrigger } from '../trigger-port.ts';
import type { WorkflowCatalog } from '../workflow-catalog.ts';
import type { Firings } from './firings.ts';
import { type LevelState, readLevel, type Standing, step, verdict } from './level.ts';
import { isEdge } from './log-trigger.ts';
import {
  type ActiveTrigger,
  activeTriggers,
  causeOf,
  type TriggerWatch,
  triggerKey,
} from './trigger-index.ts';

interface Entry {
  active: ActiveTrigger<DeviceTrigger>;
  readonly cause: string;
  readonly forMs: number;
  /** As it is on disk. */
  state: LevelState;
  missing: string | null;
  /** No try before this, monotonic. */
  notBefore: number;
}

const LOOK_EVERY_MS = 1000;
/** With nothing to look at; a new trigger wakes it. */
const IDLE_MS = 3_600_000;
const RETRY_MS = 2000;
const PAGE = 500;
const CHANGED = 'chainbot.device.changed';

/**
 * Workflows that start when a device stands in some way: above or below a level, silent, or at a value for a
 * while. Looked at once a second, and at every change that is in the log, so that a short glitch ends a hold.
 *
 * 1. A trigger fires once, and again only after things stood otherwise; that is on disk, so that neither a
 *    restart fires it twice nor a crossing while the daemon was away is lost.
 * 2. The start of a hold (`for`) is on disk: it goes on by the tick clock over a restart.
 */
export class DeviceTriggers implements Part, TriggerWatch {
  readonly name = 'device_triggers';
  readonly #catalog: WorkflowCatalog;
  readonly #firings: Firings;
  readonly #devices: Pick<DevicesPort, 'list'>;
  readonly #log: EventLogPort;
  #entries = new Map<string, Entry>();
  #at = 0;
  #unlisten: () => void = () => undefined;
  #stopping = new AbortController();
  #loop: Promise<void> = Promise.resolve();
  #woken = new AbortController();

  constructor(
    catalog: WorkflowCatalog,
    firings: Firings,
    devices: Pick<DevicesPort, 'list'>,
    log: EventLogPort,
  ) {
    this.#catalog = catalog;
    this.#firings = firings;
    this.#devices = devices;
    this.#log = log;
  }

  async start(_signal: AbortSignal): Promise<void> {
    this.#stopping = new AbortController();
    this.#entries.clear();
    this.#at = this.#log.head();
    this.#read();
    this.#unlisten = this.#catalog.onChanged(() => this.#read());
    this.#loop = this.#watch(this.#stopping.signal);
  }

  async stop(): Promise<void> {
    this.#unlisten();
    this.#stopping.abort();
    await this.#loop;
  }

  health(): PartHealth {
    return WELL;
  }

  status(workflow: string, index: number) {
    const entry = this.#entries.get(triggerKey(workflow, index));
    if (!entry) return undefined;
    const { sinceTick } = entry.state;
    const { clock } = this.#firings;
    const next =
      sinceTick === null ? null : clock.now() + Math.max(0, sinceTick + entry.forMs - this.#firings.tick());
    return { next, held: entry.missing };
  }

  async #watch(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.#woken = new AbortController();
      if (this.#entries.size > 0) await this.#look();
      else this.#at = this.#log.head();
      const isIdle = this.#entries.size === 0;
      const ends = isIdle ? AbortSignal.any([signal, this.#woken.signal]) : signal;
      await sleep(this.#firings.clock, isIdle ? IDLE_MS : LOOK_EVERY_MS, ends).catch(() => undefined);
    }
  }

  async #look(): Promise<void> {
    const devices = new Map(this.#devices.list().map((device) => [device.id, device]));
    const changes = this.#changes();
    await Promise.all([...this.#entries.values()].map((entry) => this.#lookAt(entry, devices, changes)));
  }

  async #lookAt(
    entry: Entry,
    devices: ReadonlyMap<string, Device>,
    changes: readonly { readonly device: string; readonly standing: Standing }[],
  ): Promise<void> {
    const { definition } = entry.active;
    const device = devices.get(definition.device);
    entry.missing = device ? null : `there is no device "${definition.device}"`;
    if (!device || this.#firings.clock.monotonic() < entry.notBefore) return;
    try {
      for (const change of changes) {
        if (change.device === definition.device) await this.#see(entry, change.standing);
      }
      await this.#see(entry, { value: device.reported, quality: device.quality }, device);
    } catch (error) {
      this.#firings.heldBy(error, entry.active);
      entry.notBefore = this.#firings.clock.monotonic() + RETRY_MS;
    }
  }

  /** What the log says since the last look; a log that can't be read says nothing. */
  #changes(): { readonly device: string; readonly standing: Standing }[] {
    try {
      const page = this.#log.after(this.#at, PAGE);
      this.#at = page.length === PAGE ? this.#log.head() : (page.at(-1)?.seq ?? this.#at);
      return page
        .filter((event) => event.type === CHANGED)
        .map(({ data }) => ({
          device: String(data.device),
          standing: { value: data.value as Standing['value'], quality: 'good' },
        }));
    } catch {
      return [];
    }
  }

  async #see(entry: Entry, standing: Standing, now?: Device): Promise<void> {
    const { active, state, forMs } = entry;
    const { definition } = active;
    const isKnown = definition.stale === true || (standing.quality === 'good' && standing.value !== null);
    const next = step(state, verdict(definition, standing), isKnown, forMs, this.#firings.tick());
    if (next.fires) await this.#fire(entry, next.state, standing, now);
    else if (next.state.armed !== state.armed || next.state.sinceTick !== state.sinceTick) {
      const unit = new Unit();
      this.#firings.memory.keep(unit, active, next.state as never);
      await this.#firings.deps.writer.commit(unit);
    }
    entry.state = next.state;
  }

  async #fire({ active, forMs }: Entry, state: LevelState, standing: Standing, now?: Device): Promise<void> {
    const { definition } = active;
    const { clock } = this.#firings;
    await this.#firings.fire(active, {
      trigger: {
        type: 'device',
        device: definition.device,
        ...standing,
        ...(now?.unit === undefined ? {} : { unit: now.unit }),
        ...(forMs === 0 ? {} : { for_ms: forMs }),
        at: new Date(clock.now()).toISOString(),
      },
      actor: { kind: 'trigger', id: `device/${definition.device}` },
      also: (unit) => this.#firings.memory.keep(unit, active, state as never),
    });
  }

  #read(): void {
    const entries = new Map<string, Entry>();
    for (const active of activeTriggers(this.#catalog, 'device')) {
      if (isEdge(active.definition)) continue;
      const key = triggerKey(active.workflow, active.trigger.index);
      const cause = causeOf(active.definition);
      const before = this.#entries.get(key);
      if (before?.cause === cause) {
        before.active = active;
        entries.set(key, before);
        continue;
      }
      const forMs = parseDuration(active.definition.for ?? 0);
      const state = readLevel(this.#firings.memory.state(active));
      entries.set(key, { active, cause, forMs, state, missing: null, notBefore: 0 });
    }
    this.#entries = entries;
    this.#woken.abort();
  }
}
