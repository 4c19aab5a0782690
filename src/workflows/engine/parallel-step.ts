import type { Json } from '#core/json.ts';
import type { CompiledStep, ParallelStep } from '../definition/compiled.ts';
import { runContainer } from './container.ts';
import { Interrupt, isShutdown } from './interrupt.ts';
import type { Position } from './position.ts';
import type { RunScope } from './run-facts.ts';
import { cancelStepsBelow, deleteWakesBelow } from './steps-table.ts';
import { Strand } from './strand.ts';
import type { Walk } from './walk.ts';

/** Branches that run side by side. */
export interface Branches {
  readonly branches: readonly { readonly name: string; readonly steps: readonly CompiledStep[] }[];
  /** How many must complete; the others are then given up. */
  readonly needed: number;
  /** The path of the container; undefined for the branches of a `mode: parallel` workflow. */
  readonly prefix: string | undefined;
  /** Branches known to have completed first, before a restart. */
  readonly won: readonly string[];
}

type Decided = { readonly won: readonly string[] };

/** `parallel`: waits for all, any or N branches; the output has each completed branch's output by name. */
export function runParallel(walk: Walk, at: Position<ParallelStep>): Promise<Json> {
  const { step, scope, strand, path } = at;
  return runContainer<Decided & Json>(
    walk,
    at,
    () => ({ won: [] }) as unknown as Decided & Json,
    async ({ won }) => {
      const plan = { branches: step.branches, needed: step.needed, prefix: path, won };
      return (await runBranches(walk, plan, scope, strand)).outputs;
    },
  );
}

/** Runs branches, each on a strand of its own, and joins them; the first failure ends the others. */
export async function runBranches(
  walk: Walk,
  plan: Branches,
  scope: RunScope,
  strand: Strand,
): Promise<{ outputs: { [name: string]: Json } }> {
  return new Fork(walk, plan, scope, strand).join();
}

class Fork {
  readonly #walk: Walk;
  readonly #plan: Branches;
  readonly #scope: RunScope;
  readonly #strand: Strand;
  readonly #controller = new AbortController();
  readonly #won: string[];
  readonly #outputs: { [name: string]: Json } = {};
  #open = 0;
  #failure: unknown;

  constructor(walk: Walk, plan: Branches, scope: RunScope, strand: Strand) {
    this.#walk = walk;
    this.#plan = plan;
    this.#scope = scope;
    this.#strand = strand;
    this.#won = [...plan.won];
  }

  async join(): Promise<{ outputs: { [name: string]: Json } }> {
    const { execution } = this.#walk;
    // After a restart, what had already won is enough: the others must not begin again.
    const decided = this.#won.length >= this.#plan.needed;
    const isNeeded = ({ name }: { readonly name: string }): boolean => !decided || this.#won.includes(name);
    const branches = this.#plan.branches.filter(isNeeded);
    for (const branch of this.#plan.branches) if (!isNeeded(branch)) await this.#drop(branch);
    await execution.flush(this.#strand);
    const outer = this.#strand.signal;
    const forward = (): void => this.#controller.abort(outer.reason);
    outer.addEventListener('abort', forward, { once: true });
    if (outer.aborted) forward();
    this.#open = branches.length;
    execution.activity.fork(branches.length);
    try {
      await Promise.all(branches.map((branch) => this.#run(branch)));
    } finally {
      outer.removeEventListener('abort', forward);
      execution.activity.join();
    }
    if (outer.aborted) throw outer.reason;
    if (this.#failure !== undefined) throw this.#failure;
    return { outputs: this.#outputs };
  }

  async #run(branch: Branches['branches'][number]): Promise<void> {
    const { execution } = this.#walk;
    const strand = new Strand(this.#controller.signal, this.#strand.deadlineAt);
    const isStep = this.#plan.prefix === undefined;
    try {
      const prefix = isStep ? '' : `${this.#plan.prefix}/${branch.name}`;
      const output = await this.#walk.sequence(branch.steps, this.#scope, prefix, strand);
      this.#complete(branch.name, output, strand);
    } catch (error) {
      this.#gaveUp(branch.name, error, strand);
    }
    this.#open--;
    // Once it is decided the others are about to be given up: a run that is said to wait would be left waiting.
    execution.activity.branchEnded(this.#controller.signal.aborted ? undefined : strand.unit);
    // The last branch's result goes with what follows; an earlier one's does not wait for its siblings, given
    // up or not: one of them may clean up for minutes, and the run may rest meanwhile.
    if (this.#open === 0) this.#strand.absorb(strand);
    else await execution.flush(strand).catch((error: unknown) => this.#fail(error));
    execution.settle();
  }

  #complete(name: string, output: Json, strand: Strand): void {
    this.#outputs[name] = output;
    if (!this.#won.includes(name)) this.#won.push(name);
    const { prefix, needed, branches } = this.#plan;
    if (needed >= branches.length || this.#failure !== undefined) return;
    if (prefix !== undefined)
      this.#walk.execution.journal.detail(strand.unit, prefix, JSON.stringify({ won: this.#won }));
    if (this.#won.length >= needed) {
      this.#controller.abort(new Interrupt('superseded', 'enough branches have completed'));
    }
  }

  /** A branch that was given up before a restart, whose end may not have reached the disk. */
  async #drop({ name, steps }: Branches['branches'][number]): Promise<void> {
    const prefix = `${this.#plan.prefix}/${name}`;
    this.#walk.recall(steps, this.#scope, prefix, this.#strand);
    const { journal, deps } = this.#walk.execution;
    for (const path of journal.openRunsBelow(prefix)) {
      const child = deps.children.find(journal.run, path);
      if (child) deps.children.cancel(child.id, 'the run that started it gave up');
    }
    if (journal.hasOpenTryBelow(prefix)) {
      // A `finally` may have been under way in it: the branch is walked as given up.
      const gaveUp = AbortSignal.abort(new Interrupt('superseded', 'enough branches have completed'));
      const strand = this.#strand.apart(gaveUp, this.#strand.deadlineAt);
      await this.#walk.sequence(steps, this.#scope, prefix, strand).catch((error: unknown) => {
        if (isShutdown(error)) throw error;
      });
    }
    this.#endBelow(prefix, this.#strand);
  }

  #endBelow(path: string, strand: Strand): void {
    const { journal, deps } = this.#walk.execution;
    const below = { run: journal.run.key, from: `${path}/`, to: `${path}0` };
    strand.unit.add(cancelStepsBelow, { ...below, ended_at: deps.clock.now() }).add(deleteWakesBelow, below);
  }

  #gaveUp(name: string, error: unknown, strand: Strand): void {
    const isOuter = this.#strand.signal.aborted;
    const superseded = !isOuter && (this.#controller.signal.aborted || isGivenUp(error));
    if (!superseded) {
      this.#fail(error);
      return;
    }
    const { journal, deps } = this.#walk.execution;
    const path = this.#plan.prefix === undefined ? name : `${this.#plan.prefix}/${name}`;
    this.#endBelow(path, strand);
    if (this.#plan.prefix === undefined) journal.cancel(strand.unit, path, deps.clock.now());
  }

  #fail(error: unknown): void {
    this.#failure ??= error;
    this.#controller.abort(new Interrupt('superseded', 'another branch failed'));
  }
}

/** A branch that was cleaning up when the daemon ended had been given up before. */
function isGivenUp(error: unknown): boolean {
  return error instanceof Interrupt && error.kind === 'superseded';
}
