import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { EventLog } from '#bus/event-log.ts';
import { SYSTEM } from '#core/actor.ts';
import { sleep } from '#core/clock.ts';
import { RetryableError, TerminalError } from '#core/errors.ts';
import type { Json, JsonObject } from '#core/json.ts';
import { type Log, silentLog } from '#core/log.ts';
import { stepTypes } from '#workflows/definition/step-types.ts';
import type { OnInterrupt } from '#workflows/definition-port.ts';
import { Engine, type EngineOptions } from '#workflows/engine/engine.ts';
import { OutputFiles } from '#workflows/engine/output-files.ts';
import type { LaunchLimits } from '#workflows/engine/turns.ts';
import type { StepContext, StepType } from '#workflows/port.ts';
import type { RunDetail } from '#workflows/runs-port.ts';
import { failStep } from '#workflows/steps/fail.ts';
import { logStep } from '#workflows/steps/log.ts';
import { transformStep } from '#workflows/steps/transform.ts';
import { WorkflowCatalog } from '#workflows/workflow-catalog.ts';
import { FileStore } from './file-store.ts';
import { HandClock } from './hand-clock.ts';

/** Something a step did to the world. */
export interface Effect {
  readonly key: string;
  readonly path: string;
  readonly attempt: number;
  /** Which life of the daemon did it, from 1. */
  readonly life: number;
}

export interface StoredEvent {
  readonly seq: number;
  readonly type: string;
  readonly subject: string;
  readonly data: JsonObject;
}

export interface StepRowShown {
  readonly run: number;
  readonly path: string;
  readonly type: string;
  readonly status: string;
  readonly attempts: number;
}

const never = new AbortController().signal;

/**
 * The engine on a file of its own, with a world that remembers effects. `crash` ends a life without a word:
 * the old engine is left hanging, its commits and effects no longer count, and a new one opens the file.
 */
export class EngineRig {
  readonly effects: Effect[] = [];
  /** Failures so far of `act` steps that fail some times, by key. */
  readonly failures = new Map<string, number>();
  readonly directory = mkdtempSync(join(tmpdir(), 'chainbot-rig-'));
  /** A step type that the next life no longer has. */
  without: string | undefined;
  /** Further step types, from the next life on. */
  types: readonly StepType[] = [];
  secrets: EngineOptions['secrets'];
  daemonLog: Log = silentLog;
  life = 0;
  clock = new HandClock();
  store!: FileStore;
  events!: EventLog;
  catalog!: WorkflowCatalog;
  engine!: Engine;
  outputs!: OutputFiles;
  /** Steps that were committed as completed before each life, as `<run id>/<path>`. */
  readonly #settled = new Map<number, Set<string>>();
  readonly #limits: Partial<LaunchLimits & { readonly keepRunsMs: number }>;

  constructor(limits: Partial<LaunchLimits & { readonly keepRunsMs: number }> = {}) {
    this.#limits = limits;
  }

  get path(): string {
    return join(this.directory, 'chainbot.db');
  }

  /** Starts a life; `template` is a closed database to begin with. */
  async open(template?: string): Promise<void> {
    if (template) copyFileSync(template, this.path);
    await this.begin();
    await this.engine.start(never);
  }

