import { parseDuration } from '#core/duration.ts';
import type { Fault } from '#core/errors.ts';
import { didYouMean } from '#core/near-names.ts';
import type { Device, DeviceValue } from './port.ts';

/** What the simulated thing is; it decides the physics. */
export type Quantity = 'temperature' | 'humidity' | 'soil_moisture' | 'fan' | 'pump' | 'button' | 'contact';

/** A device as the owner declared it. */
export interface DeviceDeclaration {
  readonly id: string;
  readonly name?: string | undefined;
  /** Which of the given drivers talks to it. */
  readonly driver: string;
  readonly kind: Device['kind'];
  /** UCUM. */
  readonly unit?: string | undefined;
  readonly area?: string | undefined;
  /** Where a switch goes when nobody minds it; off when absent. A number makes it a dimmer. */
  readonly safe?: DeviceValue | undefined;
  /** The lowest and highest believable reading of a sensor, or the range of a dimmer. */
  readonly min?: number | undefined;
  readonly max?: number | undefined;
  readonly simulate?:
    | {
        readonly quantity: Quantity;
        readonly initial?: number | boolean | undefined;
        /** How often it is sampled; a duration. */
        readonly every?: string | number | undefined;
      }
    | undefined;
}

const KIND_OF: Readonly<Record<Quantity, Device['kind']>> = {
  temperature: 'sensor',
  humidity: 'sensor',
  soil_moisture: 'sensor',
  fan: 'switch',
  pump: 'switch',
  button: 'button',
  contact: 'binary_sensor',
};

/** Only switches are written to. */
export const isWritable = (declaration: DeviceDeclaration): boolean => declaration.kind === 'switch';

/** Where a writable device goes when nobody minds it. */
export const safeValue = (declaration: DeviceDeclaration): DeviceValue => declaration.safe ?? false;

/** How often to sample it, milliseconds; `usual` when it does not say. */
export function sampleMs(declaration: DeviceDeclaration, usual: number): number {
  const every = declaration.simulate?.every;
  return every === undefined ? usual : Math.max(100, parseDuration(every));
}

/** Everything that contradicts itself or names what is not there, all at once. */
export function checkDeclarations(
  declarations: readonly DeviceDeclaration[],
  drivers: readonly string[],
): readonly Fault[] {
  const seen = new Set<string>();
  return declarations.flatMap((declaration) => {
    const twice = seen.has(declaration.id);
    seen.add(declaration.id);
    const faults = checkOne(declaration, drivers);
    if (twice) faults.push({ path: declaration.id, message: 'is declared twice' });
    return faults;
  });
}

function checkOne(declaration: DeviceDeclaration, drivers: readonly string[]): Fault[] {
  const { id, driver, kind, safe, min, max, simulate } = declaration;
  const faults: Fault[] = [];
  const fault = (field: string, message: string, hint?: string): void => {
    faults.push({ path: `${id}.${field}`, message, hint });
  };
  if (!drivers.includes(driver)) {
    fault(
      'driver',
      `there is no driver "${driver}"`,
      didYouMean(driver, drivers) ?? `There is ${drivers.join(', ')}.`,
    );
  }
  if (driver === 'simulator' && simulate === undefined) {
    fault('simulate', 'is missing', 'Say what the simulator plays, for example {quantity: temperature}.');
  }
  if (simulate !== undefined && KIND_OF[simulate.quantity] !== kind) {
    fault('kind', `a simulated ${simulate.quantity} is a ${KIND_OF[simulate.quantity]}, not a ${kind}`);
  }
  if (min !== undefined && max !== undefined && min > max) fault('min', `is above max: ${min} > ${max}`);
  if (safe !== undefined && kind !== 'switch') fault('safe', 'only a switch has a safe value');
  if (typeof safe === 'string') fault('safe', 'must be true, false or a number');
  return faults;
}
