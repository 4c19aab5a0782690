import type { Metric } from './api/metrics-text.ts';
import type { EventLog } from './bus/event-log.ts';
import type { Clock } from './core/clock.ts';
import type { Devices } from './hardware/devices.ts';
import type { EventLoopDelay } from './module/event-loop-delay.ts';
import type { HealthBoard } from './module/health-board.ts';
import type { CircuitHttp } from './outbound/circuits.ts';
import type { Outbox } from './outbound/outbox.ts';
import type { Store } from './store/store.ts';
import type { Engine } from './workflows/engine/engine.ts';

interface Measured {
  readonly store: Store;
  readonly engine: Engine;
  readonly events: EventLog;
  readonly health: HealthBoard;
  readonly devices: Devices;
  readonly loopDelay: EventLoopDelay;
  readonly http: CircuitHttp;
  readonly outbox: Outbox;
  readonly startedAt: number;
  readonly clock: Clock;
}

/** What the appliance tells Prometheus: base units, ratios 0 to 1, no run ids in labels. */
export function applianceMetrics(of: Measured): readonly Metric[] {
  const { size, queued } = of.engine.launcher.roster;
  const { totals } = of.engine.launcher;
  const memory = process.memoryUsage();
  const health = of.health.score();
  return [
    gauge('health_score', 'The module score, 0 to 1.', health.score),
    {
      name: 'part_health_score',
      help: 'The score of each part, 0 to 1.',
      type: 'gauge',
      samples: health.parts.map(({ name, score }) => ({ value: score, labels: { part: name } })),
    },
    gauge('uptime_seconds', 'Seconds since the start.', (of.clock.now() - of.startedAt) / 1000),
    gauge('process_resident_memory_bytes', 'Resident memory of the daemon.', memory.rss),
    counter('process_cpu_seconds_total', 'CPU time of the daemon.', cpuSeconds()),
    {
      name: 'event_loop_delay_seconds',
      help: 'How long things waited for the event loop since the reading before.',
      type: 'gauge',
      samples: loopDelaySamples(of.loopDelay),
    },
    gauge('runs_live', 'Runs under way or waiting.', size - queued),
    gauge('runs_queued', 'Runs that wait for their turn.', queued),
    counter('runs_started_total', 'Runs begun since the start.', totals.started),
    {
      name: 'runs_ended_total',
      help: 'Runs ended since the start.',
      type: 'counter',
      samples: (['completed', 'failed', 'cancelled'] as const).map((status) => ({
        value: totals[status],
        labels: { status },
      })),
    },
    counter(
      'store_commits_total',
      'Transactions committed since the start, each one fsync.',
      of.store.commits,
    ),
    gauge('store_queue_length', 'Units of work that wait for the disk.', of.store.backlog),
    gauge('store_size_bytes', 'The database and its log on disk.', of.store.size()),
    counter('outbound_calls_total', 'HTTP calls that went out since the start.', of.http.totals.calls),
    counter(
      'outbound_failures_total',
      'HTTP calls with no answer, a late one, or 5xx, since the start.',
      of.http.totals.failures,
    ),
    counter(
      'outbound_held_total',
      'HTTP calls that did not go out because the host was left alone.',
      of.http.totals.held,
    ),
    gauge('outbound_circuits_open', 'Hosts that are left alone now.', of.http.open().length),
    gauge('email_queued', 'E-mails that wait for the mail server.', of.outbox.totals.queued),
    counter('email_sent_total', 'E-mails that the mail server took since the start.', of.outbox.totals.sent),
    counter('email_failed_total', 'E-mails refused or given up since the start.', of.outbox.totals.failed),
    gauge('events_last_seq', 'The last sequence number of the event log.', of.events.head()),
    gauge('events_kept', 'Events kept in the log.', of.events.head() - of.events.tail() + 1),
    {
      name: 'device_value',
      help: 'What devices last reported; true is 1.',
      type: 'gauge',
      samples: of.devices
        .list()
        .flatMap(({ id, reported }) =>
          typeof reported === 'number' || typeof reported === 'boolean'
            ? [{ value: Number(reported), labels: { device: id } }]
            : [],
        ),
    },
  ];
}

const gauge = (name: string, help: string, value: number): Metric => ({
  name,
  help,
  type: 'gauge',
  samples: [{ value }],
});
const counter = (name: string, help: string, value: number): Metric => ({
  ...gauge(name, help, value),
  type: 'counter',
});

const QUANTILES = [0.5, 0.99];

function loopDelaySamples(delay: EventLoopDelay): Metric['samples'] {
  const values = delay.read(QUANTILES);
  return QUANTILES.map((quantile, index) => ({
    value: values[index] as number,
    labels: { quantile: String(quantile) },
  }));
}

function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}
