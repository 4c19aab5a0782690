import { TerminalError } from '#core/errors.ts';
import type { Json } from '#core/json.ts';
import { type FollowFrame, type FollowOptions, follow } from './client-events.ts';
import { type ClientTarget, ClientTransport } from './client-transport.ts';
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
  BulkVerbAnswer,
  RunAnswer,
  RunList,
  RunPriorityAnswer,
  RunStatusAnswer,
  RunSummaryAnswer,
  RunVerbsAnswer,
} from './contract/run.ts';
import type { RotatedVault, SecretAnswer, SecretKindAnswer, SecretList } from './contract/secret.ts';
import type { NewToken, TokenList } from './contract/token.ts';
import type { TriggerList } from './contract/trigger.ts';
import type {
  CheckAnswer,
  RenderedTemplate,
  TemplateList,
  TranslationAnswer,
  TrialAnswer,
  TrialCaseAnswer,
  WorkflowTestBody,
} from './contract/workbench.ts';
import type {
  SavedWorkflow,
  WorkflowAnswer,
  WorkflowDiff,
  WorkflowList,
  WorkflowVersions,
} from './contract/workflow.ts';

export type { FollowFrame, FollowOptions } from './client-events.ts';
export type { ClientTarget } from './client-transport.ts';

export interface StartOptions {
  readonly input?: Json | undefined;
  readonly version?: number | undefined;
  /** The same key and input answer with the same run for 24 h. */
  readonly idempotencyKey?: string | undefined;
  readonly priority?: RunPriorityAnswer | undefined;
  /** RFC 3339: begin at this time. */
  readonly start_at?: string | undefined;
  /** Begin after this long: `10m`, or seconds. */
  readonly in?: string | number | undefined;
}

export interface ForkOptions {
  /** The path of the step that is to run again; absent: from the beginning. */
  readonly step?: string | undefined;
  readonly input?: Json | undefined;
  readonly version?: number | undefined;
}

export interface BulkOptions {
  readonly verb: BulkVerbAnswer;
  readonly workflow?: string | undefined;
  readonly status?: readonly RunStatusAnswer[] | undefined;
  /** Of `migrate`. */
  readonly version?: number | undefined;
  readonly limit?: number | undefined;
}

export interface RunQuery {
  readonly workflow?: string | undefined;
  readonly status?: readonly RunStatusAnswer[] | undefined;
  readonly limit?: number | undefined;
  readonly cursor?: string | undefined;
}

export interface EventQuery {
  readonly after?: number | undefined;
  readonly before?: number | undefined;
  readonly limit?: number | undefined;
  readonly types?: readonly string[] | undefined;
  readonly subject?: string | undefined;
}

export interface HistoryQuery {
  /** RFC 3339. */
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly limit?: number | undefined;
}

const FINAL = new Set<RunStatusAnswer>(['completed', 'failed', 'cancelled']);
const FINAL_EVENTS = [
  'chainbot.workflow.completed',
  'chainbot.workflow.failed',
  'chainbot.workflow.cancelled',
];
const JSON_TYPE = { 'content-type': 'application/json' };

/**
 * Every verb of the HTTP API, typed by the contract. Each throws the daemon's own error (TerminalError or
 * RetryableError with its code, hint and faults), or `client.unreachable`, `client.timeout`, `client.forbidden`.
 */
export class ApiClient {
  readonly #transport: ClientTransport;

  constructor(target: ClientTarget) {
    this.#transport = new ClientTransport(target);
  }

