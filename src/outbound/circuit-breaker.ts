import { unreachable } from '#core/unreachable.ts';

/**
 * Whether calls to a host go out. It is left alone after several failures in a row, so that a dead host costs
 * nothing and is not hit by every run at once when it comes back.
 *
 * 1. closed: calls go out; `failures` counts those in a row, a success sets it to 0.
 * 2. open: no call goes out before `until`. The first one after it is the probe.
 * 3. half_open: the probe is under way, nobody else goes out. Its success closes, its failure opens for twice as
 *    long, and one that nobody waited for leaves the next call to be the probe.
 * 4. What comes back of a call that began in another state changes nothing but this: a success closes.
 *
 * Times are milliseconds on the monotonic clock.
 */
export type Circuit =
  | { readonly state: 'closed'; readonly failures: number }
  | { readonly state: 'open'; readonly until: number; readonly trips: number }
  | { readonly state: 'half_open'; readonly trips: number };

export type CircuitEvent =
  /** A call wants to go out; see {@link heldFor}. */
  | { readonly type: 'call' }
  | { readonly type: 'success' }
  /** `probe`: it went out while the circuit was half open. */
  | { readonly type: 'failure'; readonly probe: boolean }
  /** The caller gave up: nothing is known of the host. */
  | { readonly type: 'abandoned'; readonly probe: boolean };

export interface CircuitSettings {
  /** Failures in a row that open it. */
  readonly failures: number;
  /** How long it stays open the first time, milliseconds. */
  readonly pauseMs: number;
  readonly longestPauseMs: number;
}

export const CLOSED: Circuit = Object.freeze({ state: 'closed', failures: 0 });

/** How long a call that is refused should wait, milliseconds; undefined: it may go out. */
export function heldFor(circuit: Circuit, now: number, settings: CircuitSettings): number | undefined {
  switch (circuit.state) {
    case 'closed':
      return undefined;
    case 'open':
      return circuit.until > now ? circuit.until - now : undefined;
    case 'half_open':
      return settings.pauseMs;
    default:
      return unreachable(circuit, 'circuit');
  }
}

/** The state after an event. `call` is only for calls that {@link heldFor} let out. */
export function afterEvent(
  circuit: Circuit,
  event: CircuitEvent,
  now: number,
  settings: CircuitSettings,
): Circuit {
  switch (event.type) {
    case 'call':
      return circuit.state === 'open' ? { state: 'half_open', trips: circuit.trips } : circuit;
    case 'success':
      return CLOSED;
    case 'failure':
      return afterFailure(circuit, event.probe, now, settings);
    case 'abandoned':
      return circuit.state === 'half_open' && event.probe
        ? { state: 'open', until: now, trips: circuit.trips }
        : circuit;
    default:
      return unreachable(event, 'circuit event');
  }
}

function afterFailure(circuit: Circuit, probe: boolean, now: number, settings: CircuitSettings): Circuit {
  if (circuit.state === 'half_open') return probe ? opened(circuit.trips + 1, now, settings) : circuit;
  if (circuit.state === 'open') return circuit;
  const failures = circuit.failures + 1;
  return failures >= settings.failures ? opened(1, now, settings) : { state: 'closed', failures };
}

function opened(trips: number, now: number, settings: CircuitSettings): Circuit {
  const pause = Math.min(settings.longestPauseMs, settings.pauseMs * 2 ** Math.min(20, trips - 1));
  return { state: 'open', until: now + pause, trips };
}
