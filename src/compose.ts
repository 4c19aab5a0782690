import { uptime } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ApiServer } from './api/api-server.ts';
import { Cursor } from './bus/cursor.ts';
import { EventLog } from './bus/event-log.ts';
import { eventRow } from './bus/event-row.ts';
import { Retention } from './bus/retention.ts';
import { buildApi } from './compose-api.ts';
import type { Config } from './config/config.ts';
import type { Memory } from './config/memory.ts';
import { portOwner } from './config/port-owner.ts';
import { type Clock, systemClock } from './core/clock.ts';
import type { Log } from './core/log.ts';
import type { Part } from './core/part.ts';
import { everyStepType } from './every-step-type.ts';
import { Devices } from './hardware/devices.ts';
import { SimulatedGreenhouse } from './hardware/simulated-greenhouse.ts';
import { Simulator } from './hardware/simulator.ts';
import { Tokens } from './identity/tokens.ts';
import { clockSources } from './module/clock-sources.ts';
import { ClockTrust } from './module/clock-trust.ts';
import { EventLoopDelay } from './module/event-loop-delay.ts';
import { HealthBoard } from './module/health-board.ts';
import { createMqtt, type Mqtt } from './mqtt/create-mqtt.ts';
import type { ListeningAddress } from './outbound/address-guard.ts';
import { createOutbound, type Outbound } from './outbound/create-outbound.ts';
import type { ReaderPort, WriterPort } from './store/port.ts';
import { Store } from './store/store.ts';
import { Unit } from './store/unit.ts';
import { createVault } from './vault/create-vault.ts';
import type { Vault } from './vault/vault.ts';
import { type StepTypes, stepTypes } from './workflows/definition/step-types.ts';
import { Engine } from './workflows/engine/engine.ts';
import { OutputFiles } from './workflows/engine/output-files.ts';
import type { RetentionLimits } from './workflows/engine/run-retention.ts';
import { History } from './workflows/history/history.ts';
import { type FolderResult, storeFolder } from './workflows/site-folder.ts';
import { siteFiles } from './workflows/steps/site-files.ts';
import { createTriggers, type Triggers } from './workflows/triggers/create-triggers.ts';
import type { MqttTriggers } from './workflows/triggers/mqtt-triggers.ts';
import { Workbench } from './workflows/workbench.ts';
import { WorkflowCatalog } from './workflows/workflow-catalog.ts';

/** What main.ts knows before anything is built. */
export interface ComposeOptions {
  readonly config: Config;
  readonly memory: Pick<Memory, 'deviceId' | 'lastStopClean'>;
  readonly log: Log;
  readonly version: string;
  readonly clock?: Clock | undefined;
}

/** The running appliance. */
export interface Appliance extends Parts {
  /** What came of the site's workflow files. */
  readonly folder: FolderResult | undefined;
  /** Stops every part, the last started first. */
  stop(reason: string): Promise<void>;
}

/** The drivers there are. */
export const DRIVERS: readonly string[] = ['simulator'];

const DAY_MS = 86_400_000;
const GRACE_MS = 2500;
/** Runs that only wait leave memory after this. */
const REST_AFTER_MS = 1000;

/**
 * Builds every part, hands them to each other and starts them in order; a start that fails stops what had
 * started. With a database that can't be used only the devices (in their safe states) and the API come up.
 */
export async function compose(options: ComposeOptions, signal: AbortSignal): Promise<Appliance> {
  const parts = build(options);
  await using started = new AsyncDisposableStack();
  const start = async (part: Part): Promise<void> => {
    await part.start(signal);
    started.defer(() => part.stop());
  };
  parts.loopDelay.start();
  started.defer(() => parts.loopDelay.stop());
  started.defer(() => parts.client.close());
  await start(parts.store);
  started.defer(() => parts.tokens.stop());
  const startOnData = (part: Part): Promise<void> => unlessDamaged(parts, options.log, part, start);
  openReaders(parts, options.log);
  await start(parts.devices);
  await start(parts.trust);
  for (const part of [parts.vault, parts.outbox, parts.engine, parts.triggers.firings, parts.mqtt.part])
    await startOnData(part);
  const folder = parts.store.degraded ? undefined : await loadFolder(parts, options);
  for (const part of [...parts.triggers.parts, parts.retention]) await startOnData(part);
  await start(parts.health);
  await start(parts.api);
  await announce(parts, options);
  parts.store.startQuickCheck();
  const stack = started.move();
  return { ...parts, folder, stop: (reason) => stopAll(parts, options, stack, reason) };
}

/** Every part, built and not started. */
export interface Parts extends Foundations, Workflows, Outbound {
  readonly devices: Devices;
  readonly simulator: Simulator;
  readonly tokens: Tokens;
  readonly mqtt: Mqtt;
  readonly api: ApiServer;
  readonly health: HealthBoard;
}

