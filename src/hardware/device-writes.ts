import { type Actor, actorText, SYSTEM } from '#core/actor.ts';
import type { Clock } from '#core/clock.ts';
import { RetryableError, TerminalError } from '#core/errors.ts';
import type { Log } from '#core/log.ts';
import { safeValue } from './declaration.ts';
import type { DeviceJournal, WrittenHow } from './device-journal.ts';
import { checkWrite } from './device-value.ts';
import type { LiveDevice } from './live-device.ts';
import { Once } from './once.ts';
import type { DeviceValue, DeviceWrite, Reading } from './port.ts';

/** A move to the safe value: done, and on its way to the disk. */
interface Rest {
  readonly reading: Reading;
  /** Resolves when it is recorded or known to be lost; never rejects. */
  readonly recorded: Promise<void>;
}

/**
 * What is done to devices.
 *
 * 1. What a device is told is on disk before it is acted on. A move to the safe value is the exception: it
 *    acts first, is recorded after, and a store that does not work is logged, not an error.
 * 2. The safe value wins: a write that was asked for before a safe move and still waits does not act any more.
 * 3. A write that fails half-way, or a pulse that ends, leaves its device going to its safe value. What does
 *    not obey is in `unrest` and is tried again by whoever watches over it.
 */
export class DeviceWrites {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #journal: DeviceJournal;
  readonly #once = new Once<Reading>();
  #open = false;

  constructor(given: { readonly clock: Clock; readonly log: Log; readonly journal: DeviceJournal }) {
    this.#clock = given.clock;
    this.#log = given.log;
    this.#journal = given.journal;
  }

  /** While closed, only moves to the safe value are made. */
  setOpen(open: boolean): void {
    this.#open = open;
  }

  async write(device: LiveDevice, write: DeviceWrite, signal?: AbortSignal): Promise<Reading> {
    const value = checkWrite(device.declaration, write.value, write.pulseMs);
    const key = write.key === undefined ? undefined : `${device.id} ${write.key}`;
    return this.#once.do(key, async () => {
      if (value === safeValue(device.declaration)) {
        const { reading, recorded } = await this.#rest(
          device,
          write.actor,
          write.key === undefined ? {} : { key: write.key },
        );
        await recorded;
        return reading;
      }
      const generation = device.generation;
      return device.inOrder(() => this.#drive(device, { ...write, value }, generation, signal));
    });
  }

  /** Moves it to its safe value; resolves when that was tried, before it is recorded. Never rejects. */
  async rest(device: LiveDevice, reason: string): Promise<void> {
    await this.#rest(device, SYSTEM, { reason }).catch(() => {});
  }

  async #drive(
    device: LiveDevice,
    write: DeviceWrite,
    generation: number,
    signal: AbortSignal | undefined,
  ): Promise<Reading> {
    this.#mustStillHold(device, generation);
    signal?.throwIfAborted();
    const how: WrittenHow = {
      ...(write.key === undefined ? {} : { key: write.key }),
      ...(write.pulseMs === undefined ? {} : { pulse_ms: write.pulseMs }),
    };
    const recorded = device.recording(write.value);
    await this.#journal.written(device.id, write.value, actorText(write.actor), how);
    recorded();
    this.#mustStillHold(device, generation);
    device.desired = write.value;
    device.endPulse();
    try {
      const reading = await device.actuate(write.value);
      if (write.pulseMs !== undefined && device.generation === generation)
        this.#timePulse(device, write.pulseMs);
      return reading;
    } catch (error) {
      await this.rest(device, 'a write failed');
      throw error;
    }
  }

  #mustStillHold(device: LiveDevice, generation: number): void {
    if (!this.#open) {
      throw new RetryableError('device.stopped', `${device.id} is not switched on while the daemon stops`);
    }
    if (device.generation === generation) return;
    throw new TerminalError(
      'conflict',
      'device.superseded',
      `${device.id} was moved to its safe value while this write waited`,
      { hint: 'The safe value wins over writes that still wait. Write again if it is still wanted.' },
    );
  }

  #timePulse(device: LiveDevice, ms: number): void {
    device.pulse = this.#clock.after(ms, () => void this.rest(device, 'the pulse ended'));
  }

  async #rest(device: LiveDevice, actor: Actor, how: WrittenHow): Promise<Rest> {
    const safe = safeValue(device.declaration);
    const isNews = actor !== SYSTEM || device.recorded !== safe || device.unrest;
    device.generation++;
    device.endPulse();
    device.unrest = true;
    device.desired = safe;
    const reading = await this.#obey(device, safe).catch((error: unknown) => {
      if (isNews) void this.#record(device, safe, actor, how);
      throw error;
    });
    device.unrest = false;
    return { reading, recorded: isNews ? this.#record(device, safe, actor, how) : Promise.resolve() };
  }

  async #obey(device: LiveDevice, safe: DeviceValue): Promise<Reading> {
    try {
      return await device.actuate(safe);
    } catch (error) {
      this.#log.error({ device: device.id, err: error }, 'a device does not go to its safe value');
      throw error;
    }
  }

  async #record(device: LiveDevice, safe: DeviceValue, actor: Actor, how: WrittenHow): Promise<void> {
    const recorded = device.recording(safe);
    const kept = await this.#journal.writtenAfter(device.id, safe, actorText(actor), how);
    if (kept) recorded();
  }
}
