import { type ApiServer, createApi } from './api/api-server.ts';
import { applianceMetrics } from './appliance-metrics.ts';
import type { ComposeOptions, Parts } from './compose.ts';
import { portOwner } from './config/port-owner.ts';
import type { Mqtt } from './mqtt/create-mqtt.ts';
import { schemaVersion } from './store/migrations.ts';
import { Notifications } from './workflows/notifications.ts';

/** Builds the API over what the rooms offer; everything it shows comes through their ports. */
export function buildApi(
  { config, log, memory, version }: ComposeOptions,
  rooms: Omit<Parts, 'api'>,
): ApiServer {
  const { clock, store, engine, events, devices, health, mqtt } = rooms;
  const startedAt = clock.now();
  return createApi({
    workflows: rooms.catalog,
    workbench: rooms.workbench,
    runs: engine.runs,
    past: rooms.past,
    approvals: engine.approvals,
    devices,
    simulator: rooms.simulator,
    history: (device, from, to, limit) => store.telemetry.history(device, from, to, limit),
    events,
    tokens: rooms.tokens,
    notifications: new Notifications(rooms.data, clock),
    outbox: rooms.outbox,
    vault: rooms.vault,
    triggers: rooms.triggers.board,
    hooks: rooms.triggers.hooks,
    trust: rooms.trust,
    health: () => health.score(),
    info: () => ({
      name: 'chainbot',
      version,
      device_id: memory.deviceId,
      started_at: new Date(startedAt).toISOString(),
      pid: process.pid,
      node: process.versions.node,
      mqtt: mqttInfo(mqtt),
      clock: { ...rooms.trust.standing() },
      database: { path: config.databaseFile, schema_version: schemaVersion },
    }),
    metrics: () => applianceMetrics({ ...rooms, startedAt }),
    portOwner: async (port) => portOwner(port),
    listen: {
      host: config.host,
      port: config.port,
      socketPath: config.socket,
      socketGroup: config.api.socketGroup,
      allowedHosts: config.api.allowedHosts,
    },
    limits: { bodyBytes: config.api.bodyLimit },
    clock,
    log,
  });
}

function mqttInfo(mqtt: Mqtt) {
  const { baseTopic, ...status } = mqtt.status();
  return { ...status, base_topic: baseTopic };
}
