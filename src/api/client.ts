import type { Json } from '#core/json.ts';
import { type FollowFrame, type FollowOptions, follow } from './client-events.ts';
import type {
  BulkOptions,
  EventQuery,
  ForkOptions,
  HistoryQuery,
  RunQuery,
  StartOptions,
} from './client-options.ts';
import type { ClientTarget } from './client-transport.ts';
import { JSON_TYPE, part, queryOf, WorkflowClient } from './client-workflows.ts';
import type { ApprovalAnswer, ApprovalList } from './contract/approval.ts';
import type {
  DeviceAnswer,
  DeviceList,
  DeviceWriteBody,
  HistoryAnswer,
  ReadingAnswer,
} from './contract/device.ts';
import type { CloudEventAnswer, EventPage } from './contract/event.ts';
import type { GraphAnswer } from './contract/graph.ts';
import type { HealthAnswer, InfoAnswer } from './contract/module.ts';
import type { NotificationAnswer, NotificationList } from './contract/notification.ts';
import type { EmailAnswer, EmailStatus, OutboxAnswer } from './contract/outbox.ts';
import type {
  BulkAnswer,
  RunAnswer,
  RunList,
  RunStatusAnswer,
  RunSummaryAnswer,
  RunVerbsAnswer,
} from './contract/run.ts';
import type { RotatedVault, SecretAnswer, SecretKindAnswer, SecretList } from './contract/secret.ts';
import type { NewToken, TokenList } from './contract/token.ts';

export type { FollowFrame, FollowOptions } from './client-events.ts';
export type {
  BulkOptions,
  EventQuery,
  ForkOptions,
  HistoryQuery,
  RunQuery,
  StartOptions,
} from './client-options.ts';
export type { ClientTarget } from './client-transport.ts';

const FINAL = new Set<RunStatusAnswer>(['completed', 'failed', 'cancelled']);
const FINAL_EVENTS = [
  'chainbot.workflow.completed',
  'chainbot.workflow.failed',
  'chainbot.workflow.cancelled',
];

/**
 * Every verb of the HTTP API, typed by the contract. Each throws the daemon's own error (TerminalError or
 * RetryableError with its code, hint and faults), or `client.unreachable`, `client.timeout`, `client.forbidden`.
 */
export class ApiClient extends WorkflowClient {
  /** Also when it is failed: the answer says so. */
  async health(): Promise<HealthAnswer> {
    return JSON.parse(await this.transport.text({ method: 'GET', path: '/health' }, [503])) as HealthAnswer;
  }

  info(): Promise<InfoAnswer> {
    return this.get('/info');
  }

  /** Prometheus text. */
  metrics(): Promise<string> {
    return this.transport.text({ method: 'GET', path: '/metrics' });
  }

  openapi(): Promise<Json> {
    return this.get('/openapi.json');
  }

  // ---- runs ------------------------------------------------------------------------------------------------

  startRun(workflow: string, options: StartOptions = {}): Promise<RunSummaryAnswer> {
    const { idempotencyKey, ...body } = options;
    const headers = idempotencyKey === undefined ? {} : { 'idempotency-key': JSON.stringify(idempotencyKey) };
    return this.post(`/workflows/${part(workflow)}/runs`, body, headers);
  }

  runs(query: RunQuery = {}): Promise<RunList> {
    return this.get(`/runs${queryOf({ ...query, status: query.status?.join(',') })}`);
  }

  /** `logs`: with the lines that its steps logged. */
  run(id: string, options: { readonly logs?: boolean | undefined } = {}): Promise<RunAnswer> {
    return this.get(`/runs/${part(id)}${options.logs ? '?logs=true' : ''}`);
  }

