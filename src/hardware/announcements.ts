import type { DeviceValue } from './port.ts';

/** Why there is a report: the device by itself, somebody's hand, or the first one after a fault. */
export type ReportOccasion = 'usual' | 'by_hand' | 'recovered';

export interface AnnouncementRules {
  /** A sensor must move at least this far from what was last announced, in its unit. */
  readonly deadband: number;
  /** At least this long between two announcements of a sensor, milliseconds. */
  readonly quietMs: number;
}

/**
 * Decides which reports of one device are news. Switches, contacts and buttons: every change. Sensors: only
 * a change beyond the deadband, and not too often; readings as such are telemetry, not events.
 */
export class Announcements {
  readonly #rules: AnnouncementRules;
  #last: DeviceValue | null = null;
  #at = Number.NEGATIVE_INFINITY;

  constructor(rules: AnnouncementRules) {
    this.#rules = rules;
  }

  /** What was last announced. */
  get last(): DeviceValue | null {
    return this.#last;
  }

  /** Is this news at `now` (monotonic milliseconds)? If so it counts as announced. */
  take(value: DeviceValue, now: number, occasion: ReportOccasion): boolean {
    if (!this.#isNews(value, now, occasion)) return false;
    this.#last = value;
    this.#at = now;
    return true;
  }

  #isNews(value: DeviceValue, now: number, occasion: ReportOccasion): boolean {
    if (occasion === 'recovered') return true;
    if (value === this.#last) return false;
    if (occasion === 'by_hand' || typeof value !== 'number' || typeof this.#last !== 'number') return true;
    return Math.abs(value - this.#last) >= this.#rules.deadband && now - this.#at >= this.#rules.quietMs;
  }
}
