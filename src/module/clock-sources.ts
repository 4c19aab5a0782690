import { execFile } from 'node:child_process';
import { access, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Somebody who may know that the wall clock is right. */
export interface ClockSource {
  readonly name: string;
  /** Never rejects; what can't be asked does not know. */
  isRight(now: number): Promise<boolean>;
}

const ANSWER_MS = 3000;
/** A battery clock and the system's may differ by this much, seconds. */
const RTC_SLACK_S = 3;
/** No battery clock that was ever set is before this. */
const EARLIEST_S = Date.UTC(2026, 0, 1) / 1000;

/** systemd-timesyncd touches this file when it has set the clock, once each boot (systemd-timesyncd.service(8)). */
export function timesyncSource(stamp = '/run/systemd/timesync/synchronized'): ClockSource {
  return {
    name: 'systemd-timesyncd',
    isRight: () =>
      access(stamp).then(
        () => true,
        () => false,
      ),
  };
}

/**
 * The kernel's own word (adjtimex without STA_UNSYNC) as timedated tells it: whatever keeps the time, chrony and
 * ntpd too. Asked through `timedatectl`, because Node has no adjtimex.
 */
export function kernelSource(command = 'timedatectl'): ClockSource {
  return {
    name: 'kernel',
    isRight: () =>
      new Promise((resolve) => {
        const args = ['show', '--property=NTPSynchronized', '--value'];
        execFile(command, args, { timeout: ANSWER_MS, maxBuffer: 10_000 }, (error, answer) =>
          resolve(!error && answer.trim() === 'yes'),
        );
      }),
  };
}

/**
 * A battery clock that the kernel has set the system's clock from at this boot (Documentation/ABI/testing/rtc,
 * `hctosys`) and that still agrees with it. A Pi 5 has one always, with a battery or not: without one it
 * begins in 1970, and does not agree.
 */
export function rtcSource(directory = '/sys/class/rtc'): ClockSource {
  return {
    name: 'rtc',
    async isRight(now) {
      try {
        for (const name of await readdir(directory)) {
          const read = (file: string) => readFile(join(directory, name, file), 'utf8');
          if ((await read('hctosys')).trim() !== '1') continue;
          const seconds = Number(await read('since_epoch'));
          if (seconds >= EARLIEST_S && Math.abs(seconds - now / 1000) <= RTC_SLACK_S) return true;
        }
      } catch {
        // There is none, or it can't be read.
      }
      return false;
    },
  };
}

/** Everybody there is to ask on Linux, the cheapest first. */
export function clockSources(): readonly ClockSource[] {
  return [timesyncSource(), rtcSource(), kernelSource()];
}
