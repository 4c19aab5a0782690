import type { CursorPort, EventLogPort, LogEvent } from '#bus/port.ts';
import { sleep } from '#core/clock.ts';
import { type Part, type PartHealth, unwell, WELL } from '#core/part.ts';
import type { WorkflowCatalog } from '../workflow-catalog.ts';
import type { Firings } from './firings.ts';
import { type LogTrigger, logTriggers } from './log-trigger.ts';

const PAGE = 256;
const SAVE_EVERY_MS = 1000;
const LONGEST_PAUSE_MS = 10_000;

/**
 * Workflows that events of the log start (log-trigger.ts): a reader of it with a durable cursor. The cursor is saved behind the
 * work, once a second; an event that is looked at again after a crash starts nothing twice, because its runs
 * carry its id as their idempotency key.
 */
export class EventTriggers implements Part {
  readonly name = 'event_triggers';
  readonly #catalog: WorkflowCatalog;
  readonly #log: EventLogPort;
  readonly #cursor: CursorPort;
  readonly #firings: Firings;
  #stopping = new AbortController();
  #loop: Promise<void> = Promise.resolve();
  #triggers: LogTrigger[] = [];
  #unlisten: (() => void) | undefined;
  #at = 0;
  #held: string | undefined;

  constructor(catalog: WorkflowCatalog, log: EventLogPort, cursor: CursorPort, firings: Firings) {
    this.#catalog = catalog;
    this.#log = log;
    this.#cursor = cursor;
    this.#firings = firings;
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
    return unwell(0.5, `event triggers wait: ${this.#held}`, 'See the health of the database.');
  }

  async #follow(signal: AbortSignal): Promise<void> {
    let savedAt = this.#firings.clock.monotonic();
    for (let pause = 250; !signal.aborted; ) {
      const page = this.#page();
      if (!page) {
        await sleep(this.#firings.clock, pause, signal).catch(() => undefined);
        pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
        continue;
      }
      pause = 250;
      for (const event of page) {
        const hit = this.#triggers.filter((trigger) => trigger.matches(event));
        for (const trigger of hit) await this.#fireOnce(trigger, event, signal);
        // Stopped in the middle: this event is looked at again.
        if (signal.aborted) return;
        this.#at = event.seq;
      }
      if (this.#firings.clock.monotonic() - savedAt > SAVE_EVERY_MS) {
        await this.#save();
        savedAt = this.#firings.clock.monotonic();
      }
      if (page.length === 0) await this.#log.waitBeyond(Math.max(this.#at, this.#log.head()), signal);
      else await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** What comes next; undefined while the log can't be read. */
  #page(): readonly LogEvent[] | undefined {
    try {
      const page = this.#log.after(this.#at, PAGE);
      this.#held = undefined;
      return page;
    } catch (error) {
      this.#held = (error as Error).message;
      return undefined;
    }
  }

  /** Tries for as long as it takes: an event is not passed by because the disk was full. */
  async #fireOnce(trigger: LogTrigger, event: LogEvent, signal: AbortSignal): Promise<void> {
    const { active } = trigger;
    if (this.#isOwn(active.workflow, event)) return;
    const firing = {
      trigger: trigger.view(event),
      actor: { kind: 'trigger', id: event.type },
      idempotencyKey: `event:${this.#log.epoch}:${event.seq}:${active.workflow}:${active.trigger.index}`,
    } as const;
    await this.#firings.fireSurely(active, firing, signal);
  }

  /**
   * What a workflow's own runs do, and that it was not started, never starts it again: that would have no end.
   */
  #isOwn(workflow: string, event: LogEvent): boolean {
    if (event.type === 'chainbot.workflow.skipped') return event.data.workflow === workflow;
    const run = /^run:(.+)$/.exec(event.actor)?.[1] ?? /^run\/(.+)$/.exec(event.subject)?.[1];
    return run !== undefined && this.#firings.deps.runs.workflowOf(run) === workflow;
  }

  async #save(): Promise<void> {
    await this.#cursor
      .advance(this.#at)
      .catch((error: unknown) =>
        this.#firings.log.warn({ err: error }, 'the place of the event triggers was not kept'),
      );
  }

  #read(): void {
    this.#triggers = logTriggers(this.#catalog, this.#log);
  }
}
