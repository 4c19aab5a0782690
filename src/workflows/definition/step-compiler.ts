import type { JsonObject } from '#core/json.ts';
import type { StepDefinition } from '../definition-port.ts';
import type { CompiledStep } from './compiled.ts';
import type { Faults, Path } from './faults.ts';
import type { Sight, SightChecker } from './sight.ts';
import type { StepTypes } from './step-types.ts';

/** What compiling a step needs beside the step; `list` leads back into the steps that a step holds. */
export interface StepCompiler {
  readonly faults: Faults;
  readonly checker: SightChecker;
  readonly stepTypes: StepTypes;
  readonly byId: Map<string, CompiledStep>;
  list(steps: readonly unknown[], path: Path, sight: Sight): CompiledList;
}

/** A list of steps with what can be seen after it and how it is stored. */
export interface CompiledList {
  readonly steps: readonly CompiledStep[];
  readonly normalized: readonly StepDefinition[];
  /** Steps that may have run once the list is through, those before it included. */
  readonly seen: ReadonlySet<string>;
}

/** What all kinds have. */
export type StepCommon = Pick<
  CompiledStep,
  'id' | 'type' | 'name' | 'at' | 'when' | 'retry' | 'timeout' | 'onInterrupt'
>;

/** A step of one kind, before its `on_error` and `undo` are looked at. */
export interface CompiledKind {
  readonly step: CompiledStep;
  /** Own fields as they are stored. */
  readonly fields: JsonObject;
  /** Inner steps that later ones may see. */
  readonly inner: Iterable<string>;
}

/** Where a control step stands. */
export interface Place {
  readonly compiler: StepCompiler;
  readonly common: StepCommon;
  readonly path: Path;
  readonly sight: Sight;
}

/** The part of a step that its `on_error` and `undo` replace later. */
export const UNHANDLED = { onError: 'fail', undo: [] } as const;
