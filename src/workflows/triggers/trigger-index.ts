import type { CompiledTrigger } from '../definition/compiled.ts';
import type { TriggerDefinition } from '../port.ts';
import type { RunnableVersion, WorkflowCatalog } from '../workflow-catalog.ts';

/** One trigger of the newest version of a workflow in use. */
export interface ActiveTrigger<D extends TriggerDefinition = TriggerDefinition> {
  readonly workflow: string;
  readonly version: RunnableVersion;
  readonly trigger: CompiledTrigger;
  readonly definition: D;
}

/** The triggers of all workflows in use, of one type; a workflow that no longer compiles has none. */
export function activeTriggers<T extends TriggerDefinition['type']>(
  catalog: WorkflowCatalog,
  type: T,
): ActiveTrigger<Extract<TriggerDefinition, { type: T }>>[] {
  const found: ActiveTrigger<Extract<TriggerDefinition, { type: T }>>[] = [];
  for (const { name, triggers } of catalog.list()) {
    if (!triggers.some((trigger) => trigger.type === type)) continue;
    const version = runnableOrNone(catalog, name);
    for (const trigger of version?.compiled.triggers ?? []) {
      if (trigger.definition.type !== type) continue;
      const definition = trigger.definition as Extract<TriggerDefinition, { type: T }>;
      found.push({ workflow: name, version: version as RunnableVersion, trigger, definition });
    }
  }
  return found;
}

function runnableOrNone(catalog: WorkflowCatalog, name: string): RunnableVersion | undefined {
  try {
    return catalog.runnable(name);
  } catch {
    return undefined; // a step type is missing now; starting the workflow says so
  }
}
