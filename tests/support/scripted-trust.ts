import type { ClockStanding, ClockTrustPort } from '#core/clock-trust.ts';

/** A clock that is believed when a test says so. */
export class ScriptedTrust implements ClockTrustPort {
  readonly #listeners = new Set<() => void>();
  #standing: ClockStanding;

  constructor(state: ClockStanding['state'] = 'trusted') {
    this.#standing = { state, source: null };
  }

  standing(): ClockStanding {
    return this.#standing;
  }

  onChanged(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  become(state: ClockStanding['state']): void {
    this.#standing = { state, source: state === 'trusted' ? 'test' : null };
    for (const listener of this.#listeners) listener();
  }
}
