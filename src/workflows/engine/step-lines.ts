import type { Clock } from '#core/clock.ts';
import type { Log } from '#core/log.ts';
import { redactFields, redactText } from '#core/redact.ts';
import type { Unit } from '#store/unit.ts';
import type { StepLine } from '../history-port.ts';
import { keepStepLines } from './step-logs-table.ts';

/** Of one step at most: the newest lines, and bytes of them. */
export const MOST_LINES = 50;
export const MOST_LINE_BYTES = 8192;
const MOST_MESSAGE = 1000;
const MOST_FIELDS = 1000;

/**
 * What a step logs at info and above, kept until the unit with its end takes it along. A step that logs nothing
 * costs nothing: this is made with its first logger.
 */
export class StepLines {
  readonly #clock: Clock;
  readonly #lines: { readonly text: string; readonly bytes: number }[] = [];
  #bytes = 0;
  #dropped = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** A log that writes to this one, and keeps its lines. */
  log(log: Log, fields: object = {}): Log {
    const kept =
      (level: StepLine['level']) =>
      (own: object, message: string): void => {
        log[level](own, message);
        this.#keep(level, { ...fields, ...own }, message);
      };
    return {
      trace: (own, message) => log.trace(own, message),
      debug: (own, message) => log.debug(own, message),
      info: kept('info'),
      warn: kept('warn'),
      error: kept('error'),
      child: (more) => this.log(log.child(more), { ...fields, ...more }),
    };
  }

  /** Puts what has gathered into the unit; the next attempt begins with none. */
  put(unit: Unit, run: number, path: string): void {
    if (this.#lines.length === 0) return;
    const lines = this.#lines.splice(0).map(({ text }) => text);
    if (this.#dropped > 0) lines.unshift(this.#line('info', {}, `${this.#dropped} lines before these`));
    this.#bytes = 0;
    this.#dropped = 0;
    unit.add(keepStepLines, { run, path, lines: lines.join('\n') });
  }

  #keep(level: StepLine['level'], fields: object, message: string): void {
    const text = this.#line(level, fields, message);
    const bytes = Buffer.byteLength(text);
    this.#lines.push({ text, bytes });
    this.#bytes += bytes;
    // One place stays free for the line that says how many are missing.
    while (this.#lines.length >= MOST_LINES || this.#bytes > MOST_LINE_BYTES - MOST_MESSAGE / 4) {
      this.#bytes -= this.#lines.shift()?.bytes ?? 0;
      this.#dropped++;
    }
  }

  #line(level: StepLine['level'], fields: object, message: string): string {
    const shown = shownFields(fields);
    const line = { at: this.#clock.now(), level, message: cut(redactText(message), MOST_MESSAGE) };
    return JSON.stringify(shown ? { ...line, fields: shown } : line);
  }
}

/** As they may be shown, and only as many of them as fit. */
function shownFields(fields: object): Record<string, string> | undefined {
  const shown: Record<string, string> = {};
  let room = MOST_FIELDS;
  for (const [name, value] of Object.entries(redactFields(fields as Record<string, unknown>))) {
    if (room <= 0) break;
    const text = cut(textOf(value), room);
    shown[name.slice(0, 100)] = text;
    room -= name.length + text.length;
  }
  return room === MOST_FIELDS ? undefined : shown;
}

function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return '[not shown]';
  }
}

function cut(text: string, most: number): string {
  return text.length > most ? `${text.slice(0, most)}…` : text;
}

/** The stored lines of a step, oldest first. */
export function readLines(text: string): StepLine[] {
  return text
    .split('\n')
    .slice(-MOST_LINES)
    .map((line) => JSON.parse(line) as StepLine);
}
