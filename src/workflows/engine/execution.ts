import type { Actor } from '#core/actor.ts';
import { actorText } from '#core/actor.ts';
import type { ErrorRecord } from '#core/errors.ts';
import { ChainbotError, errorRecord } from '#core/errors.ts';
import { type Json, type JsonObject, toJsonText } from '#core/json.ts';
import type { Log } from '#core/log.ts';
import { Unit } from '#store/unit.ts';
import type { Scope } from '../expressions/scope.ts';
import type { RunStatus } from '../runs-port.ts';
import { Activity } from './activity.ts';
import { type Ending, keepEnding } from './ending.ts';
import { Interrupt, isShutdown, untilAborted } from './interrupt.ts';
import type { Journal } from './journal.ts';
import { persist } from './persist.ts';
import { RunCommits } from './run-commits.ts';
import { endEvent, runEvent } from './run-events.ts';
import { type Ended, type ExecutionDeps, type RunFacts, type RunScope, startScope } from './run-facts.ts';
import { finishRun, pauseRun, resumeRun } from './run-table.ts';
import { armRunTimeout, runDeadline, runError } from './run-timeout.ts';
import { recallVars } from './set-step.ts';
import { deleteSignals } from './signals-table.ts';
import { cancelSteps, deleteWakes } from './steps-table.ts';
import { Strand } from './strand.ts';
import { Walk } from './walk.ts';

/**
 * One run while it is live.
 *
 * E1  Nothing acts before its intent is on disk: a step begins after the commit of the unit that holds the
 *     intent, and that unit also holds the result of the step before.
 * E2  The first commit of a fresh run holds the run itself; `created` settles with it, and a run whose first
 *     commit fails never was.
 * E3  A run ends with one unit: its last step's result, its end, its open steps' and waits' end, its event.
 * E4  A full or failing disk holds a run where it is; it does not fail it.
 * E6  A run that cleans up (undos, `finally` after a cancel or a timeout) has its end on disk before the first
 *     of these steps begins; nothing but the cleaning up begins after that, also after a restart.
 * E7  An output that is a file is whole and on disk before the unit that refers to it is committed.
 * E5  At shutdown no further step begins; those under way get their time, what is left is `under way` in the
 *     journal and is picked up by the next start.
 */
export class Execution {
  readonly journal: Journal;
  readonly activity: Activity;
  readonly facts: RunFacts;
  readonly deps: ExecutionDeps;
  readonly log: Log;
  /** Attempts under way right now: what a stop gives time to. */
  acting = 0;
  /** Was it ever sent a signal? What nobody took goes when it has completed. */
  mayHaveSignals: boolean;
  /** It has left memory and is not at its end. */
  isResting = false;
  /** Told when the run could rest. */
  onRestful: (() => void) | undefined;
  readonly #commits: RunCommits;
  readonly #work = new AbortController();
  readonly #handlers = new AbortController();
  /** Aborts at shutdown only: nothing else keeps a result from the disk. */
  readonly #stopped = new AbortController();
  #hold: PromiseWithResolvers<void> | undefined;
  #paused: boolean;
  #isDraining = false;
  #cancelledBy: { readonly actor: string; readonly reason: string } | undefined;
  #ending: Ending | undefined;
  #endingKept: Promise<void> | undefined;
  #cleanup: AbortController | undefined;
  #cleaning: PromiseWithResolvers<void> | undefined;

  /** `status` is the stored one of a recovered run; a fresh run is `running` with its row in the first unit. */
  constructor(
    journal: Journal,
    facts: RunFacts,
    deps: ExecutionDeps,
    from: { created: boolean; paused: boolean; ending?: string | null },
  ) {
    this.journal = journal;
    this.activity = new Activity(journal.run.key);
    journal.outputs = deps.outputs;
    this.facts = facts;
    this.deps = deps;
    this.log = deps.log.child({ run: journal.run.id, workflow: journal.run.workflow });
    this.#commits = new RunCommits(journal, deps, this.#stopped.signal, from.created);
    this.mayHaveSignals = from.created;
    if (from.ending) this.#resumeEnding(JSON.parse(from.ending) as Ending);
    this.#paused = from.paused && this.#cancelledBy === undefined;
    if (this.#paused) this.#hold = Promise.withResolvers();
  }

  /** It was cleaning up when the daemon ended: no other step begins (E6). */
  #resumeEnding(ending: Ending): void {
    this.#ending = ending;
    this.#endingKept = Promise.resolve();
    this.#cancelledBy = ending.by ?? undefined;
    this.#work.abort(new Interrupt('cancel', ending.error.message));
  }

  /** Settles with the first commit of a fresh run. */
  get created(): Promise<void> {
    return this.#commits.created;
  }

