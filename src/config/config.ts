import path from 'node:path';
import { parseDuration } from '#core/duration.ts';
import type { WrittenConfig } from './schema.ts';
import { type Secret, secret } from './secrets.ts';

/** Turns a relative path into an absolute one; relative to the file it stands in, or the working directory. */
export type ResolvePath = (key: readonly string[], written: string) => string;

type DeepReadonly<T> = T extends Secret | string | number | boolean | null | undefined
  ? T
  : { readonly [Name in keyof T]: DeepReadonly<T[Name]> };

/**
 * The configuration that parts are built from: camelCase, absolute paths, durations in milliseconds, absent
 * things undefined, secrets wrapped. Deep-frozen by loadConfig.
 */
export type Config = DeepReadonly<ReturnType<typeof deriveConfig>>;

/**
 * @param files the files it was read from, for the log
 * @param credential the root key that systemd gave
 */
export function deriveConfig(
  written: WrittenConfig,
  resolve: ResolvePath,
  files: readonly string[],
  credential?: string,
) {
  const dataDir = resolve(['data_dir'], written.data_dir);
  return {
    dataDir,
    /** The database; telemetry.db and everything else stay in dataDir. */
    databaseFile: databaseFile(written, resolve) ?? path.join(dataDir, 'chainbot.db'),
    socket:
      written.socket === null ? path.join(dataDir, 'chainbot.sock') : resolve(['socket'], written.socket),
    host: written.host,
    port: written.port,
    secretKey: secret(written.secret_key),
    vault: {
      /** What systemd's LoadCredential gave. */
      credential: secret(credential ?? null),
      passphrase: secret(written.vault.passphrase),
      previousKey: secret(written.vault.previous_key),
    },
    workflowsDir:
      written.workflows_dir === null ? undefined : resolve(['workflows_dir'], written.workflows_dir),
    filesDir:
      written.files_dir === null ? path.join(dataDir, 'files') : resolve(['files_dir'], written.files_dir),
    log: written.log,
    mqtt: deriveMqtt(written.mqtt),
    ...deriveSections(written),
    devices: written.devices,
    files,
  };
}

function databaseFile(written: WrittenConfig, resolve: ResolvePath): string | undefined {
  if (written.database_url === null) return undefined;
  return resolve(['database_url'], written.database_url.replace(/^sqlite:(\/\/)?/, ''));
}

function deriveMqtt(mqtt: WrittenConfig['mqtt']) {
  const url = mqtt.url === null ? undefined : new URL(mqtt.url);
  const username = mqtt.username ?? (url?.username ? decodeURIComponent(url.username) : null);
  const password = mqtt.password ?? (url?.password ? decodeURIComponent(url.password) : null);
  if (url !== undefined) {
    url.username = '';
    url.password = '';
  }
  return {
    /** An external broker, without credentials; undefined: the embedded one. */
    url: url?.href,
    username: username ?? undefined,
    password: secret(password),
    baseTopic: mqtt.base_topic,
    embedded: mqtt.embedded,
    excludeEvents: mqtt.exclude_events,
  };
}

/** undefined: no e-mail is sent. */
function deriveEmail({ host, port, secure, from, attempts, ...email }: WrittenConfig['email']) {
  if (host === null || from === null) return undefined;
  const username = email.username ?? undefined;
  const password = secret(email.password);
  /** Milliseconds. */
  const timeout = parseDuration(email.timeout);
  return { host, port, secure, username, password, from, timeout, attempts };
}

function deriveSections({ api, storage, events, telemetry, engine, outbound, ...written }: WrittenConfig) {
  return {
    api: {
      socketGroup: api.socket_group ?? undefined,
      allowedHosts: api.allowed_hosts,
      /** Bytes. */
      bodyLimit: api.body_limit,
    },
    storage: { allowVolatile: storage.allow_volatile, quickCheck: storage.quick_check },
    events: {
      retentionDays: events.retention_days,
      retentionCount: events.retention_count,
      hardCapCount: events.hard_cap_count,
    },
    telemetry: { retentionDays: telemetry.retention_days, flushSeconds: telemetry.flush_seconds },
    engine: {
      maxActiveRuns: engine.max_active_runs,
      maxQueuedRuns: engine.max_queued_runs,
      maxWaitingRuns: engine.max_waiting_runs,
      runRetentionDays: engine.run_retention_days,
      failedRunRetentionDays: engine.failed_run_retention_days ?? undefined,
      runRetentionCount: engine.run_retention_count ?? undefined,
      maxOutputBytes: engine.max_output_bytes,
      /** Milliseconds. */
      defaultTimeout: parseDuration(engine.default_timeout),
    },
    outbound: {
      allowHosts: outbound.allow_hosts,
      /** Milliseconds. */
      timeout: parseDuration(outbound.timeout),
      /** Bytes. */
      maxResponseBytes: outbound.max_response_bytes,
      circuitFailures: outbound.circuit_failures,
      /** Milliseconds. */
      circuitPause: parseDuration(outbound.circuit_pause),
    },
    email: deriveEmail(written.email),
    module: { healthSeconds: written.module.health_seconds },
    time: {
      timezone: written.time.timezone ?? undefined,
      /** Milliseconds. */
      holdMs: parseDuration(written.time.hold),
    },
  };
}
