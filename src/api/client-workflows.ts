import { TerminalError } from '#core/errors.ts';
import type { Json } from '#core/json.ts';
import { type ClientTarget, ClientTransport } from './client-transport.ts';
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

export const JSON_TYPE = { 'content-type': 'application/json' };

/** The verbs of workflows, and how every verb asks. */
export class WorkflowClient {
  protected readonly transport: ClientTransport;

  constructor(target: ClientTarget) {
    this.transport = new ClientTransport(target);
  }

  /** `created` is false when this definition is the newest version already. */
  async saveWorkflow(source: string, type: 'yaml' | 'json'): Promise<SavedWorkflow & { created: boolean }> {
    const answer = await this.transport.open({
      method: 'POST',
      path: '/workflows',
      headers: { 'content-type': type === 'yaml' ? 'application/yaml' : 'application/json' },
      body: source,
    });
    const text = await this.transport.read(answer);
    return { ...(JSON.parse(text) as SavedWorkflow), created: answer.statusCode === 201 };
  }

  workflows(): Promise<WorkflowList> {
    return this.get('/workflows');
  }

  workflow(name: string, version?: number): Promise<WorkflowAnswer> {
    return this.get(`/workflows/${part(name)}${queryOf({ version })}`);
  }

  /** Everything that is wrong or odd in a definition. */
  async checkWorkflow(source: string, type: 'yaml' | 'json'): Promise<CheckAnswer> {
    const text = await this.transport.text({
      method: 'POST',
      path: '/workflows/check',
      headers: { 'content-type': type === 'yaml' ? 'application/yaml' : 'application/json' },
      body: source,
    });
    return JSON.parse(text) as CheckAnswer;
  }

  /** Runs a definition with its effects recorded instead of done. */
  testWorkflow(test: WorkflowTestBody): Promise<TrialAnswer> {
    return this.post('/workflows/test', test);
  }

  /** A recorded run as a case for {@link testWorkflow}. */
  runCase(id: string): Promise<TrialCaseAnswer> {
    return this.get(`/runs/${part(id)}/case`);
  }

  templates(): Promise<TemplateList> {
    return this.get('/templates');
  }

  renderTemplate(name: string, values: Readonly<Record<string, Json>>): Promise<RenderedTemplate> {
    return this.post(`/templates/${part(name)}`, { values });
  }

  translateWorkflow(from: 'n8n' | 'node-red', file: Json): Promise<TranslationAnswer> {
    return this.post('/workflows/translate', { from, file });
  }

  workflowVersions(name: string): Promise<WorkflowVersions> {
    return this.get(`/workflows/${part(name)}/versions`);
  }

  workflowDiff(name: string, from: number, to: number): Promise<WorkflowDiff> {
    return this.get(`/workflows/${part(name)}/diff${queryOf({ from, to })}`);
  }

  /** The text of an earlier version as the next one. */
  rollbackWorkflow(name: string, version: number): Promise<SavedWorkflow> {
    return this.post(`/workflows/${part(name)}/rollback`, { version });
  }

  async removeWorkflow(name: string): Promise<void> {
    await this.transport.text({ method: 'DELETE', path: `/workflows/${part(name)}` });
  }

  /** What starts workflows, and the clock that schedules go by. */
  triggers(): Promise<TriggerList> {
    return this.get('/triggers');
  }

  protected async get<T>(path: string): Promise<T> {
    return JSON.parse(await this.transport.text({ method: 'GET', path })) as T;
  }

  protected async post<T>(path: string, body?: object, headers: Record<string, string> = {}): Promise<T> {
    const text = await this.transport.text({
      method: 'POST',
      path,
      headers: body === undefined ? headers : { ...JSON_TYPE, ...headers },
      body: body === undefined ? '' : JSON.stringify(body),
    });
    return JSON.parse(text) as T;
  }
}

/** Ids and names stand in a path as one segment, whatever is in them. `.` and `..` would be folded away. */
export function part(text: string): string {
  if (text !== '' && text !== '.' && text !== '..') return encodeURIComponent(text);
  throw new TerminalError('invalid', 'client.name_invalid', `"${text}" is not a name`);
}

export function queryOf(
  values: Readonly<Record<string, string | number | undefined | readonly string[]>>,
): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) if (value !== undefined) query.set(name, String(value));
  return query.size === 0 ? '' : `?${query}`;
}
