/** One event on its way. */
export interface OnItsWay {
  readonly seq: number;
  readonly done: boolean;
}

interface Entry {
  seq: number;
  done: boolean;
}

/** How far the log is through without a hole: acknowledgements come in any order, a cursor moves in one. */
export class AckedLine {
  #position: number;
  #line: Entry[] = [];

  constructor(position: number) {
    this.#position = position;
  }

  /** Everything up to here has been taken or left out. */
  get position(): number {
    return this.#position;
  }

  begin(seq: number): OnItsWay {
    const entry: Entry = { seq, done: false };
    this.#line.push(entry);
    return entry;
  }

  settle(entry: OnItsWay): void {
    (entry as Entry).done = true;
    let first = this.#line[0];
    while (first?.done) {
      this.#position = first.seq;
      this.#line.shift();
      first = this.#line[0];
    }
  }

  /** Up to `seq` nothing is to be sent. */
  skip(seq: number): void {
    const last = this.#line.at(-1);
    if (last === undefined) this.#position = Math.max(this.#position, seq);
    else if (last.done) last.seq = seq;
    else this.#line.push({ seq, done: true });
  }

  /** Forgets what is on its way: it will be begun again from `position`. */
  restart(): void {
    this.#line = [];
  }
}
