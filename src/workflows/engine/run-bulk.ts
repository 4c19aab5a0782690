import type { Actor } from '#core/actor.ts';
import { errorRecord, TerminalError } from '#core/errors.ts';
import type { BulkRequest, BulkResult, RunStatus, RunSummary, RunsPort } from '../runs-port.ts';
import { LEGAL } from './run-state.ts';

/** Runs that a verb is used on at the same time: their commits share batches. */
const AT_ONCE = 50;

/**
 * One verb for every run of a workflow or a state, the newest first. Each is by itself: what is refused is
 * said and the others go on; after a power cut the same request goes on where it was.
 * @throws TerminalError `run.bulk_invalid`
 */
export async function bulk(
  runs: RunsPort,
  request: BulkRequest,
  actor: Actor,
): Promise<{ results: BulkResult[]; more: boolean }> {
  const { workflow, limit } = request;
  const page = runs.list({ workflow, status: statusesOf(request), limit });
  const results: BulkResult[] = [];
  for (let from = 0; from < page.runs.length; from += AT_ONCE) {
    const some = page.runs.slice(from, from + AT_ONCE);
    results.push(...(await Promise.all(some.map((run) => one(runs, request, run, actor)))));
  }
  return { results, more: page.next !== null };
}

/** The states asked for that the verb allows. */
function statusesOf({ verb, workflow, status }: BulkRequest): readonly RunStatus[] {
  const legal = LEGAL[verb];
  if (status === undefined || status.length === 0) {
    if (workflow !== undefined) return legal;
    throw new TerminalError('invalid', 'run.bulk_invalid', 'neither a workflow nor a status is given', {
      hint: `Say which runs to ${verb}: of a workflow, in some states, or both.`,
    });
  }
  const both = status.filter((one) => legal.includes(one));
  if (both.length > 0) return both;
  throw new TerminalError('invalid', 'run.bulk_invalid', `no ${status.join(' or ')} run can take a ${verb}`, {
    hint: `It is possible while a run is ${legal.join(', ')}.`,
  });
}

async function one(
  runs: RunsPort,
  { verb, version }: BulkRequest,
  { id, workflow }: RunSummary,
  actor: Actor,
): Promise<BulkResult> {
  try {
    if (verb === 'delete') {
      await runs.delete(id, actor);
      return { id, workflow, status: null, error: null };
    }
    const after = verb === 'migrate' ? runs.migrate(id, version, actor) : runs[verb](id, actor);
    return { id, workflow, status: (await after).status, error: null };
  } catch (error) {
    return { id, workflow, status: null, error: errorRecord(error) };
  }
}
