import { afterEach, beforeEach, expect, vi } from 'vitest';
import type { Actor } from '#core/actor.ts';
import { silentLog } from '#core/log.ts';
import type { DeviceDeclaration } from '#hardware/declaration.ts';
import { Devices } from '#hardware/devices.ts';
import type { Driver } from '#hardware/driver.ts';
import type { DeviceValue } from '#hardware/port.ts';
import { SimulatedGreenhouse } from '#hardware/simulated-greenhouse.ts';
import { Simulator } from '#hardware/simulator.ts';
import type { TelemetryRow, WriterPort } from '#store/port.ts';
import { query } from '#store/statement.ts';
import type { Store } from '#store/store.ts';
import { HandClock } from './hand-clock.ts';
import { openStore } from './open-store.ts';

export const DECLARED: readonly DeviceDeclaration[] = [
  {
    id: 'temp',
    driver: 'simulator',
    kind: 'sensor',
    unit: 'Cel',
    max: 60,
    simulate: { quantity: 'temperature', initial: 30 },
  },
  { id: 'humidity', driver: 'simulator', kind: 'sensor', unit: '%', simulate: { quantity: 'humidity' } },
  { id: 'soil', driver: 'simulator', kind: 'sensor', unit: '%', simulate: { quantity: 'soil_moisture' } },
  { id: 'fan', name: 'Fan', driver: 'simulator', kind: 'switch', simulate: { quantity: 'fan' } },
  { id: 'pump', driver: 'simulator', kind: 'switch', safe: false, simulate: { quantity: 'pump' } },
  { id: 'button', driver: 'simulator', kind: 'button', simulate: { quantity: 'button' } },
  { id: 'door', driver: 'simulator', kind: 'binary_sensor', simulate: { quantity: 'contact' } },
];
export const ANNA: Actor = { kind: 'person', id: 'anna' };
export const on = { value: true, actor: ANNA };
export const off = { value: false, actor: ANNA };
const never = new AbortController().signal;
const eventsOf = query((db, p: { type: string }) =>
  db
    .selectFrom('events')
    .select(['type', 'subject', 'actor', 'data'])
    .where('type', '=', p.type)
    .orderBy('seq')
    .limit(100),
);
const desiredRows = query((db, _: Record<string, never>) =>
  db.selectFrom('devices').select(['id', 'desired', 'actor']).orderBy('id').limit(100),
);

/** Devices over a real store, on a clock that the test moves. */
export class House {
  readonly clock = new HandClock();
  readonly telemetry: TelemetryRow[] = [];
  /** Holds or breaks commits when a test says so. */
  readonly gate: { before?: (() => Promise<void>) | undefined } = {};
  readonly store: Store;
  devices!: Devices;
  simulator!: Simulator;

  constructor(store: Store) {
    this.store = store;
  }

  build(declarations = DECLARED, others: Record<string, () => Driver> = {}): void {
    const greenhouse = new SimulatedGreenhouse(this.clock);
    const writer: WriterPort = {
      commit: async (unit) => {
        await this.gate.before?.();
        return this.store.commit(unit);
      },
    };
    this.devices = new Devices({
      declarations,
      drivers: { ...greenhouse.drivers, ...others },
      writer,
      reader: this.store.reader,
      telemetry: { record: (row) => this.telemetry.push(row), history: () => [] },
      clock: this.clock,
      log: silentLog,
    });
    this.simulator = new Simulator(this.devices, greenhouse);
  }

  async start(declarations = DECLARED, others: Record<string, () => Driver> = {}): Promise<void> {
    this.build(declarations, others);
    await this.devices.start(never);
  }

  events(type: string) {
    return this.store.reader
      .all(eventsOf, { type })
      .map((row) => ({ ...row, data: JSON.parse(row.data) as Record<string, unknown> }));
  }

  /** What the disk says the devices were told. */
  told() {
    return this.store.reader.all(desiredRows, {});
  }

  /** The events of a type, once there are `count`. */
  waitFor(type: string, count: number) {
    return vi.waitFor(() => {
      const found = this.events(type);
      expect(found).toHaveLength(count);
      return found;
    });
  }
}

/** A new house for each test of a file; `house` is the one of the running test. */
export function houses(): { readonly house: House } {
  let opened: Awaited<ReturnType<typeof openStore>>;
  const current = {} as { house: House };
  beforeEach(async () => {
    opened = await openStore();
    current.house = new House(opened.store);
  });
  afterEach(async () => {
    current.house.gate.before = undefined;
    await current.house.devices.stop();
    await opened.close();
  });
  return current;
}

/** A thing that does what the test says. */
export class StubDriver implements Driver {
  value: DeviceValue = false;
  opens = 0;
  open = async (): Promise<void> => {
    this.opens++;
  };
  read = async () => ({ value: this.value, at: 1 });
  write = async (value: DeviceValue) => {
    this.value = value;
    return { value, at: 1 };
  };
  close = async (): Promise<void> => {};
}
