import type { Unit } from '#store/unit.ts';
import { setActivity } from './run-table.ts';

/**
 * Whether a run works or waits: it waits when every strand of it does. What changes goes into the unit that
 * the strand commits next.
 */
export class Activity {
  readonly #key: number;
  #strands = 1;
  #waiting = 0;
  #restful = 0;

  constructor(key: number) {
    this.#key = key;
  }

  get isWaiting(): boolean {
    return this.#waiting > 0 && this.#waiting === this.#strands;
  }

  /** Every strand waits, and no wait needs anything in memory. */
  get canRest(): boolean {
    return this.isWaiting && this.#restful === this.#waiting;
  }

  /** A strand begins to wait. `restful`: the wait needs nothing in memory. */
  enterWait(unit: Unit, restful: boolean): void {
    this.#waiting++;
    if (restful) this.#restful++;
    this.#noteWaiting(unit);
  }

  leaveWait(unit: Unit, restful: boolean): void {
    if (this.#waiting === this.#strands) unit.add(setActivity, { key: this.#key, status: 'running' });
    this.#waiting--;
    if (restful) this.#restful--;
  }

  fork(branches: number): void {
    this.#strands += branches - 1;
  }

  /** `unit`: where it is put down that the run now waits, if it does; undefined: it goes on in a moment. */
  branchEnded(unit: Unit | undefined): void {
    this.#strands--;
    if (unit) this.#noteWaiting(unit);
  }

  join(): void {
    this.#strands++;
  }

  #noteWaiting(unit: Unit): void {
    if (this.#strands === 0 || this.#waiting !== this.#strands) return;
    unit.add(setActivity, { key: this.#key, status: 'waiting' });
  }
}
