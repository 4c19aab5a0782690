import { TerminalError } from '#core/errors.ts';
import type { ReaderPort } from '#store/port.ts';
import type { WorkflowDefinition } from '../definition-port.ts';
import { type OutputFiles, readReference } from '../engine/output-files.ts';
import { readLines } from '../engine/step-lines.ts';
import { linesOfRun } from '../engine/step-logs-table.ts';
import type { GraphState, HistoryPort, OutputText, StepLine, WorkflowGraph } from '../history-port.ts';
import type { RunStatus, StepStatus, WorkflowsPort } from '../runs-port.ts';
import { versionByKey } from '../workflows-table.ts';
import { graphOf } from './graph.ts';
import { runForHistory, stepOutput, stepStates } from './history-table.ts';

/** What says most about a step that went several times. */
const TELLING: readonly StepStatus[] = ['running', 'waiting', 'failed', 'cancelled', 'completed', 'skipped'];

/** Traces: what steps logged and gave, and where a run is in its definition. Reads only. */
export class History implements HistoryPort {
  readonly #reader: ReaderPort;
  readonly #outputs: OutputFiles;
  readonly #workflows: Pick<WorkflowsPort, 'get'>;

  constructor(reader: ReaderPort, outputs: OutputFiles, workflows: Pick<WorkflowsPort, 'get'>) {
    this.#reader = reader;
    this.#outputs = outputs;
    this.#workflows = workflows;
  }

  logs(run: string): ReadonlyMap<string, readonly StepLine[]> {
    const { key } = this.#run(run);
    const rows = this.#reader.all(linesOfRun, { run: key });
    return new Map(rows.map(({ path, lines }) => [path, readLines(lines)]));
  }

  async output(run: string, path?: string): Promise<OutputText> {
    const { key, output } = this.#run(run);
    const step = path === undefined ? undefined : this.#reader.get(stepOutput, { run: key, path });
    if (path !== undefined && !step) throw noStep(run, path);
    const stored = path === undefined ? output : (step?.output ?? null);
    if (stored === null) throw noOutput(path === undefined ? `run ${run}` : `step "${path}"`);
    const reference = readReference(stored);
    if (!reference) return { text: stored };
    return { ...reference, content: await this.#outputs.open(reference) };
  }

  graph(workflow: string, version?: number): WorkflowGraph {
    const detail = this.#workflows.get(workflow, version);
    return { workflow, version: detail.version, ...graphOf(detail.definition) };
  }

  runGraph(run: string): WorkflowGraph {
    const { key, id, status, version_key } = this.#run(run);
    const version = this.#reader.get(versionByKey, { key: version_key });
    if (!version) throw new Error(`there is no workflow version ${version_key}`);
    const definition = JSON.parse(version.definition) as WorkflowDefinition;
    return {
      workflow: version.workflow,
      version: version.version,
      run: { id, status: status as RunStatus },
      ...graphOf(definition, this.#states(key)),
    };
  }

  #states(run: number): Map<string, GraphState> {
    const states = new Map<string, GraphState>();
    for (const { id, type, status, attempts } of this.#reader.all(stepStates, { run })) {
      if (type === 'undo') continue; // only notes that a step could be undone
      const counts = { ...states.get(id)?.counts };
      counts[status as StepStatus] = (counts[status as StepStatus] ?? 0) + 1;
      const most = Math.max(states.get(id)?.attempts ?? 0, attempts);
      const telling = TELLING.find((one) => counts[one] !== undefined) ?? (status as StepStatus);
      states.set(id, { status: telling, counts, attempts: most });
    }
    return states;
  }

  #run(id: string) {
    const row = this.#reader.get(runForHistory, { id: id.toLowerCase() });
    if (row) return row;
    throw new TerminalError('not_found', 'run.not_found', `there is no run ${id}`, {
      hint: 'See `chainbot runs list`.',
    });
  }
}

function noStep(run: string, path: string): TerminalError {
  return new TerminalError('not_found', 'step.not_found', `run ${run} has no step "${path}"`, {
    hint: 'Its paths are in `chainbot runs show --all --json`; within loops they have the round: each/2/tell.',
  });
}

function noOutput(what: string): TerminalError {
  return new TerminalError('not_found', 'step.no_output', `${what} has no output`, {
    hint: 'Only what has completed has one.',
  });
}
