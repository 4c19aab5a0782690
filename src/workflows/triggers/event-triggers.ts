import { eventMatcher } from '#bus/event-filter.ts';
import type { CursorPort, EventLogPort, LogEvent } from '#bus/port.ts';
import { sleep } from '#core/clock.ts';
import { RetryableError } from '#core/errors.ts';
import type { JsonObject } from '#core/json.ts';
import { type Part, type PartHealth, unwell, WELL } from '#core/part.ts';
import { eventView } from '../engine/event-waits.ts';
import type { WorkflowCatalog } from '../workflow-catalog.ts';
import { type FireDeps, fire } from './fire.ts';
import { type ActiveTrigger, activeTriggers } from './trigger-index.ts';

type EventTrigger = ActiveTrigger<Extract<ActiveTrigger['definition'], { type: 'event' }>>;

const PAGE = 256;
const SAVE_EVERY_MS = 1000;
const LONGEST_PAUSE_MS = 10_000;

/**
 * Workflows that events start: a reader of the log with a durable cursor. The cursor is saved behind the
 * work, once a second; an event that is looked at again after a crash starts nothing twice, because its runs
 * carry its id as their idempotency key.
 */
export class EventTriggers implements Part {
  readonly name = 'event_triggers';
  readonly #catalog: WorkflowCatalog;
  readonly #log: EventLogPort;
  readonly #cursor: CursorPort;
  readonly #deps: FireDeps;
  #stopping = new AbortController();
  #loop: Promise<void> = Promise.resolve();
  #triggers: { readonly active: EventTrigger; readonly matches: (event: LogEvent) => boolean }[] = [];
  #unlisten: (() => void) | undefined;
  #at = 0;
  #held: string | undefined;

  constructor(catalog: WorkflowCatalog, log: EventLogPort, cursor: CursorPort, deps: FireDeps) {
    this.#catalog = catalog;
    this.#log = log;
    this.#cursor = cursor;
    this.#deps = deps;
  }

  async start(_signal: AbortSignal): Promise<void> {
    this.#stopping = new AbortController();
    this.#read();
    this.#unlisten = this.#catalog.onChanged(() => this.#read());
    this.#at = this.#cursor.position();
    this.#loop = this.#follow(this.#stopping.signal);
  }

  async stop(): Promise<void> {
    this.#unlisten?.();
    this.#stopping.abort();
    await this.#loop;
    await this.#save();
  }

  health(): PartHealth {
    if (!this.#held) return WELL;
    return unwell(
      0.5,
      `event triggers wait: ${this.#held}`,
      'See the health of the engine and the database.',
    );
  }

  async #follow(signal: AbortSignal): Promise<void> {
    let savedAt = this.#deps.clock.monotonic();
    for (let pause = 250; !signal.aborted; ) {
      const page = this.#page();
      if (!page) {
        await sleep(this.#deps.clock, pause, signal).catch(() => undefined);
        pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
        continue;
      }
      pause = 250;
      for (const event of page) {
        const hit = this.#triggers.filter(({ matches }) => matches(event));
        for (const { active } of hit) await this.#fireOnce(active, event, signal);
        // Stopped in the middle: this event is looked at again.
        if (signal.aborted) return;
        this.#at = event.seq;
      }
      if (this.#deps.clock.monotonic() - savedAt > SAVE_EVERY_MS) {
        await this.#save();
        savedAt = this.#deps.clock.monotonic();
      }
      if (page.length === 0) await this.#log.waitBeyond(Math.max(this.#at, this.#log.head()), signal);
      else await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** What comes next; undefined while the log can't be read. */
  #page(): readonly LogEvent[] | undefined {
    try {
      return this.#log.after(this.#at, PAGE);
    } catch (error) {
      this.#held = (error as Error).message;
      return undefined;
    }
  }

  /** Tries for as long as it takes: an event is not passed by because the disk was full. */
  async #fireOnce(active: EventTrigger, event: LogEvent, signal: AbortSignal): Promise<void> {
    if (this.#isOwn(active, event)) return;
    const trigger: JsonObject = { type: 'event', event: eventView(event) };
    const actor = { kind: 'trigger', id: event.type } as const;
    const idempotencyKey = `event:${this.#log.epoch}:${event.seq}:${active.workflow}:${active.trigger.index}`;
    for (let pause = 250; !signal.aborted; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
      try {
        await fire(active, { trigger, actor, idempotencyKey }, this.#deps);
        this.#held = undefined;
        return;
      } catch (error) {
        if (!(error instanceof RetryableError)) {
          this.#deps.log.error({ workflow: active.workflow, err: error }, 'an event trigger broke');
          return;
        }
        this.#held = error.message;
        await sleep(this.#deps.clock, pause, signal).catch(() => undefined);
      }
    }
  }

  /**
   * What a workflow's own runs do, and that it was not started, never starts it again: that would have no end.
   */
  #isOwn({ workflow }: EventTrigger, event: LogEvent): boolean {
    if (event.type === 'chainbot.workflow.skipped') return event.data.workflow === workflow;
    const run = /^run:(.+)$/.exec(event.actor)?.[1] ?? /^run\/(.+)$/.exec(event.subject)?.[1];
    return run !== undefined && this.#deps.runs.workflowOf(run) === workflow;
  }

  async #save(): Promise<void> {
    await this.#cursor
      .advance(this.#at)
      .catch((error: unknown) =>
        this.#deps.log.warn({ err: error }, 'the place of the event triggers was not kept'),
      );
  }

  #read(): void {
    this.#triggers = activeTriggers(this.#catalog, 'event').map((active) => ({
      active,
      matches: eventMatcher({ types: [active.definition.event] }),
    }));
  }
}
