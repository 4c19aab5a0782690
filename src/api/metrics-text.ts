/** A family of samples for Prometheus. Base units, counters end in `_total`, ratios run 0 to 1. */
export interface Metric {
  /** Without the `chainbot_` prefix. */
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge';
  readonly samples: readonly {
    readonly value: number;
    readonly labels?: Readonly<Record<string, string>>;
  }[];
}

export const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/** The families in the Prometheus text format 0.0.4. */
export function metricsText(metrics: readonly Metric[]): string {
  let text = '';
  for (const { name, help, type, samples } of metrics) {
    text += `# HELP chainbot_${name} ${help.replace(/\\/g, '\\\\').replace(/\n/g, '\\n')}\n`;
    text += `# TYPE chainbot_${name} ${type}\n`;
    for (const { value, labels } of samples)
      text += `chainbot_${name}${labelText(labels)} ${numberText(value)}\n`;
  }
  return text;
}

function labelText(labels: Readonly<Record<string, string>> | undefined): string {
  const pairs = Object.entries(labels ?? {}).map(([name, value]) => `${name}="${escaped(value)}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

function escaped(value: string): string {
  return value.replace(/\\/g, '\\\\').replace(/"/g, '\\"').replace(/\n/g, '\\n');
}

function numberText(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf';
  return String(value);
}
