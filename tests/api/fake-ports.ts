import { actorText } from '../../src/core/actor.ts';
import { RetryableError, TerminalError } from '../../src/core/errors.ts';

import type { Device, DevicesPort, DeviceWrite, Reading, SimulatorPort } from '../../src/hardware/port.ts';
import type { TokensPort } from '../../src/identity/port.ts';
import { LEGAL } from '../../src/workflows/engine/run-state.ts';
import type {
  BulkRequest,
  ForkRun,
  RunDetail,
  RunFilter,
  RunStatus,
  RunSummary,
  RunsPort,
  StartRun,
  WorkflowDetail,
  WorkflowsPort,
} from '../../src/workflows/runs-port.ts';

const AT = Date.UTC(2026, 2, 1, 8, 15, 30, 250);
const notFound = (what: string): TerminalError =>
  new TerminalError('not_found', `${what}.not_found`, `there is no such ${what}`, {
    hint: 'Look at the list.',
  });

/** Workflows in memory; a source that holds `broken` has a fault at line 3, column 5. */
export class FakeWorkflows implements WorkflowsPort {
  readonly stored = new Map<string, WorkflowDetail>();
  readonly saves: { source: string; type: string; actor: string }[] = [];

  async save(...[source, type, actor]: Parameters<WorkflowsPort['save']>): ReturnType<WorkflowsPort['save']> {
    this.saves.push({ source, type, actor: actorText(actor) });
    if (source.includes('broken')) {
      throw new TerminalError('invalid', 'workflow.invalid', 'the definition has a fault', {
        hint: 'Mend it.',
        faults: [{ path: 'steps/0/type', message: 'is no step type', line: 3, column: 5 }],
      });
    }
    const name = /name"?: ?"?([a-z-]+)/.exec(source)?.[1] ?? 'unnamed';
    const old = this.stored.get(name);
    const created = old?.source !== source;
    const workflow: WorkflowDetail = {
      id: `w-${name}`,
      name,
      version: (old?.version ?? 0) + (created ? 1 : 0),
      description: null,
      triggers: [{ type: 'manual' }],
      createdAt: AT,
      updatedAt: AT,
      definition: { name, mode: 'sequential', triggers: [{ type: 'manual' }], steps: [] },
      source,
      sourceType: type,
    };
    this.stored.set(name, workflow);
    return { ...workflow, created };
  }

  list(): readonly WorkflowDetail[] {
    return [...this.stored.values()];
  }

  get(name: string, version?: number): WorkflowDetail {
    const workflow = this.stored.get(name);
    if (!workflow || (version !== undefined && version > workflow.version)) throw notFound('workflow');
    return { ...workflow, version: version ?? workflow.version };
  }

  versions(name: string): ReturnType<WorkflowsPort['versions']> {
    return [{ version: this.get(name).version, createdAt: AT, actor: 'socket:local' }];
  }

  diff(name: string, from: number, to: number): ReturnType<WorkflowsPort['diff']> {
    this.get(name, Math.max(from, to));
    return [
      {
        ...{ kind: 'changed', step: 'fan', at: 'steps' },
        fields: [{ field: 'value', before: false, after: true }],
      },
    ];
  }

  async rollback(name: string, version: number): ReturnType<WorkflowsPort['rollback']> {
    const workflow = this.get(name, version);
    return { ...workflow, version: workflow.version + 1, created: true };
  }

  async remove(name: string): Promise<void> {
    this.get(name);
    this.stored.delete(name);
  }
}

/** Runs in memory; `start` of the workflow `busy` is refused for now, of `bug` throws something unexpected. */
export class FakeRuns implements RunsPort {
  readonly started: StartRun[] = [];
  readonly filters: RunFilter[] = [];
  readonly signals: { name: string; payload: unknown }[] = [];
  readonly runs = new Map<string, RunDetail>();
  readonly #byKey = new Map<string, string>();

  async start(start: StartRun): Promise<RunSummary & { readonly replayed: boolean }> {
    this.started.push(start);
    if (start.workflow === 'busy') {
      throw new RetryableError('engine.busy', 'too many runs are under way', { retryAfterMs: 2500 });
    }
    if (start.workflow === 'bug') throw new Error('a secret detail');
    if (start.workflow !== 'cooling') throw notFound('workflow');
    const known = start.idempotencyKey === undefined ? undefined : this.#byKey.get(start.idempotencyKey);
    if (known !== undefined) return { ...this.get(known), replayed: true };
    const run = this.add(`run-${this.runs.size + 1}`, 'running', start);
    if (start.idempotencyKey !== undefined) this.#byKey.set(start.idempotencyKey, run.id);
    return { ...run, replayed: false };
  }

