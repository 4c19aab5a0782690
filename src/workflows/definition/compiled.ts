import type { Fault } from '#core/errors.ts';
import type { Json, JsonObject } from '#core/json.ts';
import type { OnInterrupt, WorkflowDefinition } from '../definition-port.ts';
import type { Expression } from '../expressions/expression.ts';
import type { Scope } from '../expressions/scope.ts';
import type { Template } from '../expressions/template.ts';
import type { CompiledRetry, StepType } from '../port.ts';
import type { TriggerDefinition } from '../trigger-port.ts';
import type { CompiledConcurrency } from './concurrency.ts';

/**
 * What the engine walks: a definition with every template planned, every default filled in and every
 * duration in milliseconds. Nothing here is stored; it is made again from the stored definition.
 */
export interface CompiledDefinition {
  /** Normalised and JSON; compiling it again gives the same. */
  readonly definition: WorkflowDefinition;
  /**
   * sequential: one step after the other. parallel: all at once, each a branch. conditional: the first step
   * whose `when` is true runs and no other; one without `when` stands last and is the else.
   */
  readonly mode: WorkflowDefinition['mode'];
  readonly steps: readonly CompiledStep[];
  /** Every step of the tree, those of `on_error` too. */
  readonly byId: ReadonlyMap<string, CompiledStep>;
  readonly triggers: readonly CompiledTrigger[];
  /** Sees `input`, `trigger` and `run`; absent: {}. */
  readonly vars: Template | undefined;
  /** Absent: the output of the last step. */
  readonly output: Template | undefined;
  /** Run when a failure would fail the run; sees `error`. The run fails all the same. */
  readonly onError: readonly CompiledStep[];
  readonly timeoutMs: number | undefined;
  readonly concurrency: CompiledConcurrency | undefined;
  /** -1 low, 0 normal, 1 high. */
  readonly priority: number;
  /** Fills in the defaults of the input's JSON Schema (on a copy) and checks it; null counts as {}. */
  validateInput(value: Json): InputResult;
}

export type InputResult =
  | { readonly ok: true; readonly value: Json }
  | { readonly ok: false; readonly faults: readonly Fault[] };

/** A duration that may hold a `{{ … }}`. */
export interface CompiledDuration {
  /** Milliseconds when it was written literally, else undefined. */
  readonly ms: number | undefined;
  /** Milliseconds. @throws TerminalError `expression.failed`, `duration.invalid` */
  evaluate(scope: Scope): number;
}

interface StepBase {
  readonly id: string;
  readonly type: string;
  readonly name: string | undefined;
  /** Where it stands in the definition, `steps[2].then[0]`. */
  readonly at: string;
  readonly when: Expression | undefined;
  readonly retry: CompiledRetry | undefined;
  readonly timeout: CompiledDuration | undefined;
  readonly onError: 'fail' | 'continue' | readonly CompiledStep[];
  readonly onInterrupt: OnInterrupt | undefined;
  /** Run when the run fails or is cancelled after this step had completed; they see its output and `error`. */
  readonly undo: readonly CompiledStep[];
}

/** Something that a registered step type does. */
export interface TaskStep extends StepBase {
  readonly kind: 'task';
  readonly stepType: StepType;
  /** The type's own fields; evaluates to a JsonObject. */
  readonly fields: Template;
  /** The same as they were written, for StepContext.written. */
  readonly written: JsonObject;
  /** The type's `late` fields that are there, by their dotted name. */
  readonly late: ReadonlyMap<string, Expression> | undefined;
}

export interface ConditionStep extends StepBase {
  readonly kind: 'condition';
  readonly if: Expression;
  readonly then: readonly CompiledStep[];
  readonly else: readonly CompiledStep[];
}

