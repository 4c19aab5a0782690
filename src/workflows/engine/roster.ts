import type { Execution } from './execution.ts';
import type { Ended } from './run-facts.ts';

/** What a run that has not ended is known by. */
interface LiveFacts {
  readonly key: number;
  readonly id: string;
  readonly workflow: string;
  readonly version: number;
  /** Whom it is counted with: its workflow, and the value of the workflow's concurrency key. */
  readonly line: string;
  /** Its place where runs queue: a higher one goes first. */
  readonly rank: number;
}

/** A run that has not ended: queued, resting or to begin later (no execution), or under way. */
export class LiveRun implements LiveFacts {
  readonly key: number;
  readonly id: string;
  readonly workflow: string;
  readonly line: string;
  readonly rank: number;
  version: number;
  execution: Execution | undefined;
  /** Begins it; of one that queues or waits for its time. */
  begin: (() => void) | undefined;
  /** It is on its way to another version: nothing else may be done to it now. */
  isMoving = false;
  #ended: PromiseWithResolvers<Ended | undefined> | undefined;

  constructor(facts: LiveFacts) {
    this.key = facts.key;
    this.id = facts.id;
    this.workflow = facts.workflow;
    this.version = facts.version;
    this.line = facts.line;
    this.rank = facts.rank;
    this.execution = undefined;
    this.begin = undefined;
  }

  /** Its end; undefined when the daemon stops first. Made when somebody asks: most runs only wait. */
  get ended(): PromiseWithResolvers<Ended | undefined> {
    this.#ended ??= Promise.withResolvers();
    return this.#ended;
  }
}

/** The name of the line of a run: workflows' names have no spaces. */
export function lineName(workflow: string, key: string | null): string {
  return key === null ? workflow : `${workflow} ${key}`;
}

/**
 * The live runs, and whose turn it is: how many of a line are under way against its limit, and who queues
 * for it: by rank, then first come first served.
 */
export class Roster {
  readonly #runs = new Map<string, LiveRun>();
  readonly #active = new Map<string, Set<LiveRun>>();
  readonly #queues = new Map<string, LiveRun[]>();
  #queued = 0;

  get size(): number {
    return this.#runs.size;
  }

  get queued(): number {
    return this.#queued;
  }

  get(id: string): LiveRun | undefined {
    return this.#runs.get(id);
  }

  all(): LiveRun[] {
    return [...this.#runs.values()];
  }

  activeOf(line: string): number {
    return this.#active.get(line)?.size ?? 0;
  }

  queuedOf(line: string): number {
    return this.#queues.get(line)?.length ?? 0;
  }

  enter(run: LiveRun): void {
    this.#runs.set(run.id, run);
    const active = this.#active.get(run.line);
    if (active) active.add(run);
    else this.#active.set(run.line, new Set([run]));
  }

  /** It is there, and neither under way nor in a queue: its time has not come. */
  expect(run: LiveRun): void {
    this.#runs.set(run.id, run);
  }

  queue(run: LiveRun): void {
    this.#runs.set(run.id, run);
    this.#queued++;
    const queue = this.#queues.get(run.line);
    if (!queue) {
      this.#queues.set(run.line, [run]);
      return;
    }
    let place = queue.length;
    while (place > 0 && goesBefore(run, queue[place - 1] as LiveRun)) place--;
    queue.splice(place, 0, run);
  }

  /** Those under way and those who queue, oldest first. */
  lineOf(line: string): LiveRun[] {
    const all = [...(this.#active.get(line) ?? []), ...(this.#queues.get(line) ?? [])];
    return all.sort((a, b) => a.key - b.key);
  }

  /** Takes a run out of its queue, so that its turn does not come; false when it is not in it. */
  unqueue(run: LiveRun): boolean {
    const queue = this.#queues.get(run.line);
    const place = queue?.indexOf(run) ?? -1;
    if (!queue || place < 0) return false;
    queue.splice(place, 1);
    this.#queued--;
    if (queue.length === 0) this.#queues.delete(run.line);
    return true;
  }

  /** Takes a run out; `ended` undefined means the daemon stops first. */
  leave(run: LiveRun, ended: Ended | undefined): void {
    this.#runs.delete(run.id);
    const active = this.#active.get(run.line);
    active?.delete(run);
    if (active?.size === 0) this.#active.delete(run.line);
    if (run.begin) this.unqueue(run);
    run.ended.resolve(ended);
  }

  /** Begins those who queue in a line, while fewer than `max` are under way. */
  advance(line: string, max: number): void {
    const queue = this.#queues.get(line);
    while (queue && queue.length > 0 && this.activeOf(line) < max) {
      const next = queue.shift() as LiveRun;
      this.#queued--;
      if (queue.length === 0) this.#queues.delete(line);
      const { begin } = next;
      next.begin = undefined;
      this.enter(next);
      begin?.();
    }
  }
}

function goesBefore(one: LiveRun, other: LiveRun): boolean {
  return one.rank === other.rank ? one.key < other.key : one.rank > other.rank;
}
