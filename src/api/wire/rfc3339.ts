const MINUTE_MS = 60_000;
const TWO = Array.from({ length: 60 }, (_, second) => String(second).padStart(2, '0'));
const THREE = Array.from({ length: 1000 }, (_, milli) => String(milli).padStart(3, '0'));

let minute = 0;
let prefix = '1970-01-01T00:00:';

/**
 * Unix milliseconds as RFC 3339 in UTC. A run has some dozen of them, most in the same minute: the text up
 * to the minute is kept, a quarter of the cost of a Date each.
 */
export function rfc3339(ms: number): string {
  const whole = Math.trunc(ms);
  const inMinute = Math.floor(whole / MINUTE_MS);
  if (inMinute !== minute) {
    prefix = new Date(inMinute * MINUTE_MS).toISOString().slice(0, -7);
    minute = inMinute;
  }
  const rest = whole - inMinute * MINUTE_MS;
  const second = Math.floor(rest / 1000);
  return `${prefix}${TWO[second]}.${THREE[rest - second * 1000]}Z`;
}

export function rfc3339OrNull(ms: number | null): string | null {
  return ms === null ? null : rfc3339(ms);
}
