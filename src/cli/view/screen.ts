import type { CliIo } from '../io.ts';
import { type Colour, type Paint, painter, statusColour, statusMark } from './style.ts';
import { type Column, tableLines } from './table.ts';
import { cut, displayWidth, printable } from './text.ts';

/**
 * Where a command's answer goes. Results go to standard output, everything said about them (errors, notes,
 * progress) to standard error, so that `chainbot … | jq` sees the result only.
 */
export class Screen {
  readonly #io: CliIo;
  readonly #paint: Paint;
  readonly #paintNote: Paint;

  /** `colour: false` is --no-color; otherwise each stream is coloured when it is a terminal without NO_COLOR. */
  constructor(io: CliIo, colour: boolean) {
    const wanted = colour && !io.environment.noColor;
    this.#io = io;
    this.#paint = painter(wanted && io.stdout.isTTY);
    this.#paintNote = painter(wanted && io.stderr.isTTY);
  }

  /** Cells per line, or undefined when the output is not a terminal. At least 20: below that nothing is readable. */
  get width(): number | undefined {
    const { columns } = this.#io.stdout;
    return columns === undefined ? undefined : Math.max(20, columns);
  }

  get ellipsis(): string {
    return this.#io.environment.unicode ? '…' : '...';
  }

  /** Colours text for standard output. */
  paint(colour: Colour, text: string): string {
    return this.#paint(colour, text);
  }

  line(text = ''): void {
    this.#io.stdout.write(`${text}\n`);
  }

  /** A line of parts, each with its colour, two cells between; cut as a whole. Empty parts are left out. */
  parts(...parts: readonly (readonly [colour: Colour | undefined, text: string])[]): void {
    let room = this.width ?? Number.POSITIVE_INFINITY;
    const shown: string[] = [];
    for (const [colour, text] of parts) {
      if (text === '' || room <= 0) continue;
      const fitting = Number.isFinite(room) ? cut(text, room, this.ellipsis) : text;
      shown.push(colour === undefined ? fitting : this.#paint(colour, fitting));
      room -= displayWidth(text) + 2;
    }
    this.line(shown.join('  '));
  }

  /** A line for people beside the result. */
  note(text: string): void {
    this.#io.stderr.write(`${text}\n`);
  }

  paintNote(colour: Colour, text: string): string {
    return this.#paintNote(colour, text);
  }

  /** The API's JSON as it came: indented on a terminal, one line otherwise. */
  json(value: unknown): void {
    this.line(JSON.stringify(value, null, this.#io.stdout.isTTY ? 2 : undefined));
  }

  /** JSON on one line, for streams of them. */
  jsonLine(value: unknown): void {
    this.line(JSON.stringify(value));
  }

  /** `✓ completed`, coloured. */
  status(status: string): string {
    return this.paintStatus(status, `${this.mark(status)} ${printable(status)}`);
  }

  /** Colours text as the status has it. */
  paintStatus(status: string, text: string): string {
    return this.#paint(statusColour(status), text);
  }

  /** The status mark alone, not coloured. */
  mark(status: string): string {
    return statusMark(status, this.#io.environment.unicode);
  }

  /** A table for people. An empty one says `empty` on standard error. */
  table(columns: readonly Column[], rows: readonly (readonly string[])[], empty: string): void {
    if (rows.length === 0) {
      this.note(empty);
      return;
    }
    const lines = this.rows(columns, rows, true);
    this.line(this.#paint('bold', lines[0] ?? ''));
    for (const line of lines.slice(1)) this.line(line);
  }

  /** A table's lines, for views that put something between them. */
  rows(columns: readonly Column[], rows: readonly (readonly string[])[], head: boolean): string[] {
    return tableLines({ columns, rows, width: this.width, ellipsis: this.ellipsis, head });
  }

  /** Label and value pairs, labels dimmed and lined up; undefined values are left out. */
  fields(pairs: readonly (readonly [label: string, value: string | undefined])[]): void {
    const shown = pairs.filter((pair): pair is readonly [string, string] => pair[1] !== undefined);
    const widest = Math.max(0, ...shown.map(([label]) => label.length));
    for (const [label, value] of shown) {
      this.line(`${this.#paint('dim', label.padEnd(widest))}  ${this.fitted(value, widest + 2)}`);
    }
  }

  /** Text cut so that it fits behind `indent` cells; painted text is left whole. */
  fitted(text: string, indent: number): string {
    if (this.width === undefined || text.includes('\u001b')) return text;
    return cut(text, Math.max(1, this.width - indent), this.ellipsis);
  }
}
