import { SYSTEM } from '#core/actor.ts';
import { isJsonObject, type Json } from '#core/json.ts';
import type { WorkflowsPort } from '../runs-port.ts';
import type { WorkflowCatalog } from '../workflow-catalog.ts';
import { ANSWER_TYPE } from './recorder.ts';
import type { Given } from './trial-case.ts';

const MOST = 50;

/**
 * Stores, beside the workflow on trial, those that it starts: a stand-in for each that the case answers for,
 * and a copy of each stored one that is named in it, or in one of those.
 */
export async function storeCompanions(
  catalog: WorkflowCatalog,
  main: string,
  answers: Given['workflows'],
  stored: Pick<WorkflowsPort, 'list' | 'get'>,
): Promise<void> {
  const known = new Set(stored.list().map(({ name }) => name));
  const done = new Set([main]);
  for (const name of Object.keys(answers)) {
    if (done.has(name)) continue;
    done.add(name);
    const steps = [{ id: 'answer', type: ANSWER_TYPE, workflow: name }];
    await catalog.save(JSON.stringify({ name, steps }), 'json', SYSTEM);
  }
  const waiting = [...namesIn(catalog.get(main).definition as unknown as Json)];
  for (let name = waiting.pop(); name !== undefined && done.size < MOST; name = waiting.pop()) {
    if (done.has(name) || !known.has(name)) continue;
    done.add(name);
    const { definition } = stored.get(name);
    await catalog.save(JSON.stringify(definition), 'json', SYSTEM);
    waiting.push(...namesIn(definition as unknown as Json));
  }
}

function* namesIn(value: Json): Generator<string> {
  if (Array.isArray(value)) for (const one of value) yield* namesIn(one as Json);
  if (!isJsonObject(value)) return;
  if (value.type === 'run_workflow' && typeof value.workflow === 'string') yield value.workflow;
  for (const one of Object.values(value)) yield* namesIn(one);
}
