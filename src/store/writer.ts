import { Worker } from 'node:worker_threads';
import { RetryableError, TerminalError } from '#core/errors.ts';
import type { Log } from '#core/log.ts';
import { type BatchOutcome, encodeUnit, type FlatWork, type RefusedUnit, type WriterReply } from './batch.ts';
import type { CommitListener, Committed, WriterPort } from './port.ts';
import { type EventRow, Unit } from './unit.ts';

/**
 * The main thread's half of the writer: a bounded queue, one batch in flight.
 *
 * W1  `commit` resolves only after the commit (fsync) that holds the unit.
 * W2  Listeners hear of a unit's events after its commit, in sequence order, before its promise resolves.
 * W3  When the outcome of a batch is unknown (failed COMMIT, dead thread), a new thread reads it from
 *     writer_state: landed units resolve, others reject with `store.failed`; only when the file can't be read
 *     again do they reject with `store.unknown`.
 * W4  A unit that was not yet sent survives a restart of the thread; nothing waits for ever.
 *
 * When to send: on a fast disk half of the writers' units go as soon as they are there, so that this thread
 * prepares one half while the other commits the other half; on a slow one everybody's units go together, so
 * that one fsync serves all.
 */
export interface WriterOptions {
  readonly path: string;
  readonly telemetryPath: string;
  readonly log: Log;
  /** Units waiting at most; a further one is refused with `store.busy`. */
  readonly queueLimit?: number;
  /** Called when the writer changes between working and not. */
  readonly onTrouble?: (trouble: WriterTrouble | undefined) => void;
  /** Makes the thread; for tests that take it down. */
  readonly spawn?: (workerData: { readonly path: string; readonly telemetryPath: string }) => Worker;
}

export interface WriterTrouble {
  readonly code: 'newer' | 'corrupt' | 'sqlite_old' | 'io' | 'full';
  readonly message: string;
}

interface Waiting {
  readonly unit: Unit;
  readonly resolve: (committed: Committed) => void;
  readonly reject: (error: unknown) => void;
}

export interface OpenedDatabase {
  readonly epoch: string;
  readonly head: number;
  readonly migrated: number;
}

const MOST_PER_BATCH = 256;
/** A commit that takes longer than this is a slow disk's (an SD card: 5 to 100 ms). */
const FAST_COMMIT_MS = 3;
const REOPEN_PAUSES_MS = [0, 200, 1000, 3000];
const NO_EVENTS: Committed = Object.freeze({ seqs: Object.freeze([]) });

export class Writer implements WriterPort {
  readonly #options: WriterOptions;
  readonly #queueLimit: number;
  readonly #listeners = new Set<CommitListener>();
  #worker: Worker | undefined;
  #sentSql = new Set<number>();
  #queue: Waiting[] = [];
  #inFlight: { readonly batch: number; readonly waiting: readonly Waiting[] } | undefined;
  #lastBatch = 0;
  #scheduled = false;
  #sentAt = 0;
  #isFast = true;
  #lastSize = 0;
  #closing: (() => void) | undefined;
  #state: 'new' | 'open' | 'reopening' | 'closed' = 'new';
  #trouble: WriterTrouble | undefined;
  /** Batches committed since the start: the number of fsyncs asked for. */
  commits = 0;

  constructor(options: WriterOptions) {
    this.#options = options;
    this.#queueLimit = options.queueLimit ?? 20_000;
  }

  get trouble(): WriterTrouble | undefined {
    return this.#trouble;
  }

  get backlog(): number {
    return this.#queue.length + (this.#inFlight?.waiting.length ?? 0);
  }