interface Foundations {
  readonly clock: Clock;
  readonly store: Store;
  readonly data: { readonly reader: ReaderPort; readonly writer: WriterPort };
  readonly events: EventLog;
  readonly retention: Retention;
  readonly vault: Vault;
  readonly mqttCursor: Cursor;
  readonly triggerCursor: Cursor;
  readonly loopDelay: EventLoopDelay;
  readonly trust: ClockTrust;
}

interface Workflows {
  readonly catalog: WorkflowCatalog;
  readonly engine: Engine;
  readonly past: History;
  readonly triggers: Triggers;
  readonly workbench: Workbench;
}

function build(options: ComposeOptions): Parts {
  const { config, log } = options;
  const base = buildFoundations(options);
  const { clock, store, data } = base;
  const house = new SimulatedGreenhouse(clock);
  const declarations = Object.entries(config.devices).map(([id, device]) => ({ id, ...device }));
  const { drivers } = house;
  const devices = new Devices({ ...data, telemetry: store.telemetry, clock, log, declarations, drivers });
  const simulator = new Simulator(devices, house);
  const tokens = new Tokens({ ...data, clock, log });
  const { client, http, outbox } = buildOutbound(options, base, () => listeningAddresses(api, config));
  // The publish step needs the broker, the broker the triggers, the triggers the step types: these come last.
  const late: { types: StepTypes } = { types: stepTypes([]) };
  const workflows = buildWorkflows(options, base, devices, {
    get: (type) => late.types.get(type),
    types: () => late.types.types(),
  });
  const mqtt = buildMqtt(options, base, workflows.triggers.mqtt);
  late.types = everyStepType({
    ...{ ...data, secrets: base.vault, devices, http, mail: outbox, files: siteFiles(config.filesDir) },
    ...{ publisher: mqtt.publisher, baseTopic: config.mqtt.baseTopic },
    limits: { timeoutMs: config.outbound.timeout, maxBytes: config.outbound.maxResponseBytes },
  });
  const health = new HealthBoard({ writer: store, clock, log, everyMs: config.module.healthSeconds * 1000 });
  const rooms = { ...base, ...workflows, devices, simulator, tokens, client, http, outbox, mqtt, health };
  const api = buildApi(options, rooms);
  scoreParts(rooms, api);
  return { ...rooms, api };
}

function buildFoundations({ config, log, memory, clock = systemClock }: ComposeOptions): Foundations {
  const store = new Store({
    file: config.databaseFile,
    telemetryFile: join(config.dataDir, 'telemetry.db'),
    log,
    quickCheck: config.storage.quickCheck,
    telemetry: {
      flushMs: config.telemetry.flushSeconds * 1000,
      retentionMs: config.telemetry.retentionDays * DAY_MS,
    },
  });
  const data = { reader: store.reader, writer: store };
  const events = new EventLog(store, `/chainbot/${memory.deviceId}`);
  const limits = {
    maxAgeMs: config.events.retentionDays * DAY_MS,
    maxCount: config.events.retentionCount,
    hardCap: config.events.hardCapCount,
  };
  const retention = new Retention({ log: events, store: data, limits, clock, logger: log });
  const mqttCursor = new Cursor('mqtt', data, clock);
  const triggerCursor = new Cursor('triggers', data, clock);
  const { secretKey, dataDir } = config;
  const vault = createVault({ ...config.vault, secretKey, dataDir }, { store: data, clock, log });
  const loopDelay = new EventLoopDelay();
  const trust = new ClockTrust({
    ...{ writer: store, clock, log },
    sources: clockSources(),
    holdMs: config.time.holdMs,
    upMs: () => uptime() * 1000,
  });
  return { clock, store, data, events, retention, vault, mqttCursor, triggerCursor, loopDelay, trust };
}

function buildWorkflows(
  { config, log, memory }: ComposeOptions,
  base: Foundations,
  devices: Devices,
  types: StepTypes,
): Workflows {
  const { clock, data, events, trust } = base;
  const catalog = new WorkflowCatalog({ store: data, stepTypes: types, clock });
  const limits = {
    maxLive: config.engine.maxActiveRuns,
    maxQueued: config.engine.maxQueuedRuns,
    maxWaiting: config.engine.maxWaitingRuns,
    restAfterMs: REST_AFTER_MS,
    ...retentionLimits(config),
    maxOutputBytes: config.engine.maxOutputBytes,
    stepTimeoutMs: config.engine.defaultTimeout,
    graceMs: GRACE_MS,
  };
  const outputs = new OutputFiles(join(config.dataDir, 'outputs'), data.reader);
  const engine = new Engine({
    store: data,
    events,
    secrets: base.vault,
    catalog,
    clock,
    log,
    limits,
    outputs,
  });
  const past = new History(data.reader, outputs, catalog);
  const triggers = createTriggers({
    ...{ ...data, clock, log, catalog, events, devices, trust },
    runs: engine.runs,
    ticks: engine.ticks,
    cursor: base.triggerCursor,
    secrets: base.vault,
    timezone: config.time.timezone,
    filesDir: config.filesDir,
    facts: () => ({ clean_stop: memory.lastStopClean, recovered_runs: engine.recovered }),
  });
  const workbench = new Workbench({
    ...{ stepTypes: types, workflows: catalog, runs: engine.runs, devices, limits, clock, log },
    secrets: base.vault,
    // Beside src/, and beside dist/.
    templates: fileURLToPath(new URL('../config/templates', import.meta.url)),
  });
  return { catalog, engine, past, triggers, workbench };
}

