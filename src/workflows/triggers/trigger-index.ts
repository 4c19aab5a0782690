import type { CompiledTrigger } from '../definition/compiled.ts';
import type { TriggerDefinition } from '../trigger-port.ts';
import type { RunnableVersion, WorkflowCatalog } from '../workflow-catalog.ts';

/** One trigger, not switched off, of the newest version of a workflow in use. */
export interface ActiveTrigger<D extends TriggerDefinition = TriggerDefinition> {
  readonly workflow: string;
  readonly version: RunnableVersion;
  /** When this version was stored, Unix milliseconds. */
  readonly since: number;
  readonly trigger: CompiledTrigger;
  readonly definition: D;
}

/** What a part that watches for causes can say of one trigger. */
export interface TriggerWatch {
  /** undefined: it is not one of its own. */
  status(
    workflow: string,
    index: number,
  ): { readonly next?: number | null; readonly held?: string | null } | undefined;
}

/** The triggers of all workflows in use, of one type; a workflow that no longer compiles has none. */
export function activeTriggers<T extends TriggerDefinition['type']>(
  catalog: WorkflowCatalog,
  type: T,
): ActiveTrigger<Extract<TriggerDefinition, { type: T }>>[] {
  const found: ActiveTrigger<Extract<TriggerDefinition, { type: T }>>[] = [];
  for (const { name, triggers, updatedAt } of catalog.list()) {
    if (!triggers.some((trigger) => trigger.type === type)) continue;
    const version = runnableOrNone(catalog, name);
    for (const trigger of version?.compiled.triggers ?? []) {
      if (trigger.definition.type !== type || !isEnabled(trigger.definition)) continue;
      const definition = trigger.definition as Extract<TriggerDefinition, { type: T }>;
      found.push({
        workflow: name,
        version: version as RunnableVersion,
        since: updatedAt,
        trigger,
        definition,
      });
    }
  }
  return found;
}

export function isEnabled(definition: TriggerDefinition): boolean {
  return definition.type === 'manual' || definition.enabled !== false;
}

/** `door-alert/1`: names a trigger in maps. */
export function triggerKey(workflow: string, index: number): string {
  return `${workflow}/${index}`;
}

/**
 * What a trigger waits for, as text. Another text is another trigger, which what the old one remembered does not
 * concern; what it does then (`when`, `input`, `debounce` …) is left out.
 */
export function causeOf(definition: TriggerDefinition): string {
  if (definition.type === 'manual') return 'manual';
  const { enabled: _e, when: _w, input: _i, debounce: _d, throttle: _t, ...cause } = definition;
  if (cause.type === 'schedule') {
    const { missed: _m, limit: _l, ...schedule } = cause;
    return JSON.stringify(schedule);
  }
  return JSON.stringify(cause);
}

function runnableOrNone(catalog: WorkflowCatalog, name: string): RunnableVersion | undefined {
  try {
    return catalog.runnable(name);
  } catch {
    return undefined; // a step type is missing now; starting the workflow says so
  }
}