  onCommit(listener: CommitListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** @throws the WriterTrouble as TerminalError `store.<code>` when the file can't be opened for writing */
  async open(): Promise<OpenedDatabase> {
    const ready = await this.#spawn();
    if (ready.kind === 'open_failed') {
      this.#state = 'closed';
      this.#setTrouble({ code: ready.code, message: ready.message });
      throw new TerminalError('failed', `store.${ready.code}`, ready.message);
    }
    this.#lastBatch = ready.lastBatch;
    this.#state = 'open';
    this.#setTrouble(undefined);
    return { epoch: ready.epoch, head: ready.head, migrated: ready.migrated };
  }

  commit(unit: Unit): Promise<Committed> {
    if (this.#state !== 'open') return Promise.reject(this.#closedError());
    if (this.#queue.length >= this.#queueLimit) {
      return Promise.reject(
        new RetryableError('store.busy', `${this.#queue.length} writes are waiting for the disk`, {
          hint: 'The disk is slower than the work. Try again in a moment.',
          retryAfterMs: 1000,
        }),
      );
    }
    return new Promise((resolve, reject) => {
      this.#queue.push({ unit, resolve, reject });
      if (this.#isFast && this.#queue.length * 2 >= this.#lastSize) this.#flush();
      else this.#schedule();
    });
  }

  /** Sends readings to telemetry.db; false when there is no writer now. */
  telemetry(rows: readonly (string | number)[], keepFrom: number): boolean {
    if (this.#state !== 'open') return false;
    this.#worker?.postMessage({ kind: 'telemetry', rows, keepFrom });
    return true;
  }

  /** Commits what is queued, then ends the thread. */
  async close(): Promise<void> {
    if (this.#state === 'open') await this.commit(new Unit()).catch(() => undefined);
    this.#state = 'closed';
    const worker = this.#worker;
    this.#rejectAll(this.#closedError());
    if (!worker) return;
    const ended = new Promise<void>((resolve) => {
      this.#closing = resolve;
    });
    worker.postMessage({ kind: 'close' });
    await ended;
  }

  #schedule(): void {
    if (this.#scheduled || this.#inFlight) return;
    this.#scheduled = true;
    const flush = (): void => {
      this.#scheduled = false;
      this.#flush();
    };
    if (this.#isFast) queueMicrotask(flush);
    else setImmediate(flush);
  }

  #flush(): void {
    if (this.#inFlight || this.#queue.length === 0 || this.#state !== 'open') return;
    const waiting = this.#queue.splice(0, MOST_PER_BATCH);
    const batch = ++this.#lastBatch;
    const work: FlatWork = [];
    const sql: (number | string)[] = [];
    for (const { unit } of waiting) {
      for (const { statement } of unit.steps) {
        if (this.#sentSql.has(statement.id)) continue;
        this.#sentSql.add(statement.id);
        sql.push(statement.id, statement.sql);
      }
      encodeUnit(unit, work);
    }
    this.#inFlight = { batch, waiting };
    this.#sentAt = performance.now();
    this.#lastSize = waiting.length;
    this.#worker?.postMessage({ kind: 'batch', batch, units: waiting.length, sql, work });
  }

  #onReply(message: WriterReply): void {
    if (message.kind !== 'outcome' || message.batch !== this.#inFlight?.batch) return;
    if (message.outcome.result === 'unknown') {
      this.#options.log.error(
        { message: message.outcome.message },
        'the disk failed during a commit; reading what it holds',
      );
      if (/SQLITE_(CORRUPT|NOTADB)/.test(message.outcome.message)) {
        this.#setTrouble({ code: 'corrupt', message: message.outcome.message });
      }
      return; // the thread ends itself; #onExit reads the truth
    }
    this.#isFast = performance.now() - this.#sentAt < FAST_COMMIT_MS;
    this.#settle(message.outcome);
    this.#schedule();
  }

  #settle(outcome: BatchOutcome): void {
    const waiting = this.#inFlight?.waiting ?? [];
    this.#inFlight = undefined;
    if (outcome.result === 'committed') {
      this.commits++;
      if (this.#trouble) this.#setTrouble(undefined);
      this.#resolveLanded(waiting, outcome.firstSeq, outcome.refused);
    } else if (outcome.result === 'full') {
      this.#setTrouble({ code: 'full', message: outcome.message });
      for (const one of waiting) one.reject(fullError(outcome.message));
    }
  }

  #resolveLanded(waiting: readonly Waiting[], firstSeq: number, refused: readonly RefusedUnit[]): void {
    const problems = new Map(refused.map((one) => [one.unit, one]));
    const events: EventRow[] = [];
    const landed: (() => void)[] = [];
    for (const [index, one] of waiting.entries()) {
      const problem = problems.get(index);
      if (problem) {
        landed.push(() => one.reject(refusedError(problem)));
        continue;
      }
      const seqs = one.unit.events.map((_, offset) => firstSeq + events.length + offset);
      events.push(...one.unit.events);
      landed.push(() => one.resolve(seqs.length === 0 ? NO_EVENTS : { seqs }));
    }
    if (events.length > 0) this.#tellListeners(firstSeq, events);
    for (const tell of landed) tell();
  }

  #tellListeners(firstSeq: number, events: readonly EventRow[]): void {
    for (const listener of this.#listeners) {
      try {
        listener(firstSeq, events);
      } catch (error) {
        this.#options.log.error({ err: error }, 'a listener of the event log failed');
      }
    }
  }

  #spawn(): Promise<Extract<WriterReply, { kind: 'ready' | 'open_failed' }>> {
    const { path, telemetryPath, spawn } = this.#options;
    const worker = (spawn ?? writerThread)({ path, telemetryPath });
    this.#worker = worker;
    this.#sentSql = new Set();
    return new Promise((resolve) => {
      worker.on('message', (message: WriterReply) => {
        if (message.kind === 'outcome') this.#onReply(message);
        else resolve(message);
      });
      worker.on('error', (error) => this.#options.log.error({ err: error }, 'the writer thread failed'));
      worker.on('exit', () => {
        resolve({
          kind: 'open_failed',
          code: 'io',
          message: 'the writer thread ended while it was starting',
        });
        if (worker === this.#worker) this.#onExit();
      });
    });
  }

  #onExit(): void {
    this.#worker = undefined;
    this.#closing?.();
    if (this.#state === 'open') {
      this.#state = 'reopening';
      void this.#reopen();
    }
  }

  async #reopen(): Promise<void> {
    for (let attempt = 0; this.#state === 'reopening'; attempt++) {
      const pause = REOPEN_PAUSES_MS[Math.min(attempt, REOPEN_PAUSES_MS.length - 1)] ?? 0;
      await new Promise((resolve) => setTimeout(resolve, pause));
      if (this.#state !== 'reopening') return;
      const ready = await this.#spawn();
      if (ready.kind === 'ready') {
        this.#reopened(ready);
        return;
      }
      this.#setTrouble({ code: ready.code, message: ready.message });
      if (attempt === REOPEN_PAUSES_MS.length - 1) this.#rejectAll(failedError(ready.message));
    }
  }

  #reopened(ready: Extract<WriterReply, { kind: 'ready' }>): void {
    this.#state = 'open';
    this.#setTrouble(undefined);
    const flight = this.#inFlight;
    this.#inFlight = undefined;
    if (flight && ready.lastBatch === flight.batch) {
      const events = flight.waiting.reduce((sum, one) => sum + one.unit.events.length, 0);
      const lost = ready.refused.reduce(
        (sum, one) => sum + (flight.waiting[one.unit]?.unit.events.length ?? 0),
        0,
      );
      this.#resolveLanded(flight.waiting, ready.head - (events - lost) + 1, ready.refused);
    } else {
      for (const one of flight?.waiting ?? [])
        one.reject(failedError('the disk failed; this was not written'));
    }
    this.#options.log.info({ batch: ready.lastBatch }, 'the writer works again');
    this.#schedule();
  }

  /**
   * After the file could not be read again: what was sent is unknown, what was not sent is not on disk. The
   * batch that was sent is kept: when the file can be read one day, the listeners hear of what had landed.
   */
  #rejectAll(error: unknown): void {
    const flight = this.#inFlight;
    const queue = this.#queue;
    this.#queue = [];
    for (const one of flight?.waiting ?? []) one.reject(unknownError());
    for (const one of queue) one.reject(error);
  }

  #setTrouble(trouble: WriterTrouble | undefined): void {
    if (trouble?.code === this.#trouble?.code) return;
    this.#trouble = trouble;
    this.#options.onTrouble?.(trouble);
  }

  #closedError(): RetryableError {
    if (this.#state === 'reopening')
      return failedError(this.#trouble?.message ?? 'the writer is starting again');
    return new RetryableError('store.closed', 'the database is closed', {
      hint: 'ChainBot is starting or stopping.',
    });
  }
}

function writerThread(workerData: { readonly path: string; readonly telemetryPath: string }): Worker {
  // Source and bundle lie in the same relative places; only the ending differs.
  const file = import.meta.url.endsWith('.ts') ? './writer-thread.ts' : './writer-thread.js';
  return new Worker(new URL(file, import.meta.url), {
    workerData,
    name: 'chainbot-writer',
    resourceLimits: { maxOldGenerationSizeMb: 128 },
  });
}

function fullError(message: string): RetryableError {
  return new RetryableError('store.full', `the disk is full: nothing of this was written (${message})`, {
    hint: 'Free some space on the disk that holds the data directory; ChainBot goes on by itself.',
    retryAfterMs: 5000,
  });
}

function failedError(message: string): RetryableError {
  return new RetryableError('store.failed', `the disk failed: nothing of this was written (${message})`, {
    hint: 'Look at `dmesg` for I/O errors; an SD card that fails must be replaced. Keep a copy of the data directory.',
    retryAfterMs: 5000,
  });
}

function unknownError(): RetryableError {
  return new RetryableError('store.unknown', 'the disk failed: whether this was written is not known', {
    hint: 'Ask again with the same Idempotency-Key once the disk works: what was written is not done twice.',
    retryAfterMs: 10_000,
  });
}

function refusedError(problem: RefusedUnit): TerminalError {
  return new TerminalError('conflict', `store.${problem.reason}`, problem.message);
}
