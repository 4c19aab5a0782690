import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { afterEvent, type Circuit, type CircuitEvent, CLOSED, heldFor } from './circuit-breaker.ts';

const settings = { failures: 3, pauseMs: 100, longestPauseMs: 1000 };
const moved = (circuit: Circuit, now: number, ...events: CircuitEvent[]): Circuit =>
  events.reduce((state, event) => afterEvent(state, event, now, settings), circuit);
const call = { type: 'call' } as const;
const success = { type: 'success' } as const;
const failure = (probe = false) => ({ type: 'failure', probe }) as const;
const abandoned = (probe = false) => ({ type: 'abandoned', probe }) as const;

describe('a circuit', () => {
  it('opens after failures in a row', () => {
    expect(moved(CLOSED, 0, failure(), failure(), success, failure(), failure())).toEqual({
      state: 'closed',
      failures: 2,
    });
    const open = moved(CLOSED, 5, failure(), failure(), failure());
    expect(open).toEqual({ state: 'open', until: 105, trips: 1 });
    expect(heldFor(open, 6, settings)).toBe(99);
    expect(heldFor(open, 105, settings)).toBeUndefined();
  });

  it('lets one probe out, and waits twice as long when that fails, up to a limit', () => {
    let circuit = moved(CLOSED, 0, failure(), failure(), failure(), call);
    expect(circuit).toEqual({ state: 'half_open', trips: 1 });
    expect(heldFor(circuit, 1e9, settings)).toBe(100);
    circuit = moved(circuit, 200, failure(true));
    expect(circuit).toEqual({ state: 'open', until: 400, trips: 2 });
    for (let i = 0; i < 60; i++) circuit = moved(circuit, 0, call, failure(true));
    expect(circuit).toMatchObject({ until: 1000 });
    expect(moved(circuit, 0, call, success)).toBe(CLOSED);
  });

  it('takes the next call as probe when nobody waited for the probe', () => {
    const probing = moved(CLOSED, 0, failure(), failure(), failure(), call);
    expect(moved(probing, 7, abandoned(true))).toEqual({ state: 'open', until: 7, trips: 1 });
  });

  it('is not moved by what began before it opened, but for a success', () => {
    const open = moved(CLOSED, 0, failure(), failure(), failure());
    expect(moved(open, 1, failure(), abandoned())).toBe(open);
    const probing = moved(open, 200, call);
    expect(moved(probing, 201, failure(), abandoned())).toBe(probing);
    expect(moved(open, 1, success)).toBe(CLOSED);
  });

  it('never holds a call for longer than the longest pause, whatever happens', () => {
    const event = fc.oneof(
      fc.constant(call),
      fc.constant(success),
      fc.boolean().map(failure),
      fc.boolean().map(abandoned),
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(event, fc.nat(2000))), (events) => {
        let circuit: Circuit = CLOSED;
        let now = 0;
        for (const [next, later] of events) {
          now += later;
          if (next.type === 'call' && heldFor(circuit, now, settings) !== undefined) continue;
          circuit = moved(circuit, now, next);
          expect(heldFor(circuit, now, settings) ?? 0).toBeLessThanOrEqual(settings.longestPauseMs);
        }
      }),
    );
  });
});
