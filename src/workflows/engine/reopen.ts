import type { Unit } from '#store/unit.ts';
import type { CompiledDefinition, CompiledStep } from '../definition/compiled.ts';
import { deleteStep, deleteWakes, reopenStep, type StepRow } from './run-table.ts';

/**
 * What a retry of an ended run keeps of its journal: completed and skipped steps with their results, and
 * failures that the definition had handled. Tasks that failed or were cancelled go, so that they run again;
 * containers open again with what they had decided. Puts the changes into the unit, returns what stays.
 */
export function reopening(
  run: number,
  steps: readonly StepRow[],
  definition: CompiledDefinition,
  now: number,
  unit: Unit,
): StepRow[] {
  unit.add(deleteWakes, { run });
  return steps.flatMap((row) => {
    const step = definition.byId.get(row.id);
    const inHandler = row.path.startsWith('on_error/');
    if (!inHandler && stays(row, step)) return [row];
    if (!inHandler && step && isContainer(step)) {
      unit.add(reopenStep, { run, path: row.path, started_at: now });
      return [{ ...row, status: 'running', error: null, ended_at: null, started_at: now }];
    }
    unit.add(deleteStep, { run, path: row.path });
    return [];
  });
}

function stays(row: StepRow, step: CompiledStep | undefined): boolean {
  if (row.status === 'completed' || row.status === 'skipped') return true;
  return row.status === 'failed' && step !== undefined && step.onError !== 'fail';
}

function isContainer(step: CompiledStep): boolean {
  return step.kind === 'condition' || step.kind === 'loop' || step.kind === 'parallel';
}
