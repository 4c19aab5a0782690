import type { Actor } from '#core/actor.ts';
import type { Json } from '#core/json.ts';
import type { Device, Reading, SimulatorPort } from './port.ts';
import type { SimulatedGreenhouse } from './simulated-greenhouse.ts';

/** What the simulator needs of the devices. */
export interface SimulatedDevices {
  get(id: string): Device;
  refresh(id: string, actor: Actor): Promise<Reading>;
}

/** Plays the world around the simulated devices: what is set is reported at once, as the actor's doing. */
export class Simulator implements SimulatorPort {
  readonly #devices: SimulatedDevices;
  readonly #house: SimulatedGreenhouse;

  constructor(devices: SimulatedDevices, house: SimulatedGreenhouse) {
    this.#devices = devices;
    this.#house = house;
  }

  async set(id: string, value: Json, actor: Actor): Promise<Reading> {
    this.#devices.get(id);
    this.#house.set(id, value);
    try {
      return await this.#devices.refresh(id, actor);
    } catch (error) {
      // A fault that was asked for is not an error of the asking: say what is seen now.
      const now = this.#devices.get(id);
      if (now.quality !== 'fault') throw error;
      return {
        device: id,
        value: now.reported ?? false,
        quality: 'fault',
        at: now.reportedAt ?? 0,
        unit: now.unit,
      };
    }
  }
}
