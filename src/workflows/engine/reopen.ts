import type { Unit } from '#store/unit.ts';
import type { CompiledDefinition, CompiledStep } from '../definition/compiled.ts';
import { detachChild } from './run-table.ts';
import { deleteStep, deleteWakes, reopenStep, type StepRow } from './steps-table.ts';

/**
 * What a retry of an ended run keeps of its journal: completed and skipped steps with their results, and
 * failures that the definition had handled, both with all that lies in them. Tasks that failed or were
 * cancelled go, so that they run again; containers open again with what they had decided. Puts the changes into the unit, returns what stays.
 */
export function reopening(
  run: number,
  steps: readonly StepRow[],
  definition: CompiledDefinition,
  now: number,
  unit: Unit,
): StepRow[] {
  unit.add(deleteWakes, { run });
  const closed = new Set<string>();
  for (const row of steps) {
    const step = definition.byId.get(row.id);
    if (!row.path.startsWith('on_error/') && step && isContainer(step) && stays(row, step))
      closed.add(row.path);
  }
  return steps.flatMap((row) => {
    const step = definition.byId.get(row.id);
    const inHandler = row.path.startsWith('on_error/');
    if (!inHandler && (stays(row, step) || liesIn(closed, row.path))) return [row];
    if (!inHandler && step && isContainer(step) && row.detail !== null) {
      unit.add(reopenStep, { run, path: row.path, started_at: now });
      return [{ ...row, status: 'running', error: null, ended_at: null, started_at: now }];
    }
    unit.add(deleteStep, { run, path: row.path });
    // The run it started stays as it is; the step will start another.
    if (row.type === 'run_workflow') unit.add(detachChild, { run, path: row.path });
    return [];
  });
}

/** Is this inside a container that stays as it ended? The steps of its `on_error` are not. */
function liesIn(closed: ReadonlySet<string>, path: string): boolean {
  for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1)) {
    if (closed.has(path.slice(0, end)) && !path.startsWith('/on_error/', end)) return true;
  }
  return false;
}

function stays(row: StepRow, step: CompiledStep | undefined): boolean {
  if (row.status === 'completed' || row.status === 'skipped') return true;
  return row.status === 'failed' && step !== undefined && step.onError !== 'fail';
}

function isContainer(step: CompiledStep): boolean {
  return step.kind === 'condition' || step.kind === 'loop' || step.kind === 'parallel';
}
