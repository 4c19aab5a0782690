import type { CursorPort } from '#bus/port.ts';
import type { Clock } from '#core/clock.ts';
import { errorRecord } from '#core/errors.ts';
import type { Log } from '#core/log.ts';

const EVERY_MS = 250;
const EVERY_EVENTS = 256;
const AFTER_FAILURE_MS = 5000;

/**
 * Moves a durable cursor along, at most every 250 ms or 256 events: a commit per event would cost an fsync
 * each. After a crash the events since the last commit are sent again.
 */
export class CursorPacer {
  readonly #cursor: CursorPort;
  readonly #clock: Clock;
  readonly #log: Log;
  #reached: number;
  #moved: number;
  #moving: Promise<void> | undefined;
  #timer: Disposable | undefined;

  constructor(cursor: CursorPort, clock: Clock, log: Log) {
    this.#cursor = cursor;
    this.#clock = clock;
    this.#log = log;
    this.#reached = cursor.position();
    this.#moved = this.#reached;
  }

  reached(seq: number): void {
    if (seq <= this.#reached) return;
    this.#reached = seq;
    if (this.#reached - this.#moved >= EVERY_EVENTS && !this.#moving) this.#move();
    else this.#arm(EVERY_MS);
  }

  /** Commits what is left. */
  async stop(): Promise<void> {
    await this.#moving;
    if (this.#reached > this.#moved) {
      this.#move();
      await this.#moving;
    }
    this.#timer?.[Symbol.dispose]();
    this.#timer = undefined;
  }

  #arm(ms: number): void {
    if (this.#timer || this.#moving) return;
    this.#timer = this.#clock.after(ms, () => {
      this.#timer = undefined;
      this.#move();
    });
  }

  #move(): void {
    this.#timer?.[Symbol.dispose]();
    this.#timer = undefined;
    this.#moving = this.#advance().then((next) => {
      this.#moving = undefined;
      if (this.#reached > this.#moved) this.#arm(next);
    });
  }

  /** Resolves with the pause before the next commit. */
  async #advance(): Promise<number> {
    const seq = this.#reached;
    try {
      await this.#cursor.advance(seq);
      this.#moved = seq;
      return EVERY_MS;
    } catch (error) {
      this.#log.warn({ cursor: this.#cursor.name, seq, error: errorRecord(error) }, 'cursor not moved');
      return AFTER_FAILURE_MS;
    }
  }
}