  /** The whole output of a step, or of the run, as JSON text in pieces. */
  async *output(id: string, path?: string): AsyncGenerator<Uint8Array, void> {
    const step = path === undefined ? '' : `/steps/${part(path)}`;
    const answer = await this.transport.open({ method: 'GET', path: `/runs/${part(id)}${step}/output` });
    if (answer.statusCode === 200) yield* answer as AsyncIterable<Uint8Array>;
    else await this.transport.read(answer); // throws what the daemon said
  }

  graph(workflow: string, version?: number): Promise<GraphAnswer> {
    return this.get(`/workflows/${part(workflow)}/graph${queryOf({ version })}`);
  }

  /** With the state of every step. */
  runGraph(id: string): Promise<GraphAnswer> {
    return this.get(`/runs/${part(id)}/graph`);
  }

  /** A flowchart of Mermaid. */
  mermaid(
    of: { readonly workflow: string; readonly version?: number | undefined } | { readonly run: string },
  ): Promise<string> {
    const path =
      'run' in of
        ? `/runs/${part(of.run)}/graph?format=mermaid`
        : `/workflows/${part(of.workflow)}/graph${queryOf({ format: 'mermaid', version: of.version })}`;
    return this.transport.text({ method: 'GET', path });
  }

  /** `now`: without undos and `finally` steps, also when they have begun. */
  cancelRun(id: string, now?: true): Promise<RunSummaryAnswer> {
    return this.post(`/runs/${part(id)}/cancel${queryOf({ now: now && 'true' })}`);
  }

  pauseRun(id: string): Promise<RunSummaryAnswer> {
    return this.post(`/runs/${part(id)}/pause`);
  }

  resumeRun(id: string): Promise<RunSummaryAnswer> {
    return this.post(`/runs/${part(id)}/resume`);
  }

  retryRun(id: string): Promise<RunSummaryAnswer> {
    return this.post(`/runs/${part(id)}/retry`);
  }

  signalRun(id: string, name: string, payload?: Json): Promise<RunSummaryAnswer> {
    return this.post(`/runs/${part(id)}/signal`, { name, payload });
  }

  /** A new run with the journal of this one up to before a step. */
  forkRun(id: string, options: ForkOptions = {}): Promise<RunSummaryAnswer> {
    return this.post(`/runs/${part(id)}/fork`, options);
  }

  migrateRun(id: string, version?: number): Promise<RunSummaryAnswer> {
    return this.post(`/runs/${part(id)}/migrate`, { version });
  }

  async deleteRun(id: string): Promise<void> {
    await this.transport.text({ method: 'DELETE', path: `/runs/${part(id)}` });
  }

  bulkRuns(options: BulkOptions): Promise<BulkAnswer> {
    return this.post('/runs/bulk', options);
  }

  /** Which verb is possible in which states. */
  runVerbs(): Promise<RunVerbsAnswer> {
    return this.get('/runs/verbs');
  }

  /**
   * The run when it has ended, however long that takes and through restarts of the daemon. Rejects with the
   * signal's reason when that aborts.
   */
  async waitForRun(id: string, signal?: AbortSignal): Promise<RunAnswer> {
    const ended = new AbortController();
    const both = signal ? AbortSignal.any([signal, ended.signal]) : ended.signal;
    try {
      for await (const frame of this.follow({ subject: `run/${id}`, types: FINAL_EVENTS, signal: both })) {
        if (frame.kind === 'lost') continue;
        const run = await this.run(id);
        if (FINAL.has(run.status)) return run;
      }
    } finally {
      ended.abort();
    }
    throw signal?.reason ?? new Error('the stream ended');
  }

  // ---- devices ---------------------------------------------------------------------------------------------

  devices(): Promise<DeviceList> {
    return this.get('/devices');
  }

  device(id: string): Promise<DeviceAnswer> {
    return this.get(`/devices/${part(id)}`);
  }

  readDevice(id: string): Promise<ReadingAnswer> {
    return this.post(`/devices/${part(id)}/read`);
  }

  writeDevice(id: string, write: DeviceWriteBody): Promise<ReadingAnswer> {
    return this.post(`/devices/${part(id)}`, write);
  }