  get status(): RunStatus {
    if (this.#paused) return 'paused';
    return this.activity.isWaiting ? 'waiting' : 'running';
  }

  /** Runs to its end; undefined when the daemon stops first, or when the run could not be created. */
  async run(first: Unit): Promise<Ended | undefined> {
    const strand = new Strand(this.#work.signal, runDeadline(this.facts), first);
    const timer = armRunTimeout(this.facts, this.deps.clock, this.#work);
    try {
      return await this.#toEnd(strand);
    } catch (error) {
      if (isShutdown(error) || !this.#commits.isCreated) {
        this.#commits.refuse(error);
        return undefined;
      }
      return await this.#broken(strand, error);
    } finally {
      timer?.[Symbol.dispose]();
    }
  }

  /** The journal refused what the run had to say: its end is still written, if that is possible. */
  async #broken(strand: Strand, error: unknown): Promise<Ended | undefined> {
    this.log.error({ err: error }, 'a run broke; this is a fault of ChainBot');
    strand.take();
    try {
      return await this.#end(strand, 'failed', null, errorRecord(error));
    } catch (again) {
      if (!isShutdown(again)) this.log.error({ err: again }, 'the end of a broken run could not be written');
      return undefined;
    }
  }

  // ---- what steps ask ----------------------------------------------------------------------------------------

  /** Paused, or the daemon is stopping: no further step begins. */
  get isHeld(): boolean {
    return this.#hold !== undefined;
  }

  /**
   * Waits while the run is held. Asked before a step's intent is put down, because an intent on disk means
   * that the step may have begun.
   */
  async turn(strand: Strand): Promise<void> {
    if (!this.#hold) return;
    await this.flush(strand);
    while (this.#hold) await untilAborted(this.#hold.promise, strand.signal);
  }

  /** Before anything acts: commits what has gathered, the step's intent last. */
  async begin(strand: Strand): Promise<void> {
    strand.signal.throwIfAborted();
    this.acting++;
    try {
      await this.flush(strand);
    } finally {
      this.acting--;
    }
    strand.signal.throwIfAborted();
  }

  /** Commits what has gathered (E1, E2, E7). */
  flush(strand: Strand): Promise<void> {
    return this.#commits.flush(strand);
  }

  /** Asked whenever a wait is on disk: the run may be able to rest now. */
  settle(): void {
    if (this.canRest) this.onRestful?.();
  }

  /** Every strand waits, every wait is on disk and needs nothing in memory. */
  get canRest(): boolean {
    const isStill =
      this.acting === 0 && !this.#commits.isFlushing && !this.#hold && !this.#work.signal.aborted;
    return isStill && this.activity.canRest;
  }

  /** Leaves memory: the journal has all there is. Its `run` resolves with undefined, as at a stop. */
  rest(): void {
    this.isResting = true;
    this.shutdown();
  }

  // ---- verbs -------------------------------------------------------------------------------------------------

  /**
   * Tells the run to end; the engine awaits its end. A run that is cleaning up goes on with that.
   */
  cancel(actor: string, reason: string): void {
    const interrupt = new Interrupt('cancel', reason);
    this.#cancelledBy ??= { actor, reason };
    this.#work.abort(interrupt);
    this.#handlers.abort(interrupt);
    if (!this.#paused) return;
    this.#paused = false; // what cleans up is not held
    this.#release();
  }

  /** Neither undos nor `finally` steps any more: for a run that does not come to its end. */
  stopCleaning(): void {
    this.#cleanupController.abort(new Interrupt('cancel', 'the run was told to end at once'));
  }

  /** Resolves when the run's end is decided and it begins to clean up; never when it does not have to. */
  get cleaning(): Promise<void> {
    this.#cleaning ??= Promise.withResolvers();
    if (this.#endingKept) void this.#endingKept.then(this.#cleaning.resolve, () => undefined);
    return this.#cleaning.promise;
  }

  /** Aborts what cleans up: when the daemon stops, or when the run is to end at once. */
  get cleanupSignal(): AbortSignal {
    return this.#cleanupController.signal;
  }

  get #cleanupController(): AbortController {
    if (!this.#cleanup) {
      this.#cleanup = new AbortController();
      if (this.#stopped.signal.aborted) this.#cleanup.abort(this.#stopped.signal.reason);
    }
    return this.#cleanup;
  }

  /** Asked before a `finally` of interrupted steps: when all of the run is to end, that is put on disk first (E6). */
  async endingKept(strand: Strand): Promise<void> {
    await this.flush(strand);
    if (this.#work.signal.aborted) await this.#keepEnding(this.#endingOf(this.#work.signal.reason));
  }

  async #keepEnding(ending: Ending): Promise<void> {
    this.#ending ??= ending;
    const unit = new Unit().add(keepEnding, { key: this.journal.run.key, ending: JSON.stringify(ending) }, 1);
    this.#endingKept ??= persist(unit, this.deps, this.#stopped.signal).then(() => this.#cleaning?.resolve());
    await this.#endingKept;
  }

  #endingOf(error: unknown): Ending {
    const by = this.#cancelledBy;
    if (!by) return { status: 'failed', error: runError(error), by: null };
    const record = {
      code: 'run.cancelled',
      message: `the run was cancelled: ${by.reason}`,
      retryable: false,
    };
    return { status: 'cancelled', error: record, by };
  }

  async pause(actor: Actor): Promise<void> {
    const { key } = this.journal.run;
    const hold = this.#hold;
    this.#hold ??= Promise.withResolvers();
    try {
      await this.deps.writer.commit(
        new Unit()
          .add(pauseRun, { key }, 1)
          .event(
            runEvent('chainbot.workflow.paused', this.journal.run, actorText(actor), this.deps.clock.now()),
          ),
      );
      this.#paused = true;
    } catch (error) {
      if (!hold) this.#release();
      throw error;
    }
  }

  async resume(actor: Actor): Promise<void> {
    const { key } = this.journal.run;
    const status = this.activity.isWaiting ? 'waiting' : 'running';
    const event = runEvent(
      'chainbot.workflow.resumed',
      this.journal.run,
      actorText(actor),
      this.deps.clock.now(),
    );
    await this.deps.writer.commit(new Unit().add(resumeRun, { key, status }, 1).event(event));
    this.#paused = false;
    this.#release();
  }

  /** No further step begins (E5), whoever resumes the run. */
  drain(): void {
    this.#isDraining = true;
    this.#hold ??= Promise.withResolvers();
  }

  shutdown(): void {
    const interrupt = new Interrupt('shutdown', 'ChainBot is stopping');
    this.#work.abort(interrupt);
    this.#handlers.abort(interrupt);
    this.#stopped.abort(interrupt);
    this.#cleanup?.abort(interrupt);
  }

  // ---- the run itself ----------------------------------------------------------------------------------------

  async #toEnd(strand: Strand): Promise<Ended> {
    const walk = new Walk(this);
    const scope = startScope(this.journal.run, this.facts);
    try {
      if (this.facts.definition.vars)
        scope.vars = { ...(this.facts.definition.vars.evaluate(scope as Scope) as JsonObject) };
      recallVars(this.journal.allKnown(), scope);
      const last = await walk.main(this.facts.definition, scope, strand);
      if (this.#ending) throw this.#work.signal.reason as Error;
      const { output } = this.facts.definition;
      const value = output ? output.evaluate(scope as Scope) : last;
      if (this.#hold) await this.turn(strand);
      return await this.#end(strand, 'completed', value, null);
    } catch (error) {
      return this.#failed(error, walk, scope, strand);
    }
  }

  async #failed(error: unknown, walk: Walk, scope: RunScope, strand: Strand): Promise<Ended> {
    if (this.#stopped.signal.aborted && this.#ending) throw error;
    if (!this.#cancelledBy && (isShutdown(error) || !this.#isRunError(error))) throw error;
    const ending = this.#ending ?? this.#endingOf(error);
    if (walk.undos.size > 0) await this.#undo(walk, ending, strand);
    if (ending.status === 'cancelled') return this.#end(strand, 'cancelled', null, null);
    const record = ending.error;
    if (this.facts.definition.onError.length > 0) {
      const handlerScope = Object.assign(Object.create(scope) as RunScope, { error: record });
      const line = new Strand(this.#handlers.signal, null, strand.take());
      try {
        await walk.sequence(this.facts.definition.onError, handlerScope, 'on_error', line);
      } catch (handlerError) {
        if (this.#cancelledBy) return this.#end(line, 'cancelled', null, null);
        if (isShutdown(handlerError)) throw handlerError;
        this.log.warn({ err: handlerError }, 'the on_error steps failed too');
      }
      strand.absorb(line);
    }
    return this.#end(strand, 'failed', null, record);
  }

  async #undo(walk: Walk, ending: Ending, strand: Strand): Promise<void> {
    await this.flush(strand);
    await this.#keepEnding(ending);
    try {
      await walk.undos.run(ending.error, strand.apart(this.cleanupSignal, null));
    } catch (error) {
      if (isShutdown(error) || !this.cleanupSignal.aborted) throw error;
      this.log.warn({ code: 'run.undo_cut' }, 'the run was told to end at once: not all of it was undone');
    }
  }

  /** A commit that was refused while the run was being made is the starter's error, not the run's. */
  #isRunError(error: unknown): boolean {
    return this.#commits.isCreated || !(error instanceof ChainbotError && error.code.startsWith('store.'));
  }

  async #end(
    strand: Strand,
    status: Ended['status'],
    output: Json,
    error: ErrorRecord | null,
  ): Promise<Ended> {
    const { key } = this.journal.run;
    const now = this.deps.clock.now();
    const unit = strand.unit;
    if (status !== 'completed') {
      unit.add(cancelSteps, { run: key, ended_at: now });
      unit.add(deleteWakes, { run: key });
    } else if (this.mayHaveSignals) {
      unit.add(deleteSignals, { run: key });
    }
    const row = {
      key,
      status,
      output: this.journal.keep(unit, toJsonText(output)),
      error: error && JSON.stringify(error),
      ended_at: now,
    };
    unit
      .add(finishRun, row, 1)
      .event(endEvent(this.journal.run, this.facts.startedAt, { status, error, by: this.#cancelledBy }, now));
    await this.flush(strand);
    return { status, output, error };
  }

  #release(): void {
    if (this.#isDraining) return;
    this.#hold?.resolve();
    this.#hold = undefined;
  }
}
