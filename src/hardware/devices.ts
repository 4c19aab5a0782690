import { type Actor, actorText } from '#core/actor.ts';
import { type Clock, sleep } from '#core/clock.ts';
import { RetryableError, TerminalError } from '#core/errors.ts';
import { didYouMean } from '#core/near-names.ts';
import type { Part, PartHealth } from '#core/part.ts';
import { type AnnouncementRules, Announcements } from './announcements.ts';
import { checkDeclarations, type DeviceDeclaration, isWritable, sampleMs } from './declaration.ts';
import { DeviceJournal, type DeviceStores } from './device-journal.ts';
import { DeviceWrites } from './device-writes.ts';
import { devicesHealth } from './devices-health.ts';
import type { Drivers } from './driver.ts';
import { LiveDevice } from './live-device.ts';
import type { Device, DevicesPort, DeviceValue, DeviceWrite, Reading } from './port.ts';

export interface DevicesOptions extends DeviceStores {
  readonly declarations: readonly DeviceDeclaration[];
  readonly drivers: Drivers;
  /** How often a device is sampled unless it says, milliseconds; 5 s when absent. */
  readonly sampleMs?: number | undefined;
  readonly announce?: AnnouncementRules | undefined;
}

const USUAL_SAMPLE_MS = 5000;
const USUAL_RULES: AnnouncementRules = { deadband: 0.5, quietMs: 10_000 };

/**
 * Every declared device. Starting and stopping put each writable one in its safe state: after a power cut
 * nothing is switched on by itself; a run that wants it on says so again. How writes are made stands in
 * device-writes.ts.
 */
export class Devices implements Part, DevicesPort {
  readonly name = 'hardware';
  readonly #options: DevicesOptions;
  readonly #clock: Clock;
  readonly #journal: DeviceJournal;
  readonly #writes: DeviceWrites;
  readonly #devices = new Map<string, LiveDevice>();
  readonly #announced = new Map<string, Announcements>();
  /** Whose doing the next report of a device is, when it is not the device's own. */
  readonly #cause = new Map<string, Actor>();
  #running: AbortController | undefined;
  #loops: Promise<void>[] = [];

  constructor(options: DevicesOptions) {
    this.#options = options;
    this.#clock = options.clock;
    this.#journal = new DeviceJournal(options);
    this.#writes = new DeviceWrites({ clock: options.clock, log: options.log, journal: this.#journal });
  }

