let lastMs = 0;
let lastText = new Date(0).toISOString();

/** Unix milliseconds as RFC 3339 in UTC. Neighbours often share their millisecond: the last one is kept. */
export function rfc3339(ms: number): string {
  if (ms === lastMs) return lastText;
  lastText = new Date(ms).toISOString();
  lastMs = ms;
  return lastText;
}

export function rfc3339OrNull(ms: number | null): string | null {
  return ms === null ? null : rfc3339(ms);
}
