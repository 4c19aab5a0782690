import { formatDuration } from '#core/duration.ts';
import type { Json } from '#core/json.ts';
import { printable } from './text.ts';

/** How an API time comes: RFC 3339 text, Unix milliseconds, or nothing yet. */
export type WireTime = string | number | null | undefined;

const LONGEST_VALUE = 2000;

/** A time in milliseconds, or undefined when there is none. */
export function timeMs(time: WireTime): number | undefined {
  if (time === null || time === undefined) return undefined;
  const ms = typeof time === 'number' ? time : Date.parse(time);
  return Number.isNaN(ms) ? undefined : ms;
}

/** `2026-11-20 09:15:02` in the local zone. */
export function localTime(time: WireTime): string {
  const ms = timeMs(time);
  if (ms === undefined) return '-';
  const local = new Date(ms);
  return `${local.getFullYear()}-${two(local.getMonth() + 1)}-${two(local.getDate())} ${clockTime(ms)}`;
}

/** `09:15:02` in the local zone. */
export function clockTime(time: WireTime): string {
  const ms = timeMs(time);
  if (ms === undefined) return '--:--:--';
  const local = new Date(ms);
  return `${two(local.getHours())}:${two(local.getMinutes())}:${two(local.getSeconds())}`;
}

function two(number: number): string {
  return String(number).padStart(2, '0');
}

/** `4 min 5 s ago`, as seen from `now` (ms). */
export function ago(time: WireTime, now: number): string {
  const ms = timeMs(time);
  if (ms === undefined) return 'never';
  const age = now - ms;
  if (age < 0) return localTime(ms);
  return age < 1000 ? 'just now' : `${formatDuration(age)} ago`;
}

/** How long something took, with a `+` while it goes on; `-` when it has not begun. */
export function took(start: WireTime, end: WireTime, now: number): string {
  const from = timeMs(start);
  if (from === undefined) return '-';
  const text = formatDuration(Math.max(0, (timeMs(end) ?? now) - from));
  return timeMs(end) === undefined ? `${text}+` : text;
}

/** A JSON value on one harmless line; text without its quotes, nothing for null. */
export function brief(value: Json | undefined): string {
  if (value === null || value === undefined) return '';
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return printable(text.length > LONGEST_VALUE ? `${text.slice(0, LONGEST_VALUE)}…` : text);
}

/** A device's value with its unit: `33 °C`, `on`, `61 %`. */
export function deviceValue(value: Json | undefined, unit?: string | null | undefined): string {
  if (value === null || value === undefined) return '-';
  if (typeof value === 'boolean') return value ? 'on' : 'off';
  if (typeof value === 'number') {
    const rounded = String(Math.round(value * 1000) / 1000);
    return unit ? `${rounded} ${unitText(unit)}`.trimEnd() : rounded;
  }
  return brief(value);
}

// UCUM codes (https://ucum.org) that people do not read as such.
const UNITS: Readonly<Record<string, string>> = { Cel: '°C', '[degF]': '°F', '1': '' };

function unitText(unit: string): string {
  return UNITS[unit] ?? printable(unit);
}
