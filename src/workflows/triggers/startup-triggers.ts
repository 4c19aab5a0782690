import { newId } from '#core/ids.ts';
import type { JsonObject } from '#core/json.ts';
import { type Part, type PartHealth, WELL } from '#core/part.ts';
import type { WorkflowCatalog } from '../workflow-catalog.ts';
import type { Firings } from './firings.ts';
import { activeTriggers } from './trigger-index.ts';

/** Workflows that start with the daemon, once each time; storing one starts nothing. */
export class StartupTriggers implements Part {
  readonly name = 'startup_triggers';
  readonly #catalog: WorkflowCatalog;
  readonly #firings: Firings;
  readonly #facts: () => JsonObject;
  #stopping = new AbortController();
  #work: Promise<unknown> = Promise.resolve();

  /** `facts` is what the run sees of this start beside the trigger's type. */
  constructor(catalog: WorkflowCatalog, firings: Firings, facts: () => JsonObject) {
    this.#catalog = catalog;
    this.#firings = firings;
    this.#facts = facts;
  }

  async start(_signal: AbortSignal): Promise<void> {
    this.#stopping = new AbortController();
    const id = newId();
    const trigger = { type: 'startup', ...this.#facts() };
    this.#work = Promise.all(
      activeTriggers(this.#catalog, 'startup').map((active) => {
        const idempotencyKey = `startup:${id}:${active.workflow}:${active.trigger.index}`;
        const firing = { trigger, actor: { kind: 'trigger', id: 'startup' }, idempotencyKey } as const;
        return this.#firings.fireSurely(active, firing, this.#stopping.signal);
      }),
    );
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#work;
  }

  health(): PartHealth {
    return WELL;
  }
}
