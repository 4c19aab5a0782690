import { type Clock, sleep } from '#core/clock.ts';
import type { ReaderPort, WriterPort } from '#store/port.ts';
import { query, statement } from '#store/statement.ts';
import { Unit } from '#store/unit.ts';

const readTicks = query((db, _p: Record<never, never>) =>
  db.selectFrom('meta').select('value').where('key', '=', 'ticks'),
);
const writeTicks = statement((db, p: { value: string }) =>
  db
    .insertInto('meta')
    .values({ key: 'ticks', value: p.value })
    .onConflict((conflict) => conflict.column('key').doUpdateSet({ value: p.value })),
);

/**
 * A clock for relative waits that survives restarts: milliseconds that this installation has lived. It counts
 * on the monotonic clock, so the network setting the time does not end a wait of ten minutes at once. Over a
 * restart it moves on by what the wall clock says has passed, and never backwards: most Pis have no battery
 * clock and wake up where they went to sleep.
 */
export class Ticks {
  readonly #clock: Clock;
  readonly #store: { readonly reader: ReaderPort; readonly writer: WriterPort };
  #base = 0;
  #since = 0;

  constructor(clock: Clock, store: { readonly reader: ReaderPort; readonly writer: WriterPort }) {
    this.#clock = clock;
    this.#store = store;
  }

  open(): void {
    const row = this.#store.reader.get(readTicks, {});
    const stored = row
      ? (JSON.parse(row.value) as { tick: number; wall: number })
      : { tick: 0, wall: this.#clock.now() };
    this.#base = stored.tick + Math.max(0, this.#clock.now() - stored.wall);
    this.#since = this.#clock.monotonic();
  }

  /** Is there anything on disk to count on from after a power cut? */
  isKept(): boolean {
    return this.#store.reader.get(readTicks, {}) !== undefined;
  }

  /** Ticks now, whole milliseconds. */
  now(): number {
    return Math.round(this.#base + this.#clock.monotonic() - this.#since);
  }

  /** Sleeps until a tick has come. */
  until(tick: number, signal: AbortSignal): Promise<void> {
    return sleep(this.#clock, Math.max(0, tick - this.now()), signal);
  }

  /** Puts the present tick into a unit; done once a minute and at the end. */
  save(unit: Unit): Unit {
    return unit.add(writeTicks, { value: JSON.stringify({ tick: this.now(), wall: this.#clock.now() }) });
  }

  async persist(): Promise<void> {
    await this.#store.writer.commit(this.save(new Unit()));
  }
}
