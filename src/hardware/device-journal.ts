import type { EventData, EventType } from '#bus/catalogue.ts';
import { eventRow } from '#bus/event-row.ts';
import type { Clock } from '#core/clock.ts';
import type { Log } from '#core/log.ts';
import type { ReaderPort, TelemetryPort, WriterPort } from '#store/port.ts';
import { type EventRow, Unit } from '#store/unit.ts';
import { desiredById, upsertDesired } from './devices-table.ts';
import type { DeviceValue } from './port.ts';

/** Beside device and value: how it was told. */
export type WrittenHow = Pick<EventData<'chainbot.device.written'>, 'key' | 'pulse_ms' | 'reason'>;

/** More facts than this on their way to the disk: the newest are dropped and counted. */
const MOST_IN_FLIGHT = 256;

export interface DeviceStores {
  readonly writer: WriterPort;
  readonly reader: ReaderPort;
  readonly telemetry: TelemetryPort;
  readonly clock: Clock;
  readonly log: Log;
}

/** What devices leave behind: what they were told on disk, events of what they did, telemetry of what they saw. */
export class DeviceJournal {
  readonly #stores: DeviceStores;
  readonly #inFlight = new Set<Promise<boolean>>();
  #lost = 0;

  constructor(stores: DeviceStores) {
    this.#stores = stores;
  }

  /** Facts about devices that did not reach the log since the start. */
  get lost(): number {
    return this.#lost;
  }

  /** What the device was last told to be, or null: never told, or the store cannot be read. */
  lastDesired(id: string): DeviceValue | null {
    try {
      const row = this.#stores.reader.get(desiredById, { id });
      return row?.desired ? (JSON.parse(row.desired) as DeviceValue) : null;
    } catch (error) {
      this.#stores.log.warn({ device: id, err: error }, 'cannot read what the device was last told to be');
      return null;
    }
  }

  /** Puts on disk what the device is told to be, with its event. @throws what WriterPort.commit throws */
  async written(id: string, value: DeviceValue, actor: string, how: WrittenHow = {}): Promise<void> {
    const at = this.#stores.clock.now();
    const unit = new Unit().add(upsertDesired, { id, desired: JSON.stringify(value), at, actor });
    await this.#stores.writer.commit(
      unit.event(this.#event('chainbot.device.written', id, actor, { device: id, value, ...how })),
    );
  }

  /** The same for what has already happened: a failure is logged and counted, and gives false. */
  writtenAfter(id: string, value: DeviceValue, actor: string, how: WrittenHow = {}): Promise<boolean> {
    return this.#kept(id, () => this.written(id, value, actor, how));
  }

  /** An event that nobody waits for. */
  happened<T extends EventType>(type: T, id: string, actor: string, data: EventData<T>): void {
    const unit = new Unit().event(this.#event(type, id, actor, data));
    void this.#kept(id, () => this.#stores.writer.commit(unit));
  }

  measured(id: string, value: DeviceValue, quality: string, at: number): void {
    const stored = typeof value === 'boolean' ? Number(value) : value;
    this.#stores.telemetry.record({ device: id, value: stored, quality, at });
  }

  /** Resolves when nothing is on its way to the disk any more. */
  async settle(): Promise<void> {
    while (this.#inFlight.size > 0) await Promise.all(this.#inFlight);
  }

  #kept(id: string, commit: () => Promise<unknown>): Promise<boolean> {
    if (this.#inFlight.size >= MOST_IN_FLIGHT) {
      this.#lost++;
      return Promise.resolve(false);
    }
    const kept = this.#logged(id, commit);
    this.#inFlight.add(kept);
    void kept.then(() => this.#inFlight.delete(kept));
    return kept;
  }

  async #logged(id: string, commit: () => Promise<unknown>): Promise<boolean> {
    try {
      await commit();
      return true;
    } catch (error) {
      this.#lost++;
      this.#stores.log.error({ device: id, err: error }, 'what a device did is not in the log');
      return false;
    }
  }

  #event<T extends EventType>(type: T, id: string, actor: string, data: EventData<T>): EventRow {
    return eventRow(type, `device/${id}`, actor, data, this.#stores.clock.now());
  }
}
