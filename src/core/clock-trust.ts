/**
 * May the wall clock be believed? `held`: not yet, and what goes by the time of day waits. `trusted`: the kernel
 * says that it was set by the network, or it comes from a battery clock. `estimated`: nobody has said so for
 * long enough, so it is gone by all the same.
 */
export type ClockState = 'held' | 'trusted' | 'estimated';

export interface ClockStanding {
  readonly state: ClockState;
  /** Who says that it is right; null unless trusted. */
  readonly source: string | null;
}

export interface ClockTrustPort {
  standing(): ClockStanding;
  /** Called when the standing changed. Returns an unsubscriber. */
  onChanged(listener: () => void): () => void;
}