  /** Also when it is failed: the answer says so. */
  async health(): Promise<HealthAnswer> {
    return JSON.parse(await this.#transport.text({ method: 'GET', path: '/health' }, [503])) as HealthAnswer;
  }

  info(): Promise<InfoAnswer> {
    return this.#get('/info');
  }

  /** Prometheus text. */
  metrics(): Promise<string> {
    return this.#transport.text({ method: 'GET', path: '/metrics' });
  }

  openapi(): Promise<Json> {
    return this.#get('/openapi.json');
  }

  // ---- workflows -------------------------------------------------------------------------------------------

  /** `created` is false when this definition is the newest version already. */
  async saveWorkflow(source: string, type: 'yaml' | 'json'): Promise<SavedWorkflow & { created: boolean }> {
    const answer = await this.#transport.open({
      method: 'POST',
      path: '/workflows',
      headers: { 'content-type': type === 'yaml' ? 'application/yaml' : 'application/json' },
      body: source,
    });
    const text = await this.#transport.read(answer);
    return { ...(JSON.parse(text) as SavedWorkflow), created: answer.statusCode === 201 };
  }

  workflows(): Promise<WorkflowList> {
    return this.#get('/workflows');
  }

  workflow(name: string, version?: number): Promise<WorkflowAnswer> {
    return this.#get(`/workflows/${part(name)}${queryOf({ version })}`);
  }

  /** Everything that is wrong or odd in a definition. */
  async checkWorkflow(source: string, type: 'yaml' | 'json'): Promise<CheckAnswer> {
    const text = await this.#transport.text({
      method: 'POST',
      path: '/workflows/check',
      headers: { 'content-type': type === 'yaml' ? 'application/yaml' : 'application/json' },
      body: source,
    });
    return JSON.parse(text) as CheckAnswer;
  }

  /** Runs a definition with its effects recorded instead of done. */
  testWorkflow(test: WorkflowTestBody): Promise<TrialAnswer> {
    return this.#post('/workflows/test', test);
  }

  /** A recorded run as a case for {@link testWorkflow}. */
  runCase(id: string): Promise<TrialCaseAnswer> {
    return this.#get(`/runs/${part(id)}/case`);
  }

  templates(): Promise<TemplateList> {
    return this.#get('/templates');
  }

  renderTemplate(name: string, values: Readonly<Record<string, Json>>): Promise<RenderedTemplate> {
    return this.#post(`/templates/${part(name)}`, { values });
  }

  translateWorkflow(from: 'n8n' | 'node-red', file: Json): Promise<TranslationAnswer> {
    return this.#post('/workflows/translate', { from, file });
  }

  workflowVersions(name: string): Promise<WorkflowVersions> {
    return this.#get(`/workflows/${part(name)}/versions`);
  }

  workflowDiff(name: string, from: number, to: number): Promise<WorkflowDiff> {
    return this.#get(`/workflows/${part(name)}/diff${queryOf({ from, to })}`);
  }

  /** The text of an earlier version as the next one. */
  rollbackWorkflow(name: string, version: number): Promise<SavedWorkflow> {
    return this.#post(`/workflows/${part(name)}/rollback`, { version });
  }

  async removeWorkflow(name: string): Promise<void> {
    await this.#transport.text({ method: 'DELETE', path: `/workflows/${part(name)}` });
  }

  /** What starts workflows, and the clock that schedules go by. */
  triggers(): Promise<TriggerList> {
    return this.#get('/triggers');
  }

  // ---- runs ------------------------------------------------------------------------------------------------

  startRun(workflow: string, options: StartOptions = {}): Promise<RunSummaryAnswer> {
    const { idempotencyKey, ...body } = options;
    const headers = idempotencyKey === undefined ? {} : { 'idempotency-key': JSON.stringify(idempotencyKey) };
    return this.#post(`/workflows/${part(workflow)}/runs`, body, headers);
  }

  runs(query: RunQuery = {}): Promise<RunList> {
    return this.#get(`/runs${queryOf({ ...query, status: query.status?.join(',') })}`);
  }

  /** `logs`: with the lines that its steps logged. */
  run(id: string, options: { readonly logs?: boolean | undefined } = {}): Promise<RunAnswer> {
    return this.#get(`/runs/${part(id)}${options.logs ? '?logs=true' : ''}`);
  }

  /** The whole output of a step, or of the run, as JSON text in pieces. */
  async *output(id: string, path?: string): AsyncGenerator<Uint8Array, void> {
    const step = path === undefined ? '' : `/steps/${part(path)}`;
    const answer = await this.#transport.open({ method: 'GET', path: `/runs/${part(id)}${step}/output` });
    if (answer.statusCode === 200) yield* answer as AsyncIterable<Uint8Array>;
    else await this.#transport.read(answer); // throws what the daemon said
  }

  graph(workflow: string, version?: number): Promise<GraphAnswer> {
    return this.#get(`/workflows/${part(workflow)}/graph${queryOf({ version })}`);
  }

  /** With the state of every step. */
  runGraph(id: string): Promise<GraphAnswer> {
    return this.#get(`/runs/${part(id)}/graph`);
  }

  /** A flowchart of Mermaid. */
  mermaid(
    of: { readonly workflow: string; readonly version?: number | undefined } | { readonly run: string },
  ): Promise<string> {
    const path =
      'run' in of
        ? `/runs/${part(of.run)}/graph?format=mermaid`
        : `/workflows/${part(of.workflow)}/graph${queryOf({ format: 'mermaid', version: of.version })}`;
    return this.#transport.text({ method: 'GET', path });
  }

  /** `now`: without undos and `finally` steps, also when they have begun. */
  cancelRun(id: string, now?: true): Promise<RunSummaryAnswer> {
    return this.#post(`/runs/${part(id)}/cancel${queryOf({ now: now && 'true' })}`);
  }

  pauseRun(id: string): Promise<RunSummaryAnswer> {
    return this.#post(`/runs/${part(id)}/pause`);
  }

  resumeRun(id: string): Promise<RunSummaryAnswer> {
    return this.#post(`/runs/${part(id)}/resume`);
  }

  retryRun(id: string): Promise<RunSummaryAnswer> {
    return this.#post(`/runs/${part(id)}/retry`);
  }

  signalRun(id: string, name: string, payload?: Json): Promise<RunSummaryAnswer> {
    return this.#post(`/runs/${part(id)}/signal`, { name, payload });
  }

  /** A new run with the journal of this one up to before a step. */
  forkRun(id: string, options: ForkOptions = {}): Promise<RunSummaryAnswer> {
    return this.#post(`/runs/${part(id)}/fork`, options);
  }

  migrateRun(id: string, version?: number): Promise<RunSummaryAnswer> {
    return this.#post(`/runs/${part(id)}/migrate`, { version });
  }

  async deleteRun(id: string): Promise<void> {
    await this.#transport.text({ method: 'DELETE', path: `/runs/${part(id)}` });
  }

  bulkRuns(options: BulkOptions): Promise<BulkAnswer> {
    return this.#post('/runs/bulk', options);
  }

  /** Which verb is possible in which states. */
  runVerbs(): Promise<RunVerbsAnswer> {
    return this.#get('/runs/verbs');
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
    return this.#get('/devices');
  }

  device(id: string): Promise<DeviceAnswer> {
    return this.#get(`/devices/${part(id)}`);
  }

  readDevice(id: string): Promise<ReadingAnswer> {
    return this.#post(`/devices/${part(id)}/read`);
  }

  writeDevice(id: string, write: DeviceWriteBody): Promise<ReadingAnswer> {
    return this.#post(`/devices/${part(id)}`, write);
  }

  deviceHistory(id: string, query: HistoryQuery = {}): Promise<HistoryAnswer> {
    return this.#get(`/devices/${part(id)}/history${queryOf({ ...query })}`);
  }

  simulate(id: string, value: Json): Promise<ReadingAnswer> {
    return this.#post(`/simulator/${part(id)}`, { value });
  }

  // ---- events ----------------------------------------------------------------------------------------------

  events(query: EventQuery = {}): Promise<EventPage> {
    const { types, ...rest } = query;
    return this.#get(`/events${queryOf({ ...rest, type: types?.join(',') })}`);
  }

  /** The stream with its coming and going: see {@link FollowFrame}. */
  follow(options: FollowOptions = {}): AsyncGenerator<FollowFrame, void> {
    return follow(this.#transport, options);
  }

  /** Only the events of {@link follow}. */
  async *followEvents(options: FollowOptions = {}): AsyncGenerator<CloudEventAnswer, void> {
    for await (const frame of this.follow(options)) if (frame.kind === 'event') yield frame.event;
  }

  // ---- the rest --------------------------------------------------------------------------------------------

  approvals(status?: 'open' | 'all', limit?: number): Promise<ApprovalList> {
    return this.#get(`/approvals${queryOf({ status, limit })}`);
  }

  approve(id: string, comment?: string): Promise<ApprovalAnswer> {
    return this.#post(`/approvals/${part(id)}/approve`, { comment });
  }

  reject(id: string, comment?: string): Promise<ApprovalAnswer> {
    return this.#post(`/approvals/${part(id)}/reject`, { comment });
  }

  notifications(limit?: number): Promise<NotificationList> {
    return this.#get(`/notifications${queryOf({ limit })}`);
  }

  acknowledgeNotification(id: string): Promise<NotificationAnswer> {
    return this.#post(`/notifications/${part(id)}/acknowledge`);
  }

  outbox(query: { readonly limit?: number; readonly status?: EmailStatus } = {}): Promise<OutboxAnswer> {
    return this.#get(`/outbox${queryOf(query)}`);
  }

  retryEmail(id: string): Promise<EmailAnswer> {
    return this.#post(`/outbox/${part(id)}/retry`);
  }

  withdrawEmail(id: string): Promise<EmailAnswer> {
    return this.#post(`/outbox/${part(id)}/withdraw`);
  }

  tokens(): Promise<TokenList> {
    return this.#get('/tokens');
  }

  createToken(name: string): Promise<NewToken> {
    return this.#post('/tokens', { name });
  }

  async revokeToken(id: string): Promise<void> {
    await this.#transport.text({ method: 'DELETE', path: `/tokens/${part(id)}` });
  }

  // ---- secrets ---------------------------------------------------------------------------------------------

  /** `created` is false when it is the next version of one that was there. */
  async setSecret(
    name: string,
    value: string,
    kind?: SecretKindAnswer,
  ): Promise<SecretAnswer & { created: boolean }> {
    const answer = await this.#transport.open({
      method: 'PUT',
      path: `/secrets/${part(name)}`,
      headers: JSON_TYPE,
      body: JSON.stringify({ value, kind }),
    });
    const text = await this.#transport.read(answer);
    return { ...(JSON.parse(text) as SecretAnswer), created: answer.statusCode === 201 };
  }

  secrets(): Promise<SecretList> {
    return this.#get('/secrets');
  }

  async removeSecret(name: string): Promise<void> {
    await this.#transport.text({ method: 'DELETE', path: `/secrets/${part(name)}` });
  }

  rotateSecrets(): Promise<RotatedVault> {
    return this.#post('/secrets/rotate');
  }

  /** Ends the kept connections; the client is of no use afterwards. */
  close(): void {
    this.#transport.close();
  }

  async #get<T>(path: string): Promise<T> {
    return JSON.parse(await this.#transport.text({ method: 'GET', path })) as T;
  }

  async #post<T>(path: string, body?: object, headers: Record<string, string> = {}): Promise<T> {
    const text = await this.#transport.text({
      method: 'POST',
      path,
      headers: body === undefined ? headers : { ...JSON_TYPE, ...headers },
      body: body === undefined ? '' : JSON.stringify(body),
    });
    return JSON.parse(text) as T;
  }
}

/** A client for the daemon behind a socket or a URL; nothing is opened before the first verb. */
export function createClient(target: ClientTarget): ApiClient {
  return new ApiClient(target);
}

/** Ids and names stand in a path as one segment, whatever is in them. `.` and `..` would be folded away. */
function part(text: string): string {
  if (text !== '' && text !== '.' && text !== '..') return encodeURIComponent(text);
  throw new TerminalError('invalid', 'client.name_invalid', `"${text}" is not a name`);
}

function queryOf(values: Readonly<Record<string, string | number | undefined | readonly string[]>>): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) if (value !== undefined) query.set(name, String(value));
  return query.size === 0 ? '' : `?${query}`;
}
