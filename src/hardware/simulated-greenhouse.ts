import type { Clock } from '#core/clock.ts';
import { RetryableError, TerminalError } from '#core/errors.ts';
import { isJsonObject, type Json } from '#core/json.ts';
import { Climate } from './climate.ts';
import type { DeviceDeclaration, Quantity } from './declaration.ts';
import { invalid, show } from './device-value.ts';
import type { Driver, Drivers, Report } from './driver.ts';
import type { DeviceValue } from './port.ts';

/** How long a pressed button stays down, milliseconds. */
const PRESS_MS = 250;

/** What the simulated instruments can show at all. */
const RANGE: Readonly<Partial<Record<Quantity, readonly [number, number]>>> = {
  temperature: [-60, 150],
  humidity: [0, 100],
  soil_moisture: [0, 100],
};

/**
 * A greenhouse to play with: every area has its own air and soil, devices of one area share them, so that
 * the fan beside a thermometer cools it. Give `drivers` to Devices; `set` plays the world outside.
 */
export class SimulatedGreenhouse {
  readonly drivers: Drivers = { simulator: () => new SimulatedDevice(this) };
  readonly clock: Clock;
  readonly #climates = new Map<string, Climate>();
  readonly #devices = new Map<string, SimulatedDevice>();

  constructor(clock: Clock) {
    this.clock = clock;
  }

  climate(area: string | undefined): Climate {
    const known = this.#climates.get(area ?? '');
    if (known) return known;
    const climate = new Climate(this.clock);
    this.#climates.set(area ?? '', climate);
    return climate;
  }

  join(id: string, device: SimulatedDevice): void {
    this.#devices.set(id, device);
  }

  leave(id: string): void {
    this.#devices.delete(id);
  }

  /**
   * Makes a simulated device see or be `value`; `{"fault": true}` or `{"fault": "reason"}` breaks it,
   * `{"fault": false}` mends it.
   * @throws TerminalError `sim.not_simulated`, `device.value_invalid`
   */
  set(id: string, value: Json): void {
    const device = this.#devices.get(id);
    if (!device) {
      throw new TerminalError('conflict', 'sim.not_simulated', `${id} is not a simulated device`, {
        hint: 'Only devices with driver: simulator can be set by hand.',
      });
    }
    device.set(value);
  }
}

/** One instrument or actuator in a greenhouse. */
class SimulatedDevice implements Driver {
  readonly #house: SimulatedGreenhouse;
  #declaration: DeviceDeclaration | undefined;
  #onReport: (report: Report) => void = () => {};
  /** Of switches, contacts and buttons; what the air shows comes from the climate. */
  #value: DeviceValue = false;
  #fault: string | undefined;
  #release: Disposable | undefined;

  constructor(house: SimulatedGreenhouse) {
    this.#house = house;
  }

  async open(declaration: DeviceDeclaration, onReport: (report: Report) => void): Promise<void> {
    this.#declaration = declaration;
    this.#onReport = onReport;
    this.#house.join(declaration.id, this);
    const initial = declaration.simulate?.initial;
    if (initial !== undefined) this.#put(initial);
  }

  async read(): Promise<Report> {
    this.#mustWork();
    return this.#report();
  }

  async write(value: DeviceValue): Promise<Report> {
    this.#mustWork();
    this.#put(value);
    return this.#report();
  }

  async close(): Promise<void> {
    this.#release?.[Symbol.dispose]();
    this.#onReport = () => {};
    this.#house.leave(this.#declared.id);
  }

  set(value: Json): void {
    if (isJsonObject(value)) {
      this.#setFault(value.fault);
      return;
    }
    this.#checkSettable(value);
    this.#put(value as DeviceValue);
    if (this.#quantity === 'button' && value === true) this.#press();
  }

  get #declared(): DeviceDeclaration {
    if (!this.#declaration) throw new RetryableError('device.fault', 'the simulated device is not open');
    return this.#declaration;
  }

  get #quantity(): Quantity | undefined {
    return this.#declared.simulate?.quantity;
  }

  #setFault(fault: Json | undefined): void {
    if (typeof fault === 'string' && fault.length <= 200) this.#fault = fault;
    else if (typeof fault === 'boolean')
      this.#fault = fault ? 'the simulator was told to break it' : undefined;
    else throw invalid(this.#declared, 'takes {"fault": true}, {"fault": "reason"} or {"fault": false}');
  }

  #checkSettable(value: Json): void {
    const range = this.#quantity && RANGE[this.#quantity];
    if (!range) {
      if (typeof value !== typeof this.#value)
        throw invalid(this.#declared, `takes ${typeof this.#value}, not ${show(value)}`);
      return;
    }
    const [min, max] = range;
    if (typeof value !== 'number' || !(value >= min && value <= max)) {
      throw invalid(this.#declared, `takes a number from ${min} to ${max}, not ${show(value)}`);
    }
  }

  #put(value: DeviceValue): void {
    const climate = this.#house.climate(this.#declared.area);
    const on = value !== false && value !== 0;
    switch (this.#quantity) {
      case 'temperature':
        climate.set({ temperature: Number(value) });
        break;
      case 'humidity':
        climate.set({ humidity: Number(value) });
        break;
      case 'soil_moisture':
        climate.set({ soilMoisture: Number(value) });
        break;
      case 'fan':
        climate.setFan(on);
        break;
      case 'pump':
        climate.setPump(on);
        break;
    }
    this.#value = value;
  }

  #press(): void {
    this.#release?.[Symbol.dispose]();
    this.#release = this.#house.clock.after(PRESS_MS, () => {
      this.#value = false;
      this.#onReport(this.#report());
    });
  }

  #report(): Report {
    return { value: this.#seen(), at: this.#house.clock.now() };
  }

  #seen(): DeviceValue {
    const air = this.#house.climate(this.#declared.area).air();
    switch (this.#quantity) {
      case 'temperature':
        return tenths(air.temperature);
      case 'humidity':
        return tenths(air.humidity);
      case 'soil_moisture':
        return tenths(air.soilMoisture);
      default:
        return this.#value;
    }
  }

  #mustWork(): void {
    if (this.#fault === undefined) return;
    throw new RetryableError('device.fault', `${this.#declared.id} is in fault: ${this.#fault}`, {
      hint: `Mend it with: chainbot sim set ${this.#declared.id} '{"fault": false}'`,
    });
  }
}

/** Instruments of this kind show one decimal. */
const tenths = (value: number): number => Math.round(value * 10) / 10;
