import { TerminalError } from '#core/errors.ts';
import { didYouMean } from '#core/near-names.ts';
import type { CompiledDefinition } from '../definition/compiled.ts';
import { assertNotUndone } from './reopen.ts';
import type { StepRow } from './steps-table.ts';

/** What a fork keeps of a journal. */
export interface ForkPoint {
  /** Rows as the fork has them. */
  readonly journal: readonly StepRow[];
  /** Paths of those that had ended and are open again: the step lies in them. */
  readonly reopened: readonly string[];
}

/**
 * The journal up to before a step: what began before it and has ended, with all that lies in it. What the
 * step lies in is open again and keeps what it had decided (which branch, which items).
 * @throws TerminalError `run.fork_step_unknown`, `run.fork_step_inside` (unprocessable)
 */
export function forkPoint(
  run: string,
  rows: readonly StepRow[],
  path: string,
  definition: CompiledDefinition,
  now: number,
): ForkPoint {
  assertNotUndone(rows);
  const target = rows.find((row) => row.path === path);
  if (!target) throw unknownStep(run, rows, path);
  const around = rows.filter((row) => path.startsWith(`${row.path}/`));
  const wrong = around.find((row) => row.type === 'parallel' || row.type === 'try');
  if (wrong || isHandler(path)) throw inside(path, wrong?.path);
  const before = rows.filter((row) => row.ordinal < target.ordinal && !isHandler(row.path));
  const aroundPaths = new Set(around.map((row) => row.path));
  const ended = before.filter((row) => !aroundPaths.has(row.path) && hasEnded(row, definition));
  const endedPaths = new Set(ended.map((row) => row.path));
  // What lies in a step that failed and is not kept begins anew with it.
  const lost = new Set(
    before.filter((row) => !endedPaths.has(row.path) && !aroundPaths.has(row.path)).map((row) => row.path),
  );
  const kept = rows.filter(
    (row) =>
      (endedPaths.has(row.path) && !liesIn(lost, row.path)) ||
      (!isHandler(row.path) && liesIn(endedPaths, row.path) && hasEnded(row, definition)),
  );
  const open = around.map((row) => ({
    ...row,
    ...{ status: 'running', error: null, ended_at: null, started_at: now },
  }));
  return { journal: [...open, ...kept], reopened: around.map((row) => row.path) };
}

/** The steps of the run's own `on_error` and its undos come after all others. */
function isHandler(path: string): boolean {
  return path.startsWith('on_error/') || path.includes('/undo/');
}

function hasEnded(row: StepRow, definition: CompiledDefinition): boolean {
  if (row.status === 'completed' || row.status === 'skipped') return true;
  const step = definition.byId.get(row.id);
  return row.status === 'failed' && step !== undefined && step.onError !== 'fail';
}

function liesIn(containers: ReadonlySet<string>, path: string): boolean {
  for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1)) {
    if (containers.has(path.slice(0, end))) return true;
  }
  return false;
}

const MOST_NAMED = 10;

function unknownStep(run: string, rows: readonly StepRow[], path: string): TerminalError {
  const paths = rows.filter((row) => !isHandler(row.path)).map((row) => row.path);
  const some = paths.slice(0, MOST_NAMED).join(', ');
  return new TerminalError(
    'unprocessable',
    'run.fork_step_unknown',
    `step "${path}" has not begun in run ${run}`,
    {
      hint:
        didYouMean(path, paths) ??
        (some ? `Those that have: ${some}.` : 'Nothing in it has begun: start it anew.'),
    },
  );
}

function inside(path: string, parallel: string | undefined): TerminalError {
  return new TerminalError(
    'unprocessable',
    'run.fork_step_inside',
    parallel ? `step "${path}" lies in the branches of "${parallel}"` : `step "${path}" handles a failure`,
    { hint: parallel ? `Fork from "${parallel}" itself.` : 'Fork from a step of the workflow itself.' },
  );
}
