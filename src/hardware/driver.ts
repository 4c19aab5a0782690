import type { DeviceDeclaration } from './declaration.ts';
import type { DeviceValue } from './port.ts';

/** What a thing says of itself; `at` is Unix milliseconds. */
export interface Report {
  readonly value: DeviceValue;
  readonly at: number;
}

/**
 * The thing behind one device: simulated, a GPIO line, an I2C chip. Its caller never runs two of these calls
 * at once. Each throws RetryableError `device.fault` with the reason when the thing does not answer.
 */
export interface Driver {
  /** Claims the thing. `onReport` is called whenever it changes by itself; may be tried again after it threw. */
  open(declaration: DeviceDeclaration, onReport: (report: Report) => void): Promise<void>;
  read(signal: AbortSignal): Promise<Report>;
  /** Resolves with what the thing reports afterwards. */
  write(value: DeviceValue, signal: AbortSignal): Promise<Report>;
  /** Lets the thing go; no report comes after it. Never throws. */
  close(): Promise<void>;
}

/** By the name that declarations use. */
export type Drivers = Readonly<Record<string, () => Driver>>;
