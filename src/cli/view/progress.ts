import type { Clock } from '#core/clock.ts';
import { formatDuration } from '#core/duration.ts';
import type { CliIo } from '../io.ts';
import { cut } from './text.ts';

const FRAMES = { unicode: ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'], ascii: ['-', '\\', '|', '/'] };
const FRAME_MS = 120;
/** What is quicker than this needs no spinner. */
const PATIENCE_MS = 400;
const CLEAR_LINE = '\r\u001b[K';

/** One line on standard error that says what is being waited for; only on a terminal. */
export class Progress {
  readonly #io: CliIo;
  readonly #clock: Clock;
  #timer: Disposable | undefined;
  #text = '';
  #since = 0;
  #frame = 0;
  #shown = false;

  constructor(io: CliIo) {
    this.#io = io;
    this.#clock = io.clock;
  }

  /** Shows (after a moment) or changes the line. */
  show(text: string): void {
    if (!this.#io.stderr.isTTY || this.#io.interrupted.aborted) return;
    this.#text = text;
    if (this.#timer !== undefined) return;
    this.#since = this.#clock.monotonic();
    this.#timer = this.#clock.after(PATIENCE_MS, () => this.#draw());
  }

  /** Takes the line away so that something else may be printed; the next frame brings it back. */
  hide(): void {
    if (this.#shown) this.#io.stderr.write(CLEAR_LINE);
    this.#shown = false;
  }

  stop(): void {
    this.#timer?.[Symbol.dispose]();
    this.#timer = undefined;
    this.hide();
  }

  /** Shows the line while a promise is under way. */
  async during<T>(text: string, work: Promise<T>): Promise<T> {
    this.show(text);
    try {
      return await work;
    } finally {
      this.stop();
    }
  }

  #draw(): void {
    const { unicode } = this.#io.environment;
    const frames = unicode ? FRAMES.unicode : FRAMES.ascii;
    this.#frame = (this.#frame + 1) % frames.length;
    const elapsed = formatDuration(Math.floor((this.#clock.monotonic() - this.#since) / 100) * 100);
    const line = `${frames[this.#frame]} ${this.#text} (${elapsed})`;
    const width = (this.#io.stderr.columns ?? 80) - 1;
    this.#io.stderr.write(CLEAR_LINE + cut(line, width, unicode ? '…' : '...'));
    this.#shown = true;
    this.#timer = this.#clock.after(FRAME_MS, () => this.#draw());
  }
}
