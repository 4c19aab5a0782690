import type { TriggerStatus, TriggersPort } from '../trigger-port.ts';
import type { WorkflowCatalog } from '../workflow-catalog.ts';
import type { Firings } from './firings.ts';
import { isEnabled, type TriggerWatch } from './trigger-index.ts';

/** Every trigger with how it stands, for those who ask. */
export class TriggerBoard implements TriggersPort {
  readonly #catalog: WorkflowCatalog;
  readonly #firings: Firings;
  readonly #watches: readonly TriggerWatch[];

  constructor(catalog: WorkflowCatalog, firings: Firings, watches: readonly TriggerWatch[]) {
    this.#catalog = catalog;
    this.#firings = firings;
    this.#watches = watches;
  }

  list(): readonly TriggerStatus[] {
    return this.#catalog.list().flatMap(({ name, triggers }) => {
      const broken = this.#whyBroken(name);
      return triggers.map((definition, index) => {
        const status = this.#watchOf(name, index);
        return {
          workflow: name,
          index,
          definition,
          enabled: isEnabled(definition),
          next: status?.next ?? null,
          lastFired: this.#firings.memory.firedAt(name, index),
          held: broken ?? status?.held ?? null,
          pending: this.#firings.pendingUntil(name, index),
        };
      });
    });
  }

  #watchOf(workflow: string, index: number): ReturnType<TriggerWatch['status']> {
    for (const watch of this.#watches) {
      const status = watch.status(workflow, index);
      if (status) return status;
    }
    return undefined;
  }

  #whyBroken(name: string): string | undefined {
    try {
      this.#catalog.runnable(name);
      return undefined;
    } catch (error) {
      return (error as Error).message;
    }
  }
}
