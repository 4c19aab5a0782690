import { TerminalError } from '#core/errors.ts';
import type { Unit } from '#store/unit.ts';
import type { CompiledDefinition, CompiledStep } from '../definition/compiled.ts';
import { withdrawApprovals } from './approvals-table.ts';
import { detachChild } from './run-table.ts';
import { deleteStep, deleteWakes, reopenStep, type StepRow, setStepDetail } from './steps-table.ts';
import { nextRound } from './try-step.ts';

/**
 * What a retry of an ended run keeps of its journal: completed and skipped steps with their results, and
 * failures that the definition had handled, both with all that lies in them. Tasks that failed or were
 * cancelled go, so that they run again; containers open again with what they had decided, a try for a
 * further round: what its `catch` and `finally` did stays as it was, and they run anew. Puts the changes into the unit, returns what stays.
 * @throws TerminalError `run.undone` (conflict) when steps of it were undone
 */
export function reopening(
  run: number,
  steps: readonly StepRow[],
  definition: CompiledDefinition,
  now: number,
  unit: Unit,
): StepRow[] {
  assertNotUndone(steps);
  unit.add(deleteWakes, { run }).add(withdrawApprovals, { run, decided_at: now });
  const tries = new Set<string>();
  const closed = new Set<string>();
  for (const row of steps) {
    const step = definition.byId.get(row.id);
    if (!row.path.startsWith('on_error/') && step && isContainer(step) && stays(row, step))
      closed.add(row.path);
    else if (step?.kind === 'try') tries.add(row.path);
  }
  return steps.flatMap((row) => {
    const step = definition.byId.get(row.id);
    const inHandler = row.path.startsWith('on_error/');
    if (!inHandler && isAfterwards(tries, row.path)) return [row];
    if (!inHandler && (stays(row, step) || liesIn(closed, row.path))) return [row];
    if (!inHandler && step && isContainer(step) && row.detail !== null) {
      unit.add(reopenStep, { run, path: row.path, started_at: now });
      if (step.kind === 'try') {
        const detail = nextRound(row.detail);
        unit.add(setStepDetail, { run, path: row.path, detail });
        return [{ ...row, status: 'running', error: null, ended_at: null, started_at: now, detail }];
      }
      return [{ ...row, status: 'running', error: null, ended_at: null, started_at: now }];
    }
    unit.add(deleteStep, { run, path: row.path });
    // The run it started stays as it is; the step will start another.
    if (row.type === 'run_workflow') unit.add(detachChild, { run, path: row.path });
    return [];
  });
}

/**
 * A step that was undone has no effect any more, and its result is all that a retry would have of it.
 * @throws TerminalError `run.undone` (conflict)
 */
export function assertNotUndone(steps: readonly StepRow[]): void {
  const undone = steps.find(isUndone);
  if (!undone) return;
  const path = undone.path.slice(0, -'/undo'.length);
  throw new TerminalError(
    'conflict',
    'run.undone',
    `"${path}" was undone: the run can't go on where it stopped`,
    {
      hint: 'Start the workflow again, with the same input.',
    },
  );
}

/** Was anything of a run undone? */
export function wasUndone(steps: readonly StepRow[]): boolean {
  return steps.some(isUndone);
}

function isUndone({ type, status }: StepRow): boolean {
  return type === 'undo' && status !== 'skipped';
}

/** Is this what the `catch` or the `finally` of one of these did? */
function isAfterwards(tries: ReadonlySet<string>, path: string): boolean {
  if (tries.size === 0) return false;
  for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1)) {
    if (!tries.has(path.slice(0, end))) continue;
    if (path.startsWith('/catch', end) || path.startsWith('/finally', end)) return true;
  }
  return false;
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

const CONTAINERS: ReadonlySet<CompiledStep['kind']> = new Set([
  ...(['condition', 'switch', 'loop', 'parallel', 'try'] as const),
]);

function isContainer(step: CompiledStep): boolean {
  return CONTAINERS.has(step.kind);
}
