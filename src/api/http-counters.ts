import type { Metric } from './metrics-text.ts';

/** Answers by class of status. Plain counters: this is on every request's way. */
export class HttpCounters {
  readonly #byClass = [0, 0, 0, 0, 0, 0];

  count(response: Response): Response {
    const kind = Math.trunc(response.status / 100);
    this.#byClass[kind] = (this.#byClass[kind] ?? 0) + 1;
    return response;
  }

  metrics(streams: number): readonly Metric[] {
    const samples = [2, 3, 4, 5].map((kind) => ({
      value: this.#byClass[kind] as number,
      labels: { class: `${kind}xx` },
    }));
    return [
      { name: 'http_answers_total', help: 'HTTP answers by class of status.', type: 'counter', samples },
      {
        name: 'event_streams',
        help: 'Open event streams, SSE and WebSocket.',
        type: 'gauge',
        samples: [{ value: streams }],
      },
    ];
  }
}
