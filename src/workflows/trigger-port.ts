import type { Json } from '#core/json.ts';

/** What every trigger but `manual` may have. */
interface TriggerCommon {
  /** false: it is kept, and starts nothing. */
  readonly enabled?: boolean | undefined;
  /** CEL; sees `trigger`. False starts nothing. */
  readonly when?: string | undefined;
  readonly input?: Json | undefined;
  /** Waits until nothing more has come for this long, at most `max` in all; then one run for all of it. */
  readonly debounce?: Duration | { readonly for: Duration; readonly max?: Duration | undefined } | undefined;
  /** At most one run in this long; what comes in between starts nothing. */
  readonly throttle?: Duration | undefined;
}

type Duration = string | number;
type Scalar = boolean | number | string;

export interface ScheduleTrigger extends TriggerCommon {
  readonly type: 'schedule';
  /** This or `every`. */
  readonly cron?: string | undefined;
  /** An interval, aligned to the clock of ticks: the wall clock may jump. */
  readonly every?: Duration | undefined;
  /** Of `cron`. */
  readonly timezone?: string | undefined;
  /** What becomes of times that passed while nobody could keep them; absent: skip. */
  readonly missed?: 'skip' | 'once' | 'all' | undefined;
  /** The newest so many of `missed: all`. */
  readonly limit?: number | undefined;
}

/** POST /api/chainbot/hooks/{name}. One of `secret`, `token` and `token_sha256`. */
export interface WebhookTrigger extends TriggerCommon {
  readonly type: 'webhook';
  /** Absent: the workflow's name. */
  readonly name?: string | undefined;
  /** Name of the vault's secret that bodies are signed with. */
  readonly secret?: string | undefined;
  /** Absent: standard (Standard Webhooks). */
  readonly signature?: 'standard' | 'github' | undefined;
  /** Name of the vault's secret that is sent as a bearer token. */
  readonly token?: string | undefined;
  /** The same, as its SHA-256 in hexadecimal digits. */
  readonly token_sha256?: string | undefined;
  readonly methods?: readonly ('POST' | 'PUT' | 'GET')[] | undefined;
  /** Headers of the request that `trigger.headers` has. */
  readonly headers?: readonly string[] | undefined;
  /** Deliveries in a minute. */
  readonly rate?: number | undefined;
}

/** Becoming `to`, going above or below a level, or falling silent; none of these: any change. */
export interface DeviceTrigger extends TriggerCommon {
  readonly type: 'device';
  readonly device: string;
  readonly to?: Scalar | readonly Scalar[] | undefined;
  readonly from?: Scalar | readonly Scalar[] | undefined;
  readonly above?: number | undefined;
  readonly below?: number | undefined;
  /** How far back over the level it must go before it can go above or below it again. */
  readonly hysteresis?: number | undefined;
  readonly stale?: true | undefined;
  /** It must have been so for this long. */
  readonly for?: Duration | undefined;
}

export interface FileTrigger extends TriggerCommon {
  readonly type: 'file';
  /** Below the folder `files_dir` of the configuration. */
  readonly folder: string;
  /** `*` and `?` in the file's name. */
  readonly pattern?: string | undefined;
  /** Its size must have stood still for this long; absent: 2s. */
  readonly settle?: Duration | undefined;
}

export interface RunEndTrigger extends TriggerCommon {
  readonly type: 'run';
  readonly workflow: string;
  /** Absent: however it ended. */
  readonly status?: readonly ('completed' | 'failed' | 'cancelled')[] | undefined;
}

export type TriggerDefinition =
  | { readonly type: 'manual' }
  | ScheduleTrigger
  | ({ readonly type: 'mqtt'; readonly topic: string } & TriggerCommon)
  | ({ readonly type: 'event'; readonly event: string } & TriggerCommon)
  | WebhookTrigger
  | DeviceTrigger
  | ({ readonly type: 'startup' } & TriggerCommon)
  | FileTrigger
  | RunEndTrigger;

/** A trigger of a workflow in use, with how it stands. Times are Unix milliseconds. */
export interface TriggerStatus {
  readonly workflow: string;
  /** Its place in the definition's `triggers`, from 0. */
  readonly index: number;
  readonly definition: TriggerDefinition;
  readonly enabled: boolean;
  /** When it fires next, where that is known. */
  readonly next: number | null;
  readonly lastFired: number | null;
  /** Why it can't fire now. */
  readonly held: string | null;
  /** It waits out its `debounce`, until then. */
  readonly pending: number | null;
}

export interface TriggersPort {
  /** By workflow, in the order of their definitions. */
  list(): readonly TriggerStatus[];
}

/** A request to /api/chainbot/hooks/{name}, as it came. */
export interface HookRequest {
  readonly name: string;
  readonly method: string;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly query: Readonly<Record<string, string>>;
  /** Exactly the bytes that came, which were UTF-8. */
  readonly body: string;
}

export interface HooksPort {
  /**
   * Checks who sent it; resolves when what it started is on disk.
   * @throws TerminalError `hook.not_found`, `hook.method` (invalid), `hook.unsigned`, `hook.signature_wrong`,
   *   `hook.token_wrong` (unauthenticated), `hook.too_old` (invalid), `hook.malformed` (invalid)
   * @throws RetryableError `hook.too_many` (429), `hook.clock_unknown`, `hook.secret_missing`, `store.*`
   */
  deliver(request: HookRequest): Promise<{ readonly id: string; readonly duplicate: boolean }>;
}
