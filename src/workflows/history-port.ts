import type { RunStatus, StepStatus } from './runs-port.ts';

/** A line that a step logged. `at` in Unix milliseconds. */
export interface StepLine {
  readonly at: number;
  readonly level: 'info' | 'warn' | 'error';
  readonly message: string;
  readonly fields?: Readonly<Record<string, string>> | undefined;
}

/** An output as JSON text: the text itself, or the file it is in. */
export type OutputText =
  | { readonly text: string }
  | { readonly sha256: string; readonly bytes: number; readonly content: AsyncIterable<Uint8Array> };

/** How the runs of a step have gone, in one run of its workflow: loops make several. */
export interface GraphState {
  readonly status: StepStatus;
  readonly counts: Readonly<Partial<Record<StepStatus, number>>>;
  readonly attempts: number;
}

export interface GraphNode {
  /** The step's id; `start` and `end` are named `(start)` and `(end)`. */
  readonly id: string;
  readonly type: string;
  readonly name?: string | undefined;
  /** The step it lies in, and in which part of that: `then`, `left`, `on_error`. */
  readonly parent?: string | undefined;
  readonly part?: string | undefined;
  /** Absent when it has not begun, and in the graph of a definition. */
  readonly state?: GraphState | undefined;
}

export interface GraphEdge {
  readonly from: string;
  readonly to: string;
  readonly label?: string | undefined;
  /** `error`: taken when `from` fails; `undo`: when the run fails later; `back`: the next round. */
  readonly kind: 'next' | 'error' | 'undo' | 'back';
}

export interface WorkflowGraph {
  readonly workflow: string;
  readonly version: number;
  readonly run?: { readonly id: string; readonly status: RunStatus } | undefined;
  readonly nodes: readonly GraphNode[];
  readonly edges: readonly GraphEdge[];
}

/** What was, and how it hangs together. */
export interface HistoryPort {
  /** By the step's path. @throws TerminalError `run.not_found` */
  logs(run: string): ReadonlyMap<string, readonly StepLine[]>;
  /**
   * A step's output, or the run's own.
   * @throws TerminalError `run.not_found`, `step.not_found`, `step.no_output`, `output.file_missing`
   */
  output(run: string, path?: string): Promise<OutputText>;
  /** @throws TerminalError `workflow.not_found` */
  graph(workflow: string, version?: number): WorkflowGraph;
  /** With the state of every step. @throws TerminalError `run.not_found` */
  runGraph(run: string): WorkflowGraph;
}
