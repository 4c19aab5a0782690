import { TerminalError } from './errors.ts';

const UNIT_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};
const LONGEST_MS = 10 * 366 * 86_400_000;

/**
 * Reads a duration: `250ms`, `10s`, `10m`, `1h30m`, `2d`, `1w`, a bare number of seconds, or `HH:MM:SS`
 * (as Home Assistant writes it). Returns milliseconds, at most ten years.
 * @throws TerminalError `duration.invalid`
 */
export function parseDuration(text: string | number): number {
  const ms = typeof text === 'number' ? text * 1000 : readText(text.trim());
  if (ms === undefined || !Number.isFinite(ms) || ms < 0 || ms > LONGEST_MS) {
    throw new TerminalError('invalid', 'duration.invalid', `"${text}" is not a duration`, {
      hint: 'Write a number and a unit: 250ms, 10s, 5m, 1h30m, 2d. A bare number means seconds.',
    });
  }
  return ms;
}

function readText(text: string): number | undefined {
  if (/^\d{1,12}(\.\d{1,6})?$/.test(text)) return Number(text) * 1000;
  const clock = /^(\d{1,4}):([0-5]\d):([0-5]\d)$/.exec(text);
  if (clock) return (Number(clock[1]) * 3600 + Number(clock[2]) * 60 + Number(clock[3])) * 1000;
  if (!/^(\d{1,12}(\.\d{1,6})?(ms|s|m|h|d|w)){1,6}$/.test(text)) return undefined;
  let total = 0;
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d|w)/g)) {
    total += Number(amount) * (UNIT_MS[unit as string] as number);
  }
  return total;
}

/** A duration for people: `850 ms`, `12.3 s`, `4 min 5 s`, `2 h 10 min`, `3 d 4 h`. */
export function formatDuration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  const minutes = Math.floor(ms / 60_000);
  if (minutes < 60) return `${minutes} min ${Math.floor((ms % 60_000) / 1000)} s`;
  if (minutes < 1440) return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
  return `${Math.floor(minutes / 1440)} d ${Math.floor((minutes % 1440) / 60)} h`;
}
