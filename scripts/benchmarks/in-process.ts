import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EventLog } from '../../src/bus/event-log.ts';
import { SYSTEM } from '../../src/core/actor.ts';
import { systemClock } from '../../src/core/clock.ts';
import { silentLog } from '../../src/core/log.ts';
import { Store } from '../../src/store/store.ts';
import { stepTypes } from '../../src/workflows/definition/step-types.ts';
import { Engine } from '../../src/workflows/engine/engine.ts';
import { transformStep } from '../../src/workflows/steps/transform.ts';
import { WorkflowCatalog } from '../../src/workflows/workflow-catalog.ts';

/** Five steps that each see the one before; the definition that every benchmark of ours runs. */
export const FIVE_STEPS = JSON.stringify({
  name: 'five-steps',
  input: { type: 'object', properties: { n: { type: 'number', default: 1 } } },
  steps: [
    { id: 'a', type: 'transform', value: '{{ input.n + 1 }}' },
    { id: 'b', type: 'transform', value: { value: '{{ steps.a.output * 2 }}' } },
    { id: 'c', type: 'transform', value: '{{ steps.b.output.value + steps.a.output }}' },
    { id: 'd', type: 'transform', value: { text: 'n is {{ steps.c.output }}' } },
    {
      id: 'e',
      type: 'transform',
      value: { value: '{{ steps.c.output }}', text: '{{ steps.d.output.text }}' },
    },
  ],
});

/** The engine with its store, log and events, in this process; no HTTP. The client waits for each run's end. */
export class InProcess {
  readonly #directory = mkdtempSync(join(tmpdir(), 'chainbot-bench-engine-'));
  readonly #store: Store;
  readonly #events: EventLog;
  readonly #catalog: WorkflowCatalog;
  readonly #engine: Engine;

  constructor() {
    this.#store = new Store({
      file: join(this.#directory, 'chainbot.db'),
      telemetryFile: join(this.#directory, 'telemetry.db'),
      log: silentLog,
      quickCheck: false,
      telemetry: { flushMs: 60_000, retentionMs: 1e9 },
    });
    const store = { reader: this.#store.reader, writer: this.#store };
    this.#events = new EventLog(this.#store, '/bench');
    this.#catalog = new WorkflowCatalog({ store, stepTypes: stepTypes([transformStep]), clock: systemClock });
    this.#engine = new Engine({
      store,
      events: this.#events,
      catalog: this.#catalog,
      clock: systemClock,
      log: silentLog,
      limits: {
        maxWaiting: 1000,
        restAfterMs: 1000,
        maxLive: 10_000,
        maxQueued: 0,
        keepRunsMs: 1e12,
        graceMs: 1000,
        stepTimeoutMs: 300_000,
      },
    });
  }

  async open(): Promise<void> {
    const { signal } = new AbortController();
    await this.#store.start(signal);
    this.#events.open();
    this.#catalog.open();
    await this.#engine.start(signal);
    await this.#catalog.save(FIVE_STEPS, 'json', SYSTEM);
  }

  get commits(): number {
    return this.#store.commits;
  }

  async run(n: number): Promise<void> {
    const { id } = await this.#engine.runs.start({ workflow: 'five-steps', input: { n }, actor: SYSTEM });
    const ended = await this.#engine.launcher.roster.get(id)?.ended.promise;
    if (ended && ended.status !== 'completed')
      throw new Error(`a run ${ended.status}: ${ended.error?.message}`);
  }

  async close(): Promise<void> {
    await this.#engine.stop();
    await this.#store.stop();
    rmSync(this.#directory, { recursive: true, force: true });
  }
}
