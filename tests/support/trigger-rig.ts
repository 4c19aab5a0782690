import { join } from 'node:path';
import { Cursor } from '#bus/cursor.ts';
import { eventRow } from '#bus/event-row.ts';
import { TerminalError } from '#core/errors.ts';
import type { JsonObject } from '#core/json.ts';
import { silentLog } from '#core/log.ts';
import type { Device, DeviceValue, Quality } from '#hardware/port.ts';
import { Unit } from '#store/unit.ts';
import type { SecretsPort } from '#vault/port.ts';
import type { TriggerStatus } from '#workflows/trigger-port.ts';
import { createTriggers, type Triggers } from '#workflows/triggers/create-triggers.ts';
import { EngineRig } from './engine-rig.ts';
import { ScriptedTrust } from './scripted-trust.ts';

const never = new AbortController().signal;
const ACT = { id: 'a', type: 'act' };

/** The engine's rig with every trigger on it: devices, secrets and the clock's trust are the test's. */
export class TriggerRig {
  /** Runs are kept: a clock that jumps would make them old. */
  readonly rig = new EngineRig({ keepRunsMs: Number.MAX_SAFE_INTEGER });
  readonly trust = new ScriptedTrust();
  readonly devices = new Map<string, Device>();
  readonly secrets = new Map<string, string>();
  readonly filesDir = join(this.rig.directory, 'files');
  triggers!: Triggers;
  #isUp = false;

  async open(): Promise<this> {
    await this.rig.open();
    await this.up();
    return this;
  }

  /** Starts the triggers. */
  async up(): Promise<void> {
    const { engine, catalog, clock, store, events } = this.rig;
    const cursor = new Cursor('triggers', { reader: store.reader, writer: store }, clock);
    cursor.open(events.head());
    this.triggers = createTriggers({
      ...{ catalog, clock, events, cursor, runs: engine.runs, ticks: engine.ticks },
      ...{ writer: store, reader: store.reader, log: silentLog },
      devices: { list: () => [...this.devices.values()] },
      trust: this.trust,
      secrets: this.#secretsPort(),
      timezone: 'UTC',
      filesDir: this.filesDir,
      facts: () => ({ clean_stop: true }),
    });
    await this.triggers.firings.start(never);
    this.triggers.mqtt.open();
    for (const part of this.triggers.parts) await part.start(never);
    this.#isUp = true;
    await this.rig.settle();
  }

  async down(): Promise<void> {
    if (!this.#isUp) return;
    this.#isUp = false;
    for (const part of [...this.triggers.parts].reverse()) await part.stop();
    await this.triggers.firings.stop();
  }

  /** The power goes: what is not on disk is gone, and the old life's timers are nobody's. */
  async crash(): Promise<void> {
    this.#isUp = false;
    await this.rig.crash();
    await this.up();
  }

  /** Stops, and starts again so much later. */
  async away(ms: number): Promise<void> {
    await this.down();
    await this.rig.engine.stop();
    this.rig.store.close();
    this.rig.clock.leap(ms);
    await this.rig.begin();
    await this.rig.engine.start(never);
    await this.up();
  }

  async close(): Promise<void> {
    await this.down();
    await this.rig.close();
  }

  /** A workflow with these triggers and one step. */
  async save(name: string, triggers: readonly object[], more: object = {}): Promise<void> {
    await this.rig.save({ name, triggers, steps: [ACT], ...more });
    await this.rig.settle();
  }

  /** What the runs of a workflow saw as `trigger`, oldest first. */
  fired(workflow: string): JsonObject[] {
    const { runs } = this.rig.engine.runs.list({ limit: 500, workflow });
    return runs.map((run) => run.trigger).reverse();
  }

  times(workflow: string): string[] {
    return this.fired(workflow).map((trigger) => String(trigger.scheduled_at));
  }

  skipped(): string[] {
    return this.rig
      .log()
      .filter((event) => event.type === 'chainbot.workflow.skipped')
      .map((event) => String(event.data.reason));
  }

  status(workflow: string, index = 0): TriggerStatus | undefined {
    return this.triggers.board.list().find((one) => one.workflow === workflow && one.index === index);
  }

  /** Time passes on every clock, a second at a time. */
  async pass(seconds: number): Promise<void> {
    for (let second = 0; second < seconds; second++) {
      await this.rig.clock.advance(1000);
      await this.rig.settle();
    }
  }

  /** The same in steps of ten seconds. */
  async minutes(minutes: number): Promise<void> {
    for (let step = 0; step < minutes * 6; step++) {
      await this.rig.clock.advance(10_000);
      await this.rig.settle();
    }
  }

  /** The wall clock is set. */
  set(time: string): void {
    this.rig.clock.leap(Date.parse(time) - this.rig.clock.now());
  }

  async emit(type: string, data: object = {}, subject = ''): Promise<void> {
    const time = this.rig.clock.now();
    await this.rig.store.commit(
      new Unit().event({ type, subject, actor: 'system:test', time, data: JSON.stringify(data) }),
    );
    await this.rig.settle();
  }

  /** A device reports; a change is in the log as the hardware room writes it. */
  async report(id: string, value: DeviceValue | null, quality: Quality = 'good'): Promise<void> {
    const before = this.devices.get(id);
    this.devices.set(id, {
      ...{ id, name: id, driver: 'test', kind: 'sensor', writable: false, desired: null },
      ...{ reported: value, reportedAt: this.rig.clock.now(), quality },
    });
    if (quality !== 'good' || value === null || before?.reported === value) return;
    const data = { device: id, value, previous: before?.reported ?? null, quality };
    const now = this.rig.clock.now();
    const event = eventRow('chainbot.device.changed', `device/${id}`, `device:${id}`, data, now);
    await this.rig.store.commit(new Unit().event(event));
    await this.rig.settle();
  }

  #secretsPort(): SecretsPort {
    return {
      get: (name) => {
        const value = this.secrets.get(name);
        if (value === undefined) throw new TerminalError('not_found', 'secret.not_found', `no ${name}`);
        return value;
      },
      credential: () => {
        throw new Error('not here');
      },
      names: () => [...this.secrets.keys()].sort(),
    };
  }
}
