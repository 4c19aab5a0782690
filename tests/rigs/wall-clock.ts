import { globSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const LIBRARY = globSync('/usr/lib{,64}/{,*/}faketime/libfaketimeMT.so.1')[0];

/** Whether this machine has libfaketime (Debian: libfaketime). */
export const canSetClock = LIBRARY !== undefined;

/**
 * The wall clock of one process and its children, which a test sets while it runs. Time that only goes forward
 * goes on as it is, as it does when the network sets a real machine's clock.
 */
export class WallClock implements Disposable {
  readonly #folder = mkdtempSync(join(tmpdir(), 'chainbot-clock-'));
  readonly #file = join(this.#folder, 'now');
  #offsetMs = 0;

  constructor() {
    this.jumpTo(0);
  }

  /** What the process is started with. */
  get env(): Readonly<Record<string, string>> {
    return {
      LD_PRELOAD: LIBRARY as string,
      FAKETIME_TIMESTAMP_FILE: this.#file,
      FAKETIME_NO_CACHE: '1',
      DONT_FAKE_MONOTONIC: '1',
      NO_FAKE_STAT: '1',
    };
  }

  /** Sets it so much before or after the real time, whole milliseconds. */
  jumpTo(offsetMs: number): void {
    this.#offsetMs = offsetMs;
    const next = `${this.#file}.next`;
    writeFileSync(next, `${offsetMs < 0 ? '-' : '+'}${Math.abs(offsetMs) / 1000}\n`);
    renameSync(next, this.#file); // never half of it
  }

  /** What the process reads now, Unix milliseconds. */
  now(): number {
    return Date.now() + this.#offsetMs;
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
