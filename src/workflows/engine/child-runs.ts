import type { Json } from '#core/json.ts';
import type { Unit } from '#store/unit.ts';
import type { Ended } from './run-facts.ts';

/** A run that another run started; the engine keeps them. */
export interface ChildRun {
  readonly id: string;
  /** Begins it, once the unit that holds it is committed. */
  admit(): void;
  /** The step gave up before it could see to it: takes it back in the unit, or tells it to end. */
  abandon(unit: Unit): void;
  /** Resolves with its end. */
  ended(): Promise<Ended>;
}

/** What a `run_workflow` step asks of the engine. */
export interface ChildRuns {
  /**
   * Puts a new run into the unit.
   * @throws TerminalError `workflow.not_found`, `run.input_invalid`, `run.too_deep`, `run.waits_for_itself`
   */
  prepare(
    parent: { readonly key: number; readonly id: string; readonly workflow: string },
    path: string,
    workflow: string,
    input: Json,
    unit: Unit,
  ): ChildRun;
  /** The run that this step started before a restart. */
  find(parent: { readonly key: number }, path: string): ChildRun | undefined;
  cancel(id: string, reason: string): void;
}
