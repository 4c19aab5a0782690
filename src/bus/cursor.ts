import type { Clock } from '#core/clock.ts';
import type { ReaderPort, WriterPort } from '#store/port.ts';
import { Unit } from '#store/unit.ts';
import { advanceCursor, cursorByName } from './log-table.ts';
import type { CursorPort } from './port.ts';

/** A named, durable position in the log: retention waits for it. */
export class Cursor implements CursorPort {
  readonly name: string;
  readonly #store: { readonly reader: ReaderPort; readonly writer: WriterPort };
  readonly #clock: Clock;
  #position = 0;

  constructor(
    name: string,
    store: { readonly reader: ReaderPort; readonly writer: WriterPort },
    clock: Clock,
  ) {
    this.name = name;
    this.#store = store;
    this.#clock = clock;
  }

  /** Goes where it was left; a new one begins after `start`, and is on disk with its first advance. */
  open(start: number): void {
    this.#position = this.#store.reader.get(cursorByName, { name: this.name })?.seq ?? start;
  }

  position(): number {
    return this.#position;
  }

  async advance(seq: number): Promise<void> {
    if (seq <= this.#position) return;
    await this.#store.writer.commit(this.move(new Unit(), seq));
    this.#position = Math.max(this.#position, seq);
  }

  /** Adds the move to a unit of the reader's own, so that the work and the position are committed together. */
  move(unit: Unit, seq: number): Unit {
    return unit.add(advanceCursor, { name: this.name, seq, now: this.#clock.now() });
  }
}