  deviceHistory(id: string, query: HistoryQuery = {}): Promise<HistoryAnswer> {
    return this.get(`/devices/${part(id)}/history${queryOf({ ...query })}`);
  }

  simulate(id: string, value: Json): Promise<ReadingAnswer> {
    return this.post(`/simulator/${part(id)}`, { value });
  }

  // ---- events ----------------------------------------------------------------------------------------------

  events(query: EventQuery = {}): Promise<EventPage> {
    const { types, ...rest } = query;
    return this.get(`/events${queryOf({ ...rest, type: types?.join(',') })}`);
  }

  /** The stream with its coming and going: see {@link FollowFrame}. */
  follow(options: FollowOptions = {}): AsyncGenerator<FollowFrame, void> {
    return follow(this.transport, options);
  }

  /** Only the events of {@link follow}. */
  async *followEvents(options: FollowOptions = {}): AsyncGenerator<CloudEventAnswer, void> {
    for await (const frame of this.follow(options)) if (frame.kind === 'event') yield frame.event;
  }

  // ---- the rest --------------------------------------------------------------------------------------------

  approvals(status?: 'open' | 'all', limit?: number): Promise<ApprovalList> {
    return this.get(`/approvals${queryOf({ status, limit })}`);
  }

  approve(id: string, comment?: string): Promise<ApprovalAnswer> {
    return this.post(`/approvals/${part(id)}/approve`, { comment });
  }

  reject(id: string, comment?: string): Promise<ApprovalAnswer> {
    return this.post(`/approvals/${part(id)}/reject`, { comment });
  }

  notifications(limit?: number): Promise<NotificationList> {
    return this.get(`/notifications${queryOf({ limit })}`);
  }

  acknowledgeNotification(id: string): Promise<NotificationAnswer> {
    return this.post(`/notifications/${part(id)}/acknowledge`);
  }

  outbox(query: { readonly limit?: number; readonly status?: EmailStatus } = {}): Promise<OutboxAnswer> {
    return this.get(`/outbox${queryOf(query)}`);
  }

  retryEmail(id: string): Promise<EmailAnswer> {
    return this.post(`/outbox/${part(id)}/retry`);
  }

  withdrawEmail(id: string): Promise<EmailAnswer> {
    return this.post(`/outbox/${part(id)}/withdraw`);
  }

  tokens(): Promise<TokenList> {
    return this.get('/tokens');
  }

  createToken(name: string): Promise<NewToken> {
    return this.post('/tokens', { name });
  }

  async revokeToken(id: string): Promise<void> {
    await this.transport.text({ method: 'DELETE', path: `/tokens/${part(id)}` });
  }

  // ---- secrets ---------------------------------------------------------------------------------------------

  /** `created` is false when it is the next version of one that was there. */
  async setSecret(
    name: string,
    value: string,
    kind?: SecretKindAnswer,
  ): Promise<SecretAnswer & { created: boolean }> {
    const answer = await this.transport.open({
      method: 'PUT',
      path: `/secrets/${part(name)}`,
      headers: JSON_TYPE,
      body: JSON.stringify({ value, kind }),
    });
    const text = await this.transport.read(answer);
    return { ...(JSON.parse(text) as SecretAnswer), created: answer.statusCode === 201 };
  }

  secrets(): Promise<SecretList> {
    return this.get('/secrets');
  }

  async removeSecret(name: string): Promise<void> {
    await this.transport.text({ method: 'DELETE', path: `/secrets/${part(name)}` });
  }

  rotateSecrets(): Promise<RotatedVault> {
    return this.post('/secrets/rotate');
  }

  /** Ends the kept connections; the client is of no use afterwards. */
  close(): void {
    this.transport.close();
  }
}

/** A client for the daemon behind a socket or a URL; nothing is opened before the first verb. */
export function createClient(target: ClientTarget): ApiClient {
  return new ApiClient(target);
}
