import type { CursorPort, EventLogPort } from '#bus/port.ts';
import type { ClockTrustPort } from '#core/clock-trust.ts';
import type { JsonObject } from '#core/json.ts';
import type { Part } from '#core/part.ts';
import type { DevicesPort } from '#hardware/port.ts';
import type { SecretsPort } from '#vault/port.ts';
import type { HooksPort, TriggersPort } from '../trigger-port.ts';
import { DeviceTriggers } from './device-triggers.ts';
import { EventTriggers } from './event-triggers.ts';
import { FileTriggers } from './file-triggers.ts';
import { Firings, type FiringsOptions } from './firings.ts';
import { MqttTriggers } from './mqtt-triggers.ts';
import { ScheduleTriggers } from './schedule-triggers.ts';
import { StartupTriggers } from './startup-triggers.ts';
import { TriggerBoard } from './trigger-board.ts';
import { WebhookTriggers } from './webhook-triggers.ts';

export interface TriggersOptions extends FiringsOptions {
  readonly events: EventLogPort;
  /** Where the reader of the log for triggers stands. */
  readonly cursor: CursorPort;
  readonly devices: Pick<DevicesPort, 'list'>;
  readonly trust: ClockTrustPort;
  /** Absent: no hook can name a secret. */
  readonly secrets?: SecretsPort | undefined;
  /** Of schedules that name none; absent: the machine's. */
  readonly timezone?: string | undefined;
  /** Where the folders of file triggers are. */
  readonly filesDir: string;
  /** What `startup` runs see of this start. */
  readonly facts: () => JsonObject;
}

/** Everything that starts workflows. */
export interface Triggers {
  /** Starts before whatever may fire: after the engine, before the broker. */
  readonly firings: Firings;
  /** The broker's target; `open` it before the broker starts. */
  readonly mqtt: MqttTriggers;
  /** Start these last. */
  readonly parts: readonly Part[];
  readonly hooks: HooksPort;
  readonly board: TriggersPort;
}

/** Builds the triggers; nothing starts. */
export function createTriggers(options: TriggersOptions): Triggers {
  const { catalog, events, cursor, devices, trust, secrets, timezone, filesDir, facts } = options;
  const firings = new Firings(options);
  const schedules = new ScheduleTriggers(catalog, firings, trust, timezone);
  const levels = new DeviceTriggers(catalog, firings, devices, events);
  const files = new FileTriggers(catalog, firings, filesDir);
  const hooks = new WebhookTriggers(catalog, firings, trust, secrets);
  const parts = [
    new EventTriggers(catalog, events, cursor, firings),
    levels,
    files,
    hooks,
    schedules,
    new StartupTriggers(catalog, firings, facts),
  ];
  const board = new TriggerBoard(catalog, firings, [schedules, levels, files, hooks]);
  return { firings, mqtt: new MqttTriggers(catalog, firings), parts, hooks, board };
}
