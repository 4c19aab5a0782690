import { createHash } from 'node:crypto';
import { actorText } from '#core/actor.ts';
import { TerminalError } from '#core/errors.ts';
import { toJsonText } from '#core/json.ts';
import type { ReaderPort, WriterPort } from '#store/port.ts';
import { Unit } from '#store/unit.ts';
import { priorityOf, priorityRank } from '../definition/concurrency.ts';
import type { RunSummary, StartRun } from '../runs-port.ts';
import type { RunnableVersion, WorkflowCatalog } from '../workflow-catalog.ts';
import { deleteIdempotency, idempotencyByKey, insertIdempotency } from './idempotency-table.ts';
import { isUnknown } from './interrupt.ts';
import type { Launcher } from './launcher.ts';
import type { Later, Launch, NewRun } from './new-run.ts';
import { runById } from './run-table.ts';
import { runSummary } from './run-view.ts';
import { checkedInput } from './start-input.ts';

type Started = RunSummary & { readonly replayed: boolean };

/** Starts runs: now, in their turn or later, each idempotency key once. */
export class RunStarts {
  readonly #store: { readonly reader: ReaderPort; readonly writer: WriterPort };
  readonly #catalog: WorkflowCatalog;
  readonly #launcher: Launcher;
  readonly #startingKeys = new Set<string>();

  constructor(
    store: { readonly reader: ReaderPort; readonly writer: WriterPort },
    catalog: WorkflowCatalog,
    launcher: Launcher,
  ) {
    this.#store = store;
    this.#catalog = catalog;
    this.#launcher = launcher;
  }

  /** `also` adds a trigger's own facts (its cursor) to the unit that creates the run. */
  async start(start: StartRun, also?: (unit: Unit) => void): Promise<Started> {
    const version = this.#catalog.runnable(start.workflow, start.version);
    const key = start.idempotencyKey;
    if (key === undefined) return this.#startNew(start, version, new Unit(), also);
    const fingerprint = fingerprintOf(start);
    const unit = new Unit();
    const before = this.#replay(key, fingerprint, unit);
    if (before) return before;
    this.#startingKeys.add(key);
    try {
      return await this.#startNew(start, version, unit, also, { key, fingerprint });
    } finally {
      this.#startingKeys.delete(key);
    }
  }

  /** A checked run: in the unit, on disk and begun, in this order. */
  async launch(run: NewRun, unit: Unit, also?: (launch: Launch) => void): Promise<RunSummary> {
    this.#launcher.assertRoom(run.later !== undefined);
    const launch = this.#launcher.create(run, unit);
    also?.(launch);
    await this.#commit(launch, run);
    return summaryOf(launch, run);
  }

  async #startNew(
    start: StartRun,
    version: RunnableVersion,
    unit: Unit,
    also?: (unit: Unit) => void,
    idempotency?: { readonly key: string; readonly fingerprint: string },
  ): Promise<Started> {
    const run: NewRun = {
      version,
      input: checkedInput(version, start.input ?? null),
      trigger: start.trigger ?? { type: 'manual' },
      actor: actorText(start.actor),
      priority: start.priority === undefined ? undefined : priorityRank(start.priority),
      later: laterOf(start, this.#launcher.clock.now()),
    };
    const summary = await this.launch(run, unit, ({ live, createdAt }) => {
      if (idempotency) unit.add(insertIdempotency, { ...idempotency, run: live.key, created_at: createdAt });
      also?.(unit);
    });
    return { ...summary, replayed: false };
  }

  async #commit(launch: Launch, run: NewRun): Promise<void> {
    if (!launch.queued) {
      await this.#launcher.begin(launch, run, false).created;
      return;
    }
    try {
      await this.#store.writer.commit(launch.unit);
    } catch (error) {
      if (isUnknown(error)) void this.#launcher.landLater(launch, run);
      else this.#launcher.roster.leave(launch.live, undefined);
      throw error;
    }
    this.#launcher.arrive(launch, run.version.compiled.concurrency);
  }

  /** @throws TerminalError `idempotency.in_progress`, `idempotency.mismatch` */
  #replay(key: string, fingerprint: string, unit: Unit): Started | undefined {
    if (this.#startingKeys.has(key)) {
      throw new TerminalError(
        'conflict',
        'idempotency.in_progress',
        'a request with this Idempotency-Key is under way',
        { hint: 'Wait for its answer, or ask again in a moment.' },
      );
    }
    const before = this.#store.reader.get(idempotencyByKey, { key });
    if (!before) return undefined;
    const row = before.id === null ? undefined : this.#store.reader.get(runById, { id: before.id });
    if (!row) {
      unit.add(deleteIdempotency, { key });
      return undefined;
    }
    if (before.fingerprint === fingerprint) return { ...runSummary(row), replayed: true };
    throw new TerminalError(
      'unprocessable',
      'idempotency.mismatch',
      'this Idempotency-Key was used for another request',
      { hint: 'Make a new key for each new request; keys are kept for 24 hours.' },
    );
  }
}

const LONGEST_MS = 10 * 366 * 86_400_000;
/** A time that has passed by no more than this was meant as now. */
const LATE_MS = 60_000;

/** @throws TerminalError `run.start_invalid` */
function laterOf({ startAt, startInMs }: StartRun, now: number): Later | undefined {
  if (startAt === undefined && startInMs === undefined) return undefined;
  if (startAt !== undefined && startInMs !== undefined)
    throw startInvalid('at a time, or in a while: not both');
  const away = startInMs ?? (startAt as number) - now;
  if (!Number.isFinite(away) || away > LONGEST_MS) throw startInvalid('that is more than ten years away');
  if (away < -LATE_MS) throw startInvalid(`${new Date(now + away).toISOString()} has passed`);
  if (away <= 0) return undefined;
  return startAt === undefined ? { inMs: Math.round(away) } : { at: startAt };
}

function startInvalid(message: string): TerminalError {
  return new TerminalError('unprocessable', 'run.start_invalid', message, {
    hint: 'Give start_at as 2026-05-01T08:00:00+02:00, or in as 10m.',
  });
}

function summaryOf({ live, queued, startAt, createdAt }: Launch, run: NewRun): RunSummary {
  return {
    id: live.id,
    workflow: run.version.name,
    version: run.version.version,
    status: queued ? 'queued' : 'running',
    actor: run.actor,
    trigger: run.trigger,
    priority: priorityOf(run.priority ?? run.version.compiled.priority),
    startAt,
    forkedFrom: run.fork?.from.id ?? null,
    createdAt,
    startedAt: queued ? null : createdAt,
    endedAt: null,
    error: null,
  };
}

function fingerprintOf(start: StartRun): string {
  const { workflow, version, input, startAt, startInMs, priority } = start;
  const plain = [workflow, version ?? null, input ?? null];
  const special = startAt !== undefined || startInMs !== undefined || priority !== undefined;
  const all = special ? [...plain, startAt ?? null, startInMs ?? null, priority ?? null] : plain;
  return createHash('sha256').update(toJsonText(all)).digest('base64url');
}
