import type { Ended, Execution } from './execution.ts';

/** A run that has not ended: queued or resting (no execution), or under way. */
export interface LiveRun {
  readonly key: number;
  readonly id: string;
  readonly workflow: string;
  readonly version: number;
  execution: Execution | undefined;
  readonly begin: (() => void) | undefined;
  readonly ended: PromiseWithResolvers<Ended | undefined>;
}

/**
 * The live runs, and whose turn it is: how many of a workflow are under way against its limit, and who
 * queues for it, first come first served.
 */
export class Roster {
  readonly #runs = new Map<string, LiveRun>();
  readonly #active = new Map<string, Set<LiveRun>>();
  readonly #queues = new Map<string, LiveRun[]>();

  get size(): number {
    return this.#runs.size;
  }

  get queued(): number {
    let sum = 0;
    for (const queue of this.#queues.values()) sum += queue.length;
    return sum;
  }

  get(id: string): LiveRun | undefined {
    return this.#runs.get(id);
  }

  all(): LiveRun[] {
    return [...this.#runs.values()];
  }

  activeOf(workflow: string): number {
    return this.#active.get(workflow)?.size ?? 0;
  }

  enter(run: LiveRun): void {
    this.#runs.set(run.id, run);
    const active = this.#active.get(run.workflow);
    if (active) active.add(run);
    else this.#active.set(run.workflow, new Set([run]));
  }

  queue(run: LiveRun): void {
    this.#runs.set(run.id, run);
    const queue = this.#queues.get(run.workflow);
    if (queue) queue.push(run);
    else this.#queues.set(run.workflow, [run]);
  }

  /** Those under way, oldest first, then those who queue. */
  lineOf(workflow: string): LiveRun[] {
    return [...(this.#active.get(workflow) ?? []), ...(this.#queues.get(workflow) ?? [])];
  }

  /** Takes a run out of its queue, so that its turn does not come; false when it is not in it. */
  unqueue(run: LiveRun): boolean {
    const queue = this.#queues.get(run.workflow);
    const place = queue?.indexOf(run) ?? -1;
    if (!queue || place < 0) return false;
    queue.splice(place, 1);
    if (queue.length === 0) this.#queues.delete(run.workflow);
    return true;
  }

  /** Takes a run out; `ended` undefined means the daemon stops first. */
  leave(run: LiveRun, ended: Ended | undefined): void {
    this.#runs.delete(run.id);
    const active = this.#active.get(run.workflow);
    active?.delete(run);
    if (active?.size === 0) this.#active.delete(run.workflow);
    this.unqueue(run);
    run.ended.resolve(ended);
  }

  /** Begins those who queue for a workflow, while it has fewer than `max` under way. */
  advance(workflow: string, max: number): void {
    const queue = this.#queues.get(workflow);
    while (queue && queue.length > 0 && this.activeOf(workflow) < max) {
      const next = queue.shift() as LiveRun;
      if (queue.length === 0) this.#queues.delete(workflow);
      this.enter(next);
      next.begin?.();
    }
  }
}
