import { setTimeout as pause, setImmediate as turn } from 'node:timers/promises';
import type { Execution } from './execution.ts';

const LOOK_MS = 15;

/** Lets no further step of these begin, and gives those under way their time. */
export async function drained(executions: readonly Execution[], graceMs: number): Promise<void> {
  for (const execution of executions) execution.drain();
  // One turn, so that a step whose intent has just landed is seen to act.
  await turn();
  const deadline = Date.now() + graceMs;
  while (Date.now() < deadline && executions.some((execution) => execution.acting > 0)) await pause(LOOK_MS);
}
