import type { CompiledStep } from '../definition/compiled.ts';
import type { RunScope } from './run-facts.ts';
import type { StepRow } from './steps-table.ts';
import type { Strand } from './strand.ts';

/** A step on its way: everything that the code for a kind of step needs. */
export interface Position<S extends CompiledStep = CompiledStep> {
  readonly step: S;
  readonly path: string;
  readonly scope: RunScope;
  readonly strand: Strand;
  /** What was on disk when the run was picked up. */
  readonly known: StepRow | undefined;
}

/** The value of a step that did not run. */
export const SKIPPED: unique symbol = Symbol('skipped');
