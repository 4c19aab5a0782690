import type { Actor } from '#core/actor.ts';
import type { Json } from '#core/json.ts';

export type Quality = 'good' | 'stale' | 'fault';
export type DeviceValue = boolean | number | string;

/** A declared device with what it last reported. Times are Unix milliseconds. */
export interface Device {
  readonly id: string;
  readonly name: string;
  readonly driver: string;
  readonly kind: 'sensor' | 'binary_sensor' | 'switch' | 'button';
  /** UCUM (`Cel`, `%`), absent for booleans. */
  readonly unit?: string | undefined;
  readonly area?: string | undefined;
  readonly writable: boolean;
  /** Where it goes when nobody minds it. */
  readonly safe?: DeviceValue | undefined;
  readonly reported: DeviceValue | null;
  readonly reportedAt: number | null;
  readonly quality: Quality;
  readonly desired: DeviceValue | null;
}

export interface Reading {
  readonly device: string;
  readonly value: DeviceValue;
  readonly quality: Quality;
  readonly at: number;
  readonly unit?: string | undefined;
}

export interface DeviceWrite {
  readonly value: DeviceValue;
  readonly actor: Actor;
  /** Turns a switch on for this long, then back to its safe value. Milliseconds. */
  readonly pulseMs?: number | undefined;
  /** Run id and step path: the same key is never acted on twice while the daemon lives. */
  readonly key?: string | undefined;
}

export interface DevicesPort {
  list(): readonly Device[];
  /** @throws TerminalError `device.not_found` */
  get(id: string): Device;
  /** Reads the real thing now. @throws TerminalError `device.not_found`, RetryableError `device.fault` */
  read(id: string, signal?: AbortSignal): Promise<Reading>;
  /**
   * Sets a device; resolves with what it reports afterwards. A move to the safe value acts first and is
   * recorded after; any other is recorded as desired on disk first.
   * @throws TerminalError `device.not_found`, `device.read_only`, `device.value_invalid`
   */
  write(id: string, write: DeviceWrite, signal?: AbortSignal): Promise<Reading>;
  /** Puts every writable device in its safe state; never throws, works with no disk. */
  safe(reason: string): Promise<void>;
}

/** Only the simulator has this: sets what a simulated sensor sees. */
export interface SimulatorPort {
  /** @throws TerminalError `sim.not_simulated`, `device.not_found`, `device.value_invalid` */
  set(id: string, value: Json, actor: Actor): Promise<Reading>;
}