  /** Everything but the engine's start. */
  async begin(): Promise<void> {
    this.life++;
    this.clock = new HandClock(this.clock.now());
    this.store = new FileStore(this.path);
    const settled = this.store.rows<{ key: string }>(
      "SELECT runs.id || '/' || path AS key FROM steps JOIN runs ON runs.key = steps.run WHERE steps.status = 'completed'",
    );
    this.#settled.set(this.life, new Set(settled.map((row) => row.key)));
    this.events = new EventLog(this.store, 'test');
    this.events.open();
    const stores = { reader: this.store.reader, writer: this.store };
    const { clock } = this;
    this.catalog = new WorkflowCatalog({ store: stores, stepTypes: stepTypes(this.#types()), clock });
    this.catalog.open();
    const limits = {
      maxWaiting: 100_000,
      restAfterMs: 1000,
      maxLive: 100,
      maxQueued: 100,
      keepRunsMs: 1e9,
      graceMs: 200,
      stepTimeoutMs: 3_600_000,
      ...this.#limits,
    };
    this.outputs = new OutputFiles(join(this.directory, 'outputs'), this.store.reader);
    this.engine = new Engine({
      outputs: this.outputs,
      store: stores,
      events: this.events,
      catalog: this.catalog,
      clock,
      log: this.daemonLog,
      secrets: this.secrets,
      limits,
    });
  }

  async save(...definitions: readonly object[]): Promise<void> {
    for (const definition of definitions) await this.catalog.save(JSON.stringify(definition), 'json', SYSTEM);
  }

  settledIn(life: number): ReadonlySet<string> {
    return this.#settled.get(life) ?? new Set();
  }

  /** The power goes. */
  async crash(): Promise<void> {
    this.store.close();
    await this.begin();
    await this.engine.start(never);
  }

  async close(): Promise<void> {
    await this.engine.stop();
    this.store.close();
    rmSync(this.directory, { recursive: true, force: true });
  }

  /** Ends without a clean stop. */
  drop(): void {
    this.life++;
    this.store.close();
    rmSync(this.directory, { recursive: true, force: true });
  }

  async start(workflow: string, input: Json = {}): Promise<string> {
    return (await this.engine.runs.start({ workflow, input, actor: SYSTEM })).id;
  }

  /** Nothing moves but by the clock. */
  async settle(): Promise<void> {
    for (let quiet = 0, turns = 0; quiet < 4 && turns < 5000; turns++) {
      await turn();
      quiet = this.store.idle ? quiet + 1 : 0;
    }
  }

  /** Lets time pass, a second at a time, until `done` or for `seconds`. */
  async pass(seconds: number, done: () => boolean = () => false): Promise<boolean> {
    for (let second = 0; second < seconds; second++) {
      await this.settle();
      if (done()) return true;
      await this.clock.advance(1000);
    }
    await this.settle();
    return done();
  }

  async end(id: string, seconds = 300): Promise<RunDetail> {
    await this.pass(seconds, () => this.store.dead || this.engine.runs.get(id).endedAt !== null);
    return this.engine.runs.get(id);
  }

  log(): StoredEvent[] {
    return this.store
      .rows<{ seq: number; type: string; subject: string; data: string }>(
        'SELECT seq, type, subject, data FROM events ORDER BY seq',
      )
      .map((row) => ({ ...row, data: JSON.parse(row.data) as JsonObject }));
  }

  typesOf(id: string): string[] {
    return this.log()
      .filter((event) => event.subject === `run/${id}`)
      .map((event) => event.type.replace('chainbot.', ''));
  }

  steps(): StepRowShown[] {
    return this.store.rows<StepRowShown>(
      'SELECT run, path, type, status, attempts FROM steps ORDER BY run, ordinal',
    );
  }

  count(table: 'wakes' | 'signals' | 'runs'): number {
    return this.store.rows<{ n: number }>(`SELECT count(*) AS n FROM ${table}`)[0]?.n ?? 0;
  }

  statusInDatabase(id: string): string | undefined {
    return this.store
      .rows<{ id: string; status: string }>('SELECT id, status FROM runs')
      .find((row) => row.id === id)?.status;
  }

  #types(): StepType[] {
    const mine = this.life;
    const act: StepType = {
      type: 'act',
      check: () => [],
      onInterrupt: (fields) => (fields.interrupt ?? 'retry') as OnInterrupt,
      run: (fields, context) =>
        mine === this.life ? this.#act(fields, context, mine) : new Promise(() => undefined),
    };
    const gone: StepType = { ...act, type: 'gone' };
    return [transformStep, failStep, logStep, act, gone, ...this.types].filter(
      ({ type }) => type !== this.without,
    );
  }

  /** `ms`: takes so long; `fail`: fails for good; `fails`: fails so many times first; `value`: the output; `size`: a text so long. */
  async #act(fields: JsonObject, context: StepContext, mine: number): Promise<unknown> {
    const { path, attempt, idempotencyKey: key } = context;
    this.effects.push({ key, path, attempt, life: mine });
    if (typeof fields.ms === 'number') await sleep(context.clock, fields.ms, context.signal);
    const failed = this.failures.get(key) ?? 0;
    if (typeof fields.fails === 'number' && failed < fields.fails) {
      this.failures.set(key, failed + 1);
      throw new RetryableError('act.again', 'not yet');
    }
    if (fields.fail === true) throw new TerminalError('failed', 'act.failed', 'it does not work');
    return typeof fields.size === 'number' ? 'x'.repeat(fields.size) : (fields.value ?? path);
  }
}
