import type { Clock } from '#core/clock.ts';
import { RetryableError } from '#core/errors.ts';
import { type DeviceDeclaration, isWritable, safeValue } from './declaration.ts';
import type { Driver, Report } from './driver.ts';
import type { Device, DeviceValue, Quality, Reading } from './port.ts';

/** A thing that does not answer for this long is in fault, milliseconds. */
const ANSWER_MS = 2000;
const MOST_WAITING = 32;

/** Told of every report and fault, in order. */
export interface DeviceWatch {
  reported(device: LiveDevice, previous: DeviceValue | null, wasGood: boolean): void;
  faulted(device: LiveDevice, reason: string): void;
}

/**
 * One declared device with its driver: what it last reported, how well it is, and the order of what is done
 * to it.
 *
 * 1. The driver is called by one at a time; a call that does not answer in time ends as a fault.
 * 2. Ordinary writes wait for each other (and for the disk) in `inOrder`; a move to the safe value does not.
 * 3. Every move to the safe value raises `generation`; a write that began in an older one must not act.
 */
export class LiveDevice {
  readonly declaration: DeviceDeclaration;
  reported: DeviceValue | null = null;
  reportedAt: number | null = null;
  quality: Quality = 'stale';
  /** Why it is in fault. */
  fault: string | undefined;
  desired: DeviceValue | null = null;
  /** What the disk says it was told; undefined while that is not known. */
  recorded: DeviceValue | null | undefined;
  #recordings = 0;
  generation = 0;
  /** The end of the pulse under way. */
  pulse: Disposable | undefined;
  /** It should be in its safe state and could not be put there yet. */
  unrest = false;
  readonly #driver: Driver;
  readonly #clock: Clock;
  readonly #watch: DeviceWatch;
  readonly #staleMs: number;
  #seenAt = 0;
  #open = false;
  #nextRead: Promise<Reading> | undefined;
  #line: Promise<unknown> = Promise.resolve();
  #writes: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  constructor(
    declaration: DeviceDeclaration,
    driver: Driver,
    given: { readonly clock: Clock; readonly watch: DeviceWatch; readonly staleMs: number },
  ) {
    this.declaration = declaration;
    this.#driver = driver;
    this.#clock = given.clock;
    this.#watch = given.watch;
    this.#staleMs = given.staleMs;
  }

  get id(): string {
    return this.declaration.id;
  }

  /** `stale` when it was well but has not been heard of for a while. */
  get qualityNow(): Quality {
    const silent = this.#clock.monotonic() - this.#seenAt > this.#staleMs;
    return this.quality === 'good' && silent ? 'stale' : this.quality;
  }

  snapshot(): Device {
    const { id, name, driver, kind, unit, area } = this.declaration;
    return Object.freeze({
      id,
      name: name ?? id,
      driver,
      kind,
      unit,
      area,
      writable: isWritable(this.declaration),
      safe: isWritable(this.declaration) ? safeValue(this.declaration) : undefined,
      reported: this.reported,
      reportedAt: this.reportedAt,
      quality: this.qualityNow,
      desired: this.desired,
    });
  }

  /** Reads the real thing; who asks while a read waits its turn shares it. @throws RetryableError `device.fault` */
  read(): Promise<Reading> {
    this.#nextRead ??= this.#talk(
      (ends) => this.#driver.read(ends),
      () => {
        this.#nextRead = undefined;
      },
    );
    return this.#nextRead;
  }

  /** Sets the real thing. @throws RetryableError `device.fault` */
  actuate(value: DeviceValue): Promise<Reading> {
    return this.#talk((ends) => this.#driver.write(value, ends));
  }

  /** Runs ordinary writes one after the other. @throws RetryableError `device.busy` when too many wait */
  async inOrder<T>(write: () => Promise<T>): Promise<T> {
    if (this.#waiting >= MOST_WAITING) {
      throw new RetryableError('device.busy', `${MOST_WAITING} writes already wait for ${this.id}`, {
        hint: 'Something writes this device in a tight loop, or the disk is very slow.',
        retryAfterMs: 1000,
      });
    }
    this.#waiting++;
    const mine = this.#writes.then(write);
    this.#writes = mine.catch(() => {}).finally(() => this.#waiting--);
    return mine;
  }

  /** A record is on its way to the disk; call what it gives once it is there. The last one begun counts. */
  recording(value: DeviceValue): () => void {
    const mine = ++this.#recordings;
    this.recorded = undefined;
    return () => {
      if (mine === this.#recordings) this.recorded = value;
    };
  }

  /** Forgets the end of the pulse under way: something newer holds. */
  endPulse(): void {
    this.pulse?.[Symbol.dispose]();
    this.pulse = undefined;
  }

  /** Lets the driver go, after what is under way with it. Never throws. */
  async close(): Promise<void> {
    this.endPulse();
    await this.#line;
    if (!this.#open) return;
    this.#open = false;
    await this.#driver.close();
  }

  #talk(call: (ends: AbortSignal) => Promise<Report>, begins?: () => void): Promise<Reading> {
    const mine = this.#line.then(() => {
      begins?.();
      return this.#answer(call);
    });
    this.#line = mine.catch(() => {});
    return mine;
  }

  async #answer(call: (ends: AbortSignal) => Promise<Report>): Promise<Reading> {
    const late = new AbortController();
    const timer = this.#clock.after(ANSWER_MS, () => late.abort(this.#noAnswer()));
    try {
      const report = await Promise.race([this.#opened(call, late.signal), aborted(late.signal)]);
      return this.#accept(report);
    } catch (error) {
      throw this.#failed(error);
    } finally {
      timer[Symbol.dispose]();
    }
  }

  async #opened(call: (ends: AbortSignal) => Promise<Report>, ends: AbortSignal): Promise<Report> {
    if (!this.#open) {
      await this.#driver.open(this.declaration, (report) => {
        if (this.#open) this.#pushed(report);
      });
      this.#open = true;
    }
    return call(ends);
  }

  #pushed(report: Report): void {
    try {
      this.#accept(report);
    } catch (error) {
      this.#failed(error);
    }
  }

  #accept(report: Report): Reading {
    const doubt = this.#unbelievable(report.value);
    if (doubt !== undefined)
      throw new RetryableError('device.fault', doubt, { hint: 'Check its wiring and its min and max.' });
    const previous = this.reported;
    const wasGood = this.quality === 'good';
    this.reported = report.value;
    this.reportedAt = report.at;
    this.#seenAt = this.#clock.monotonic();
    this.quality = 'good';
    this.fault = undefined;
    this.#watch.reported(this, previous, wasGood);
    return {
      device: this.id,
      value: report.value,
      quality: 'good',
      at: report.at,
      unit: this.declaration.unit,
    };
  }

  #unbelievable(value: DeviceValue): string | undefined {
    const { kind, min, max, unit } = this.declaration;
    if (kind !== 'sensor' || typeof value !== 'number') return undefined;
    if (value >= (min ?? value) && value <= (max ?? value)) return undefined;
    return `${this.id} reads ${value}${unit ? ` ${unit}` : ''}, which is not between ${min ?? '−∞'} and ${max ?? '∞'}`;
  }

  #failed(error: unknown): RetryableError {
    const fault =
      error instanceof RetryableError
        ? error
        : new RetryableError(
            'device.fault',
            `${this.id}: ${error instanceof Error ? error.message : error}`,
            { cause: error },
          );
    const first = this.quality !== 'fault';
    this.quality = 'fault';
    this.fault = fault.message;
    if (first) this.#watch.faulted(this, fault.message);
    return fault;
  }

  #noAnswer(): RetryableError {
    return new RetryableError('device.fault', `${this.id} did not answer within ${ANSWER_MS / 1000} s`, {
      hint: 'Check its power and its cable.',
    });
  }
}

const aborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }));
