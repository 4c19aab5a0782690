import { z } from 'zod';
import { bareAddress } from '#core/mail-address.ts';
import { declaredDevices, duration } from './devices-schema.ts';

/**
 * The whole configuration as it is written (snake_case), with every default and what each key means.
 * config/schema.json, config/default.yaml and docs/configuration.md are made from this file by
 * `node scripts/generate.ts`. Keys marked `writeOnly` are secrets: their values are never shown.
 */

const path = () => z.string().min(1).max(4000);
const count = (min: number, max: number) => z.int().min(min).max(max);
/** A section that may be left out: every key in it has a default. */
const section = <Shape extends z.core.$ZodLooseShape>(description: string, shape: Shape) =>
  z
    .strictObject(shape)
    .prefault({} as never)
    .describe(description);

const log = section('What is logged, to standard output.', {
  level: z
    .enum(['trace', 'debug', 'info', 'warn', 'error', 'silent'])
    .default('info')
    .describe('The least important thing worth a line.'),
  pretty: z
    .union([z.boolean(), z.literal('auto')])
    .default('auto')
    .describe('Lines for people (true) or JSON for journald (false); auto: for people in a terminal.'),
});

const mqtt = section('The event bus to the outside.', {
  url: z
    .string()
    .refine(isBrokerUrl, 'is not a broker URL: write mqtt://host:1883 or mqtts://host:8883')
    .nullable()
    .default(null)
    .describe('An external broker, mqtt://host:1883 or mqtts://host:8883. null: the embedded one.'),
  username: z.string().min(1).max(500).nullable().default(null).describe('User name at the external broker.'),
  password: z
    .string()
    .min(1)
    .max(500)
    .nullable()
    .default(null)
    .meta({ description: 'Password at the external broker.', writeOnly: true }),
  base_topic: z
    .string()
    .regex(/^[^\s/+#$][^\s+#]{0,99}(?<!\/)$/, 'must be a plain topic: no spaces, no + or #, no / at its ends')
    .default('chainbot')
    .describe('First part of every topic. Must be different on each device of one broker.'),
  embedded: section('The embedded broker (MQTT 3.1.1), used when url is null.', {
    host: z
      .string()
      .min(1)
      .max(253)
      .default('127.0.0.1')
      .describe('Address it listens on. It asks for no password.'),
    port: count(0, 65535).default(1883).describe('Port it listens on; 0 takes a free one and prints it.'),
  }),
  exclude_events: z
    .array(
      z
        .string()
        .regex(/^[a-z0-9_.]+\*?$/, 'is an event type, or its beginning and a *')
        .max(200),
    )
    .max(100)
    .default(['chainbot.step.*'])
    .describe('Event types that stay off the broker; they are in the log all the same.'),
});

const api = section('The HTTP API and its unix socket.', {
  socket_group: z
    .string()
    .regex(/^[a-z_][a-z0-9_-]{0,31}$/, 'is not a group name')
    .nullable()
    .default(null)
    .describe("A group that may use the socket (then 0660) without a token. null: only the daemon's user."),
  allowed_hosts: z
    .array(z.string().min(1).max(253))
    .max(100)
    .default([])
    .describe('Names clients may reach it by (Host header), besides localhost and the listening address.'),
  body_limit: count(1024, 64 * 1024 * 1024)
    .default(1024 * 1024)
    .describe('Largest request body, in bytes.'),
});

const storage = section('The database files.', {
  allow_volatile: z
    .boolean()
    .default(false)
    .describe('Accept a data directory on tmpfs, ramfs or overlayfs, where a power cut may lose everything.'),
  quick_check: z
    .boolean()
    .default(true)
    .describe('Check the database for damage (PRAGMA quick_check) after each start.'),
});

const events = section('The event log. Readers that are behind keep events until the hard cap.', {
  retention_days: count(1, 3650).default(30).describe('Events older than this many days are removed.'),
  retention_count: count(100, 100_000_000)
    .default(100_000)
    .describe('More events than this are removed, oldest first.'),
  hard_cap_count: count(100, 100_000_000)
    .default(500_000)
    .describe('Events that not even a reader that is behind can keep; it is told of the gap.'),
});

const telemetry = section('Sensor readings, in a file of their own.', {
  retention_days: count(1, 3650).default(90).describe('Readings older than this many days are removed.'),
  flush_seconds: count(1, 300)
    .default(5)
    .describe('Readings are written this often, all at once. A power cut loses those.'),
});

const engine = section('The workflow engine.', {
  max_active_runs: count(1, 100_000)
    .default(1000)
    .describe('Runs in memory at once; those that only wait are not. Beyond it a start answers 503.'),
  max_waiting_runs: count(1, 10_000_000)
    .default(100_000)
    .describe('Runs that only wait for a time or a signal; each costs a line in memory.'),
  max_queued_runs: count(0, 1_000_000)
    .default(10_000)
    .describe(
      "Runs that queue for their workflow's concurrency limit, of all workflows; beyond it a start answers 429.",
    ),
  default_timeout: duration()
    .default('5m')
    .describe('How long one attempt of a step may take when the step does not say.'),
  run_retention_days: count(1, 3650)
    .default(90)
    .describe('Ended runs, with their steps, are removed after this many days.'),
  failed_run_retention_days: count(1, 3650)
    .nullable()
    .default(null)
    .describe('Failed runs are removed after this many days. null: like the others.'),
  run_retention_count: count(1, 100_000)
    .nullable()
    .default(null)
    .describe('More runs of one workflow than this are removed, the oldest first. null: any number stays.'),
  max_output_bytes: count(1024, 256 * 1024 * 1024)
    .default(16 * 1024 * 1024)
    .describe('A larger output of a step is an error. Above 256 KiB outputs are files in data_dir/outputs.'),
});

const outbound = section('Requests that leave this machine.', {
  allow_hosts: z
    .array(z.string().min(1).max(253))
    .max(1000)
    .default([])
    .describe('Hosts on the LAN that a workflow may reach even when the address comes from data.'),
  timeout: duration().default('30s').describe('How long a request may take when the step does not say.'),
  max_response_bytes: count(1024, 64 * 1024 * 1024)
    .default(1024 * 1024)
    .describe('A larger response is an error, in bytes.'),
  circuit_failures: count(1, 1000)
    .default(5)
    .describe('After this many failures in a row a host is left alone for a while.'),
  circuit_pause: duration()
    .default('30s')
    .describe('How long it is left alone; twice as long each time it fails again, at most 10 minutes.'),
});

const email = section('The mail server that takes e-mail from this machine (SMTP).', {
  host: z.string().min(1).max(253).nullable().default(null).describe('Its name. null: no e-mail is sent.'),
  port: count(1, 65535).default(587).describe('587 with starttls, 465 with tls, 25 within a network.'),
  secure: z
    .enum(['starttls', 'tls', 'none'])
    .default('starttls')
    .describe('starttls and tls refuse a server without encryption; none sends in the clear.'),
  username: z.string().min(1).max(500).nullable().default(null).describe('User name at the mail server.'),
  password: z
    .string()
    .min(1)
    .max(500)
    .nullable()
    .default(null)
    .meta({ description: 'Password at the mail server.', writeOnly: true }),
  from: z
    .string()
    .refine(
      (text) => bareAddress(text) !== undefined,
      'is not an address: write chainbot@example.org or House <house@example.org>',
    )
    .max(320)
    .nullable()
    .default(null)
    .describe('The sender: house@example.org, or House <house@example.org>.'),
  timeout: duration().default('30s').describe('How long the mail server may take for each of its answers.'),
  attempts: count(1, 10_000)
    .default(200)
    .describe('A message that was not taken after so many attempts is given up; 200 are about two days.'),
});

const vault = section(
  'Secrets of steps and providers. See docs/secrets.md for where the root key comes from.',
  {
    passphrase: z
      .string()
      .min(12, 'is too short: it needs at least 12 characters')
      .max(1000)
      .nullable()
      .default(null)
      .meta({
        description: 'Instead of a root key: words that it is made from (argon2id), at least 12 characters.',
        writeOnly: true,
      }),
    previous_key: z
      .string()
      .min(12, 'is too short to have been a root key or a passphrase')
      .max(1000)
      .nullable()
      .default(null)
      .meta({
        description: 'The root key or passphrase before this one, until `chainbot secrets rotate` was run.',
        writeOnly: true,
      }),
  },
);

const moduleSection = section('ChainBot as a module of ALEX OS.', {
  health_seconds: count(1, 3600).default(15).describe('How often the parts are scored.'),
});

const time = section('Wall-clock time.', {
  timezone: z
    .string()
    .refine(isTimezone, 'is not a time zone: write one of the IANA list, like Europe/Berlin')
    .nullable()
    .default(null)
    .describe("Time zone of schedules that name none, like Europe/Berlin. null: the machine's."),
  hold: duration()
    .default('5m')
    .describe(
      'How long after the machine came up schedules wait for a clock that nobody has set. 0s: not at all.',
    ),
});

function isBrokerUrl(text: string): boolean {
  return /^(mqtt|mqtts|tcp|ssl|ws|wss):\/\/[^\s/]/.test(text) && URL.canParse(text);
}

function isTimezone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }) !== undefined;
  } catch {
    return false;
  }
}

