import type { Json } from '#core/json.ts';
import type { DeviceValue, Quality } from '#hardware/port.ts';
import type { DeviceTrigger } from '../trigger-port.ts';
import { isOneOf } from './log-trigger.ts';

/** What is kept of a level over restarts. */
export interface LevelState {
  /** It may fire: since it fired last, things stood otherwise. */
  readonly armed: boolean;
  /** Since which tick things stand as they must, while `for` runs. */
  readonly sinceTick: number | null;
}

/** How a device stands, as far as it is known. */
export interface Standing {
  readonly value: DeviceValue | null;
  readonly quality: Quality;
}

export const NEW_LEVEL: LevelState = { armed: true, sinceTick: null };

/**
 * Do things stand as a trigger wants them? undefined: as before; between a level and its hysteresis, and when
 * nobody knows the value, nothing begins and nothing ends.
 */
export function verdict(
  { to, above, below, hysteresis = 0, stale }: DeviceTrigger,
  { value, quality }: Standing,
): boolean | undefined {
  if (stale) return quality !== 'good';
  if (quality !== 'good' || value === null) return undefined;
  if (to !== undefined) return isOneOf(value, to);
  if (typeof value !== 'number') return undefined;
  if (above !== undefined) return value > above ? true : value <= above - hysteresis ? false : undefined;
  if (below !== undefined) return value < below ? true : value >= below + hysteresis ? false : undefined;
  return undefined;
}

/** The state after a look, and whether to fire now. */
export function step(
  state: LevelState,
  is: boolean | undefined,
  isKnown: boolean,
  forMs: number,
  tick: number,
): { readonly state: LevelState; readonly fires: boolean } {
  if (is === false) return { state: NEW_LEVEL, fires: false };
  if (!state.armed) return { state, fires: false };
  const sinceTick = state.sinceTick ?? (is ? tick : null);
  if (sinceTick === null) return { state, fires: false };
  // A hold that is over while nobody knows the value waits for somebody to know.
  if (!isKnown || tick - sinceTick < forMs) return { state: { armed: true, sinceTick }, fires: false };
  return { state: { armed: false, sinceTick: null }, fires: true };
}

export function readLevel(kept: Json | undefined): LevelState {
  return (kept as unknown as LevelState | undefined) ?? NEW_LEVEL;
}
