import type { EventLogPort } from '#bus/port.ts';
import type { Actor } from '#core/actor.ts';
import type { Clock } from '#core/clock.ts';
import type { ClockTrustPort } from '#core/clock-trust.ts';
import type { Log } from '#core/log.ts';
import type { DevicesPort, SimulatorPort } from '#hardware/port.ts';
import type { TokensPort } from '#identity/port.ts';
import type { OutboxPort } from '#outbound/port.ts';
import type { VaultPort } from '#vault/port.ts';
import type { HistoryPort } from '#workflows/history-port.ts';
import type { ApprovalsPort } from '#workflows/port.ts';
import type { RunsPort, WorkflowsPort } from '#workflows/runs-port.ts';
import type { HooksPort, TriggersPort } from '#workflows/trigger-port.ts';
import type { WorkbenchPort } from '#workflows/workbench.ts';
import type { HealthAnswer, InfoAnswer } from './contract/module.ts';
import type { Metric } from './metrics-text.ts';

/** What the notifications' owner gives. Times are Unix milliseconds. */
export interface NotificationRecord {
  readonly id: string;
  readonly severity: string;
  readonly title: string;
  readonly body: string;
  readonly run: string | null;
  /** Where it went besides the list: `panel`, `mqtt`, … */
  readonly targets: readonly string[];
  readonly createdAt: number;
  readonly acknowledgedAt: number | null;
}

export interface NotificationsPort {
  /** Newest first. */
  list(limit: number): readonly NotificationRecord[];
  /** @throws TerminalError `notification.not_found` */
  acknowledge(id: string, actor: Actor): Promise<NotificationRecord>;
}

/** Readings from `from` to `to` (Unix milliseconds), newest first. */
export type ReadHistory = (
  device: string,
  from: number,
  to: number,
  limit: number,
) => readonly { readonly at: number; readonly value: number | string; readonly quality: string }[];

/** Where to listen. */
export interface ListenOptions {
  readonly host: string;
  /** 0 takes a free one; undefined: no TCP at all. */
  readonly port: number | undefined;
  /** undefined: no unix socket. */
  readonly socketPath: string | undefined;
  /** A group's name; the socket is then 0660. */
  readonly socketGroup?: string | undefined;
  readonly allowedHosts?: readonly string[] | undefined;
}

/** Limits that have good defaults; tests shorten them. */
export interface ApiLimits {
  /** Bytes of a request's body. */
  readonly bodyBytes: number;
  /** Event streams (SSE and WebSocket) at once. */
  readonly streams: number;
  readonly connections: number;
  readonly heartbeatMs: number;
  /** How long a stream's reader may leave what was sent to it unread. */
  readonly slowReaderMs: number;
  readonly headersTimeoutMs: number;
  readonly requestTimeoutMs: number;
  /** How long stop waits for requests that are under way. */
  readonly stopMs: number;
}

export const DEFAULT_LIMITS: ApiLimits = Object.freeze({
  bodyBytes: 1024 * 1024,
  streams: 100,
  connections: 1000,
  heartbeatMs: 15_000,
  slowReaderMs: 15_000,
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 30_000,
  stopMs: 4_000,
});

/** How well the daemon is; see {@link HealthAnswer}, which it becomes as it is. */
export interface HealthReport {
  readonly status: HealthAnswer['status'];
  readonly score: number;
  readonly parts: readonly Readonly<HealthAnswer['parts'][number]>[];
}

export interface ApiDeps {
  readonly workflows: WorkflowsPort;
  readonly runs: RunsPort;
  /** What runs logged and gave, and their graphs. */
  readonly past?: HistoryPort | undefined;
  readonly devices: DevicesPort;
  /** undefined: nothing is simulated here. */
  readonly simulator?: SimulatorPort | undefined;
  readonly history: ReadHistory;
  readonly events: EventLogPort;
  readonly tokens: TokensPort;
  readonly notifications?: NotificationsPort | undefined;
  readonly approvals?: ApprovalsPort | undefined;
  readonly outbox?: OutboxPort | undefined;
  readonly vault?: VaultPort | undefined;
  readonly workbench?: WorkbenchPort | undefined;
  /** What starts workflows, and the clock that schedules go by. */
  readonly triggers?: TriggersPort | undefined;
  readonly hooks?: HooksPort | undefined;
  readonly trust?: Pick<ClockTrustPort, 'standing'> | undefined;
  readonly health: () => HealthReport;
  readonly info: () => Omit<InfoAnswer, 'api'>;
  readonly metrics: () => readonly Metric[];
  /** Who holds a TCP port, for the message when it is taken. */
  readonly portOwner?: ((port: number) => Promise<PortHolder | undefined>) | undefined;
  readonly listen: ListenOptions;
  readonly limits?: Partial<ApiLimits> | undefined;
  readonly clock: Clock;
  readonly log: Log;
}

export interface PortHolder {
  readonly pid: number;
  readonly command: string;
}
