import { TerminalError } from '#core/errors.ts';
import { type DeviceDeclaration, isWritable, safeValue } from './declaration.ts';
import type { DeviceValue } from './port.ts';

const LONGEST_PULSE_MS = 24 * 3_600_000;

/**
 * The value as it may be written to this device: true or false, or a number for a dimmer (a switch whose
 * safe value is a number) between its min and max.
 * @throws TerminalError `device.read_only`, `device.value_invalid`
 */
export function checkWrite(
  declaration: DeviceDeclaration,
  value: unknown,
  pulseMs: number | undefined,
): DeviceValue {
  if (!isWritable(declaration)) {
    throw new TerminalError(
      'unprocessable',
      'device.read_only',
      `${declaration.id} is a ${declaration.kind} and cannot be set`,
      { hint: 'Only devices of kind switch can be written.' },
    );
  }
  const safe = safeValue(declaration);
  if (typeof safe === 'number') checkNumber(declaration, value);
  else if (typeof value !== 'boolean') {
    throw invalid(
      declaration,
      `takes true or false, not ${show(value)}`,
      'Write true for on and false for off.',
    );
  }
  if (pulseMs !== undefined) checkPulse(declaration, value, safe, pulseMs);
  return value as DeviceValue;
}

function checkNumber({ min, max, ...declaration }: DeviceDeclaration, value: unknown): void {
  if (typeof value !== 'number' || !Number.isFinite(value)) {
    throw invalid(declaration, `takes a number, not ${show(value)}`);
  }
  if (value < (min ?? Number.NEGATIVE_INFINITY) || value > (max ?? Number.POSITIVE_INFINITY)) {
    throw invalid(declaration, `takes ${min ?? 'any'} to ${max ?? 'any'}, not ${value}`);
  }
}

function checkPulse(
  declaration: DeviceDeclaration,
  value: unknown,
  safe: DeviceValue,
  pulseMs: number,
): void {
  if (value === safe) {
    throw invalid(declaration, `a pulse to ${show(safe)} would change nothing: that is its safe value`);
  }
  if (!(pulseMs > 0 && pulseMs <= LONGEST_PULSE_MS)) {
    throw invalid(declaration, `a pulse lasts up to 24 h, not ${pulseMs} ms`);
  }
}

/** A `device.value_invalid` that names the device. */
export function invalid(declaration: { readonly id: string }, what: string, hint?: string): TerminalError {
  return new TerminalError('unprocessable', 'device.value_invalid', `${declaration.id}: ${what}`, { hint });
}

/** Any value in at most 60 characters. */
export function show(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
}
