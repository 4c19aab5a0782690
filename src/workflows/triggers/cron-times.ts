import { Cron } from 'croner';

export interface MissedTimes {
  /** Oldest first. */
  readonly times: readonly number[];
  /** There were more, older ones. */
  readonly more: boolean;
}

/** The times of a cron expression in a time zone; undefined: the machine's. */
export class CronTimes {
  readonly #cron: Cron;

  constructor(cron: string, timezone: string | undefined) {
    this.#cron = new Cron(cron, {
      paused: true,
      mode: '5-or-6-parts',
      ...(timezone === undefined ? {} : { timezone }),
    });
  }

  /** The first time after `time`; undefined: there is none any more. */
  next(time: number): number | undefined {
    return this.#cron.nextRun(new Date(time))?.getTime();
  }

  /** The times after `from` up to `to`, at most the newest `most`: each costs about 0.1 ms. */
  between(from: number, to: number, most: number): MissedTimes {
    const first = this.next(from);
    if (first === undefined || first > to) return { times: [], more: false };
    const times: number[] = [];
    // Cron goes by whole seconds, and what came before a time excludes it.
    let at: number | undefined = Math.floor(to / 1000) * 1000 + 1000;
    while (times.length <= most) {
      at = this.#cron.previousRuns(1, new Date(at))[0]?.getTime();
      if (at === undefined || at <= from) break;
      times.push(at);
    }
    return { times: times.slice(0, most).reverse(), more: times.length > most };
  }
}