export const configSchema = z.strictObject({
  data_dir: path()
    .default('/var/lib/chainbot')
    .describe("Where everything is kept: database, telemetry, the daemon's memory. Mode 0700."),
  socket: path()
    .nullable()
    .default(null)
    .describe('The unix socket of the API. null: chainbot.sock in data_dir.'),
  host: z.string().min(1).max(253).default('127.0.0.1').describe('Address the HTTP API listens on.'),
  port: count(0, 65535)
    .default(8000)
    .describe('Port the HTTP API listens on; 0 takes a free one and prints it.'),
  database_url: z
    .string()
    .regex(/^sqlite:.+/, 'must be sqlite: and a path: ChainBot carries its own database and needs no server')
    .nullable()
    .default(null)
    .describe('Where the database file is, sqlite:/path/chainbot.db. null: chainbot.db in data_dir.'),
  secret_key: z
    .string()
    .refine((key) => Buffer.byteLength(key) >= 32, 'is too short: it needs at least 32 bytes')
    .nullable()
    .default(null)
    .meta({
      description:
        'Root key of the vault, at least 32 bytes: openssl rand -base64 48. Better in the environment. null: a key file.',
      writeOnly: true,
    }),
  workflows_dir: path()
    .nullable()
    .default(null)
    .describe('A folder of workflow files (*.yaml, *.json) stored at each start. null: none.'),
  files_dir: path()
    .nullable()
    .default(null)
    .describe('Where the folders of file triggers are. null: files in data_dir.'),
  log,
  mqtt,
  api,
  storage,
  events,
  telemetry,
  engine,
  outbound,
  email,
  vault,
  module: moduleSection,
  time,
  devices: declaredDevices
    .default({})
    .describe('Devices by id: name, driver, kind and what the driver needs.'),
});

/** The configuration as written and validated, with every default filled in. */
export type WrittenConfig = z.output<typeof configSchema>;