  /** @throws TerminalError `devices.invalid` with every fault of the declarations */
  async start(signal: AbortSignal): Promise<void> {
    this.#checkDeclarations();
    for (const declaration of this.#options.declarations) this.#add(declaration);
    const running = new AbortController();
    this.#running = running;
    await this.safe('start');
    await Promise.all(this.#all.map((device) => this.#sample(device)));
    signal.throwIfAborted();
    this.#writes.setOpen(true);
    this.#loops = this.#all.map((device) => this.#watchOver(device, running.signal));
  }

  async stop(): Promise<void> {
    if (!this.#running) return;
    this.#writes.setOpen(false);
    this.#running.abort();
    await this.safe('stop');
    await Promise.all(this.#loops);
    this.#running = undefined;
    await Promise.all(this.#all.map((device) => device.close()));
    await this.#journal.settle();
  }

  health(): PartHealth {
    return devicesHealth(this.#all, this.#journal.lost);
  }

  list(): readonly Device[] {
    return this.#all.map((device) => device.snapshot());
  }

  get(id: string): Device {
    return this.#find(id).snapshot();
  }

  /** Besides what the port says: @throws RetryableError `device.stopped` */
  async read(id: string, signal?: AbortSignal): Promise<Reading> {
    const device = this.#find(id);
    this.#mustRun();
    signal?.throwIfAborted();
    return device.read();
  }

  /** Reads it now and announces whatever changed, as the doing of `actor`: for what is done by hand. */
  async refresh(id: string, actor: Actor): Promise<Reading> {
    this.#cause.set(id, actor);
    try {
      return await this.read(id);
    } finally {
      this.#cause.delete(id);
    }
  }

  /**
   * Besides what the port says: @throws RetryableError `device.fault`, `device.busy`, `device.stopped`,
   * `store.*` (then it has not acted), TerminalError `device.superseded`
   */
  async write(id: string, write: DeviceWrite, signal?: AbortSignal): Promise<Reading> {
    const device = this.#find(id);
    this.#mustRun();
    signal?.throwIfAborted();
    return this.#writes.write(device, write, signal);
  }

  async safe(reason: string): Promise<void> {
    if (!this.#running) return;
    const writable = this.#all.filter((device) => isWritable(device.declaration));
    await Promise.all(writable.map((device) => this.#writes.rest(device, reason)));
  }

  get #all(): LiveDevice[] {
    return [...this.#devices.values()];
  }

  #checkDeclarations(): void {
    const { declarations, drivers } = this.#options;
    const faults = checkDeclarations(declarations, Object.keys(drivers));
    if (faults.length === 0) return;
    const all = faults.map((fault) => `${fault.path} ${fault.message}`).join('; ');
    throw new TerminalError('invalid', 'devices.invalid', `wrong devices: ${all}`, {
      hint: 'Mend "devices" in the configuration.',
      faults,
    });
  }

  #add(declaration: DeviceDeclaration): void {
    const driver = this.#options.drivers[declaration.driver];
    if (!driver || this.#devices.has(declaration.id)) return;
    const device = new LiveDevice(declaration, driver(), {
      clock: this.#clock,
      staleMs: 3 * this.#every(declaration) + 10_000,
      watch: {
        reported: (from, previous, wasGood) => this.#reported(from, previous, wasGood),
        faulted: (from, reason) => this.#faulted(from, reason),
      },
    });
    if (isWritable(declaration)) device.recorded = this.#journal.lastDesired(declaration.id);
    device.desired = device.recorded ?? null;
    this.#devices.set(declaration.id, device);
    this.#announced.set(declaration.id, new Announcements(this.#options.announce ?? USUAL_RULES));
  }

  #every(declaration: DeviceDeclaration): number {
    return sampleMs(declaration, this.#options.sampleMs ?? USUAL_SAMPLE_MS);
  }

  #find(id: string): LiveDevice {
    const device = this.#devices.get(id);
    if (device) return device;
    throw new TerminalError('not_found', 'device.not_found', `there is no device "${id}"`, {
      hint: didYouMean(id, this.#devices.keys()) ?? 'See the declared ones with: chainbot devices list',
    });
  }

  #mustRun(): void {
    if (this.#running) return;
    throw new RetryableError('device.stopped', 'the hardware part is not running');
  }

  #reported(device: LiveDevice, previous: DeviceValue | null, wasGood: boolean): void {
    const value = device.reported as DeviceValue;
    if (typeof value !== 'number' && value !== previous) {
      this.#journal.measured(device.id, value, 'good', this.#clock.now());
    }
    const cause = this.#cause.get(device.id);
    const announced = this.#announced.get(device.id) as Announcements;
    const last = announced.last;
    const occasion = wasGood ? (cause ? 'by_hand' : 'usual') : 'recovered';
    if (!announced.take(value, this.#clock.monotonic(), occasion)) return;
    const unit = device.declaration.unit === undefined ? {} : { unit: device.declaration.unit };
    const data = { device: device.id, value, previous: last, quality: 'good', ...unit };
    const actor = actorText(cause ?? { kind: 'device', id: device.id });
    this.#journal.happened('chainbot.device.changed', device.id, actor, data);
  }

  #faulted(device: LiveDevice, reason: string): void {
    this.#options.log.warn({ device: device.id, reason }, 'a device is in fault');
    const data = { device: device.id, message: reason };
    this.#journal.happened('chainbot.device.fault', device.id, `device:${device.id}`, data);
  }

  async #watchOver(device: LiveDevice, ends: AbortSignal): Promise<void> {
    const every = this.#every(device.declaration);
    while (!ends.aborted) {
      await sleep(this.#clock, every, ends).catch(() => {});
      if (ends.aborted) return;
      if (device.unrest) await this.#writes.rest(device, 'it did not obey before');
      await this.#sample(device);
    }
  }

  async #sample(device: LiveDevice): Promise<void> {
    const reading = await device.read().catch(() => undefined);
    if (typeof reading?.value !== 'number') return;
    this.#journal.measured(device.id, reading.value, reading.quality, reading.at);
  }
}
