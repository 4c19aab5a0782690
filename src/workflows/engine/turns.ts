import { RetryableError, TerminalError } from '#core/errors.ts';
import type { CompiledConcurrency } from '../definition/concurrency.ts';
import type { RestingRuns } from './resting-runs.ts';
import type { LiveRun, Roster } from './roster.ts';

export interface TurnLimits {
  /** Runs in memory: under way, or waiting for what may come at any moment; a further start is `engine.busy`. */
  readonly maxLive: number;
  /** Runs that queue, of all workflows; a further one is `run.queue_full`. */
  readonly maxQueued: number;
  /** Runs that only wait; they cost a line in memory each. */
  readonly maxWaiting: number;
}

export interface LaunchLimits extends TurnLimits {
  /** A run that only waits is put out of memory after this long, milliseconds. */
  readonly restAfterMs: number;
}

/** Who may begin: the daemon's own limits, and those of each workflow's line. */
export class Turns {
  readonly #roster: Roster;
  readonly #resting: () => RestingRuns;
  readonly #limits: TurnLimits;

  constructor(roster: Roster, resting: () => RestingRuns, limits: TurnLimits) {
    this.#roster = roster;
    this.#resting = resting;
    this.#limits = limits;
  }

  /** May one more run be in memory? */
  get hasRoom(): boolean {
    return this.#live < this.#limits.maxLive;
  }

  get #live(): number {
    return this.#roster.size - this.#roster.queued - this.#resting().size;
  }

  /** `later`: it is only to wait for its time. @throws RetryableError `engine.busy` */
  assertRoom(later: boolean): void {
    const waiting = this.#resting().size;
    if ((later || this.hasRoom) && waiting < this.#limits.maxWaiting) return;
    throw new RetryableError('engine.busy', `${this.#live} runs are live and ${waiting} wait already`, {
      hint: 'Wait for some to end, or raise engine.max_active_runs.',
      retryAfterMs: 1000,
    });
  }

  isFull(line: string, concurrency: CompiledConcurrency | undefined): boolean {
    return concurrency !== undefined && this.#roster.activeOf(line) >= concurrency.max;
  }

  /** @throws TerminalError `run.limit` when its line has as many under way as it may */
  assertTurn(line: string, concurrency: CompiledConcurrency | undefined): void {
    if (concurrency && this.isFull(line, concurrency)) throw limitReached(line, concurrency.max);
  }

  /**
   * Must a new run wait for its turn?
   * @throws TerminalError `run.limit` when its workflow takes no more
   * @throws RetryableError `run.queue_full`
   */
  mustQueue(line: string, concurrency: CompiledConcurrency | undefined): boolean {
    if (!concurrency || !this.isFull(line, concurrency)) return false;
    if (concurrency.on_limit === 'skip') throw limitReached(line, concurrency.max);
    // One that replaces those before it queues for a moment only.
    if (concurrency.on_limit === 'queue') this.#assertQueue(line, concurrency);
    return true;
  }

  #assertQueue(line: string, { max_queued }: CompiledConcurrency): void {
    const here = this.#roster.queuedOf(line);
    const isFull = max_queued !== undefined && here >= max_queued;
    if (!isFull && this.#roster.queued < this.#limits.maxQueued) return;
    throw new RetryableError(
      'run.queue_full',
      isFull ? `${here} runs of "${line}" queue already` : `${this.#roster.queued} runs queue already`,
      {
        hint: isFull
          ? 'Try again later, or raise `concurrency.max_queued` of the workflow.'
          : 'Try again later, or raise engine.max_queued_runs.',
        retryAfterMs: QUEUE_AGAIN_MS,
      },
    );
  }

  /** Begins queued runs for which there is room; `end` is told of those that newer ones replace. */
  advance(
    line: string,
    concurrency: CompiledConcurrency | undefined,
    end: (live: LiveRun, reason: string) => void,
  ): void {
    const max = concurrency?.max ?? Number.POSITIVE_INFINITY;
    if (concurrency?.on_limit === 'replace') {
      const all = this.#roster.lineOf(line);
      for (const live of all.slice(0, Math.max(0, all.length - max))) end(live, REPLACED);
    }
    this.#roster.advance(line, max);
  }
}

export function stoppingNow(): RetryableError {
  return new RetryableError('engine.busy', 'ChainBot is stopping', {
    hint: 'It is there again in a moment.',
    retryAfterMs: 1000,
  });
}

const QUEUE_AGAIN_MS = 5000;
const REPLACED = 'a newer run replaced it';

function limitReached(line: string, max: number): TerminalError {
  return new TerminalError(
    'conflict',
    'run.limit',
    `${max === 1 ? '1 run' : `${max} runs`} of "${line}" ${max === 1 ? 'is' : 'are'} under way; it takes no more`,
    {
      hint: 'Wait for one to end, or raise its `concurrency`; with `on_limit: queue` a start waits its turn.',
    },
  );
}