  add(id: string, status: RunStatus, start: Partial<StartRun> = {}): RunDetail {
    const ended = status === 'completed' ? AT + 2000 : null;
    const run: RunDetail = {
      id,
      workflow: start.workflow ?? 'cooling',
      version: start.version ?? 3,
      status,
      actor: start.actor ? actorText(start.actor) : 'system:test',
      trigger: { type: 'manual' },
      priority: start.priority ?? 'normal',
      startAt: start.startAt ?? null,
      forkedFrom: null,
      createdAt: AT,
      startedAt: AT + 1,
      endedAt: ended,
      error: null,
      input: start.input ?? null,
      output: { fan: true },
      verbs: ['cancel', 'pause', 'signal'],
      steps: [
        {
          path: 'read',
          id: 'read',
          type: 'device_read',
          status: 'completed',
          attempts: 2,
          output: 33,
          error: null,
          history: [
            {
              attempt: 1,
              at: AT + 2,
              error: { code: 'device.fault', message: 'no answer', retryable: true },
            },
          ],
          startedAt: AT + 1,
          endedAt: ended,
        },
      ],
    };
    this.runs.set(id, run);
    return run;
  }

  list(filter: RunFilter): { readonly runs: readonly RunSummary[]; readonly next: string | null } {
    this.filters.push(filter);
    return { runs: [...this.runs.values()].slice(0, filter.limit), next: 'more' };
  }

  get(id: string): RunDetail {
    const run = this.runs.get(id);
    if (!run) throw notFound('run');
    return run;
  }

  #move(id: string, status: RunStatus): Promise<RunSummary> {
    const run = this.get(id);
    if (run.status === 'completed') {
      return Promise.reject(new TerminalError('conflict', 'run.illegal', 'a completed run stays as it is'));
    }
    const moved = { ...run, status };
    this.runs.set(id, moved);
    return Promise.resolve(moved);
  }

  async cancel(id: string): Promise<RunSummary> {
    return this.#move(id, 'cancelled');
  }
  async pause(id: string): Promise<RunSummary> {
    return this.#move(id, 'paused');
  }
  async resume(id: string): Promise<RunSummary> {
    return this.#move(id, 'running');
  }
  async retry(id: string): Promise<RunSummary> {
    return this.#move(id, 'queued');
  }
  async fork(id: string, fork: ForkRun): Promise<RunSummary> {
    const { workflow, version } = this.get(id);
    const forked = { ...this.add(`run-${this.runs.size + 1}`, 'running', { workflow, version, ...fork }) };
    return { ...forked, forkedFrom: id };
  }
  async migrate(id: string, version: number | undefined): Promise<RunSummary> {
    return { ...this.get(id), version: version ?? 4 };
  }
  async delete(id: string): Promise<void> {
    this.get(id);
    this.runs.delete(id);
  }
  readonly bulks: BulkRequest[] = [];
  async bulk(request: BulkRequest): ReturnType<RunsPort['bulk']> {
    this.bulks.push(request);
    const result = (run: RunSummary) => ({
      id: run.id,
      workflow: run.workflow,
      status: run.status,
      error: null,
    });
    return { results: [...this.runs.values()].slice(0, request.limit).map(result), more: false };
  }
  verbs(): ReturnType<RunsPort['verbs']> {
    return LEGAL;
  }
  async signal(id: string, name: string, payload: unknown): Promise<RunSummary> {
    this.signals.push({ name, payload });
    return this.get(id);
  }
}

export class FakeDevices implements DevicesPort, SimulatorPort {
  readonly writes: DeviceWrite[] = [];
  readonly #fan: Device = {
    id: 'fan',
    name: 'Fan',
    driver: 'sim',
    kind: 'switch',
    writable: true,
    safe: false,
    reported: null,
    reportedAt: null,
    quality: 'stale',
    desired: null,
  };

  list(): readonly Device[] {
    return [
      this.#fan,
      { ...this.#fan, id: 'temp', kind: 'sensor', unit: 'Cel', writable: false, reportedAt: AT },
    ];
  }

  get(id: string): Device {
    const device = this.list().find((one) => one.id === id);
    if (!device) throw notFound('device');
    return device;
  }

  async read(id: string): Promise<Reading> {
    return { device: this.get(id).id, value: 21.5, quality: 'good', at: AT, unit: 'Cel' };
  }

  async write(id: string, write: DeviceWrite): Promise<Reading> {
    if (!this.get(id).writable) throw new TerminalError('conflict', 'device.read_only', 'it only measures');
    this.writes.push(write);
    return { device: id, value: write.value, quality: 'good', at: AT };
  }

  async safe(): Promise<void> {}

  async set(id: string, value: unknown): Promise<Reading> {
    return { device: this.get(id).id, value: value as number, quality: 'good', at: AT };
  }
}

/** One token, `cb_right`, that is there from the start. */
export class FakeTokens implements TokensPort {
  readonly #names = new Map([['t1', 'laptop']]);

  async create(name: string): Promise<{ id: string; name: string; token: string }> {
    if (name === 'laptop') throw new TerminalError('conflict', 'token.name_taken', 'that name is taken');
    this.#names.set('t2', name);
    return { id: 't2', name, token: 'cb_new' };
  }

  list(): ReturnType<TokensPort['list']> {
    return [...this.#names].map(([id, name]) => ({ id, name, createdAt: AT, lastUsedAt: null }));
  }

  async revoke(id: string): Promise<void> {
    if (!this.#names.delete(id)) throw notFound('token');
  }

  verify(token: string): ReturnType<TokensPort['verify']> {
    return token === 'cb_right' ? { kind: 'token', id: 't1' } : undefined;
  }
}
