import type { Json } from '#core/json.ts';

/** A fact about to be written: in the past tense, with who did it. */
export interface EventDraft {
  /** `chainbot.workflow.started`; its MQTT topic is the same with slashes. */
  readonly type: string;
  /** What it is about, `run/0192…` or `device/pump`; empty for the appliance itself. */
  readonly subject: string;
  /** `kind:id`, see core/actor.ts. */
  readonly actor: string;
  readonly data: { readonly [key: string]: Json };
}

/** A fact in the log. */
export interface LogEvent extends EventDraft {
  /** Position in the log, from 1; never used twice within an epoch. */
  readonly seq: number;
  /** Unix milliseconds, the daemon's clock. */
  readonly time: number;
}

/** CloudEvents 1.0 (structured JSON) with the log's extension attributes. */
export interface CloudEvent {
  readonly specversion: '1.0';
  /** `<epoch>-<seq>`, unique for ever. */
  readonly id: string;
  readonly source: string;
  readonly type: string;
  readonly subject?: string;
  /** RFC 3339. */
  readonly time: string;
  readonly datacontenttype: 'application/json';
  readonly data: { readonly [key: string]: Json };
  readonly actor: string;
  readonly seq: number;
  readonly epoch: string;
}

export interface EventFilter {
  /** Exact types or prefixes ending in `*` (`chainbot.workflow.*`). Empty or absent: all. */
  readonly types?: readonly string[] | undefined;
  readonly subject?: string | undefined;
}

/** The durable log for readers outside the bus. */
export interface EventLogPort {
  readonly epoch: string;
  /** The last committed sequence number; 0 when the log is empty. */
  head(): number;
  /** The first sequence number still kept; head() + 1 when nothing is. */
  tail(): number;
  /** Up to `limit` events after `seq`, oldest first. */
  after(seq: number, limit: number, filter?: EventFilter): readonly LogEvent[];
  /** Up to `limit` events before `seq` (exclusive), newest first. */
  before(seq: number, limit: number, filter?: EventFilter): readonly LogEvent[];
  /** Resolves when head() > seq, or when the signal aborts. */
  waitBeyond(seq: number, signal: AbortSignal): Promise<void>;
  toCloudEvent(event: LogEvent): CloudEvent;
}

/** A named, durable position in the log. Retention never passes it (until the hard cap). */
export interface CursorPort {
  readonly name: string;
  position(): number;
  /** Moves forward to `seq`; resolves after the commit. Moving backwards is ignored. */
  advance(seq: number): Promise<void>;
}