function retentionLimits({ engine }: Config): RetentionLimits {
  const { failedRunRetentionDays: failed, runRetentionCount, runRetentionDays } = engine;
  return {
    keepRunsMs: runRetentionDays * DAY_MS,
    keepFailedRunsMs: failed === undefined ? undefined : failed * DAY_MS,
    keepRuns: runRetentionCount,
  };
}

function buildOutbound(
  { config, log, version }: ComposeOptions,
  { data, clock }: Foundations,
  listening: () => ListeningAddress[],
): Outbound {
  const { email, outbound } = config;
  return createOutbound({
    ...{ ...data, clock, log, listening, userAgent: `ChainBot/${version}`, allowHosts: outbound.allowHosts },
    circuit: { failures: outbound.circuitFailures, pauseMs: outbound.circuitPause },
    mail: email && { ...email, password: email.password?.reveal(), timeoutMs: email.timeout },
  });
}

function buildMqtt({ config, log, memory }: ComposeOptions, base: Foundations, target: MqttTriggers): Mqtt {
  const { clock, events, store } = base;
  const { url, username, password, baseTopic, embedded, excludeEvents } = config.mqtt;
  return createMqtt({
    config: { url, username, password: password?.reveal(), baseTopic, embedded, excludeEvents },
    deviceId: memory.deviceId,
    log,
    clock,
    events,
    cursor: base.mqttCursor,
    target,
    portOwner,
    onClash: (other) => {
      const data = { base_topic: baseTopic, other };
      const unit = new Unit().event(
        eventRow('chainbot.mqtt.clash', '', 'system:chainbot', data, clock.now()),
      );
      store
        .commit(unit)
        .catch((error: unknown) => log.warn({ err: error }, 'the clash was not written down'));
    },
  });
}

/** Weights: what the appliance is for counts most; nothing is well when the database is not. */
function scoreParts(parts: Omit<Parts, 'api'>, api: ApiServer): void {
  const { health } = parts;
  health.add(parts.store, 4, true);
  health.add(parts.engine, 3);
  health.add(parts.vault, 1);
  health.add(parts.devices, 2);
  health.add(parts.mqtt.part, 2);
  health.add(parts.trust, 0.5);
  health.add(parts.triggers.firings, 1);
  for (const part of parts.triggers.parts) health.add(part, 0.5);
  health.add(parts.retention, 1);
  health.add(parts.http, 1);
  health.add(parts.outbox, 1);
  health.add(api, 2);
}

/** Starts what needs the database; when that turns out to be damaged, the part is left out and the rest comes up. */
async function unlessDamaged(
  { store }: Parts,
  log: Log,
  part: Part,
  start: (part: Part) => Promise<void>,
): Promise<void> {
  if (store.degraded) return;
  try {
    await start(part);
  } catch (error) {
    if (!store.degraded) throw error;
    log.error({ err: error, part: part.name }, 'this part stays down: the database is damaged');
    await part.stop();
  }
}

/** What only reads the database at the start; a damaged one may refuse even that. */
function openReaders(parts: Parts, log: Log): void {
  try {
    parts.events.open();
    parts.mqttCursor.open(0);
    parts.triggerCursor.open(parts.events.head());
    parts.catalog.open();
    parts.triggers.mqtt.open();
  } catch (error) {
    if (!parts.store.degraded) throw error;
    log.error({ err: error }, 'not even the workflows can be read');
  }
}

async function loadFolder(parts: Parts, { config, log }: ComposeOptions): Promise<FolderResult | undefined> {
  if (config.workflowsDir === undefined) return undefined;
  return storeFolder(config.workflowsDir, parts.catalog, log);
}

async function announce(parts: Parts, { memory, version, log }: ComposeOptions): Promise<void> {
  const { engine, store, clock } = parts;
  const data = {
    version,
    device: memory.deviceId,
    recovered_runs: engine.recovered,
    clean_stop: memory.lastStopClean,
  };
  const unit = new Unit().event(eventRow('chainbot.module.ready', '', 'system:chainbot', data, clock.now()));
  await store
    .commit(unit)
    .catch((error: unknown) => log.warn({ err: error }, 'the start was not written down'));
}

async function stopAll(
  parts: Parts,
  { log }: ComposeOptions,
  stack: AsyncDisposableStack,
  reason: string,
): Promise<void> {
  const event = eventRow('chainbot.module.stopping', '', 'system:chainbot', { reason }, parts.clock.now());
  await parts.store
    .commit(new Unit().event(event))
    .catch((error: unknown) => log.warn({ err: error }, 'the stop was not written down'));
  await stack.disposeAsync();
}

function listeningAddresses(api: ApiServer, config: Config): ListeningAddress[] {
  const { port } = api.address();
  return port === null ? [] : [{ address: config.host, port }];
}