export interface LoopStep extends StepBase {
  readonly kind: 'loop';
  readonly over:
    | { readonly by: 'for_each'; readonly items: Template }
    | { readonly by: 'times'; readonly times: Template }
    /** Asked before each iteration; sees the steps of the iteration before. */
    | { readonly by: 'while'; readonly while: Expression };
  /** More iterations than this fail the step. */
  readonly max: number;
  /** A further name for `loop.item`, at the top level of the scope. */
  readonly as: string | undefined;
  readonly steps: readonly CompiledStep[];
}

export interface SwitchStep extends StepBase {
  readonly kind: 'switch';
  /** Absent: the cases are all questions. */
  readonly value: Template | undefined;
  /** The first that is so is taken. A question sees `value`. */
  readonly cases: readonly {
    readonly when: { readonly equals: readonly Scalar[] } | { readonly asks: Expression };
    readonly steps: readonly CompiledStep[];
  }[];
  readonly default: readonly CompiledStep[] | undefined;
}

type Scalar = string | number | boolean | null;

/** Gives `vars` new values for all that comes after it. */
export interface SetStep extends StepBase {
  readonly kind: 'set';
  /** Evaluates to a JsonObject. */
  readonly vars: Template;
}

export interface TryStep extends StepBase {
  readonly kind: 'try';
  readonly steps: readonly CompiledStep[];
  /** Sees `error`; absent: the failure goes on. */
  readonly catch: readonly CompiledStep[] | undefined;
  /** Sees `error`, null when all went well. */
  readonly finally: readonly CompiledStep[];
  /** What `finally` may take, whatever else has run out of time. */
  readonly grace: CompiledDuration;
}

export interface ApprovalStep extends StepBase {
  readonly kind: 'approval';
  readonly title: Template;
  readonly body: Template | undefined;
  /** Who may answer; null: anyone. */
  readonly roles: readonly string[] | null;
  readonly deadline: CompiledDuration | undefined;
  /** The answer when nobody has answered in time; absent: the step fails. */
  readonly fallback: 'approve' | 'reject' | undefined;
}

export interface ParallelStep extends StepBase {
  readonly kind: 'parallel';
  readonly branches: readonly { readonly name: string; readonly steps: readonly CompiledStep[] }[];
  /** How many branches must have completed: 1 for `any`, all of them for `all`. */
  readonly needed: number;
}

export interface WaitStep extends StepBase {
  readonly kind: 'wait';
  readonly on:
    | { readonly for: 'duration'; readonly duration: CompiledDuration }
    /** An ISO time with offset, or Unix seconds as a number; see `readInstant`. */
    | { readonly for: 'time'; readonly until: Template }
    | { readonly for: 'signal'; readonly signal: Template }
    /** Exact type or prefix ending in `*`; `where` sees `event`. */
    | { readonly for: 'event'; readonly event: string; readonly where: Expression | undefined };
  /** When there, the timeout completes the step with this instead of failing it. */
  readonly fallback: Template | undefined;
}

export interface RunWorkflowStep extends StepBase {
  readonly kind: 'run_workflow';
  readonly workflow: Template;
  readonly input: Template | undefined;
  /** Wait for its end and take its output; else go on when it is on disk. */
  readonly wait: boolean;
}

export type CompiledStep =
  | TaskStep
  | ConditionStep
  | LoopStep
  | ParallelStep
  | WaitStep
  | RunWorkflowStep
  | SwitchStep
  | SetStep
  | TryStep
  | ApprovalStep;

/** A trigger with its place in the definition; `when` and `input` see `trigger` and nothing else. */
export interface CompiledTrigger {
  readonly index: number;
  readonly definition: TriggerDefinition;
  readonly when: Expression | undefined;
  /** The run's input; absent: mqtt and webhook give their payload when that is an object, others give {}. */
  readonly input: Template | undefined;
  /** Milliseconds; `maxMs`: from the first that came. */
  readonly debounce: { readonly forMs: number; readonly maxMs: number } | undefined;
  /** Milliseconds; 0: none. */
  readonly throttleMs: number;
}
